/** What the way to the broker shows to Prometheus. */

import { RECORD_CLASSES, type RecordClass } from '../../core/messages.ts';
import { Counter, Gauge, Histogram, type Registry } from '../../core/prometheus.ts';

export type MqttMetrics = ReturnType<typeof createMqttMetrics>;

const LATENCY_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3600];

export function createMqttMetrics(registry: Registry) {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, buckets: LATENCY_BUCKETS, registers });
  const published = counter(
    'vigie_mqtt_published_records_total',
    'Records sent, again or for the first time.',
    'class',
  );
  const acknowledged = counter('vigie_mqtt_acknowledged_records_total', 'Records the broker has.', 'class');
  return {
    connected: gauge('vigie_mqtt_connected', '1 while the broker has accepted the connection.'),
    connects: counter('vigie_mqtt_connects_total', 'Connections the broker accepted.'),
    disconnects: counter(
      'vigie_mqtt_disconnects_total',
      'Attempts that failed and connections that broke, by reason.',
      'reason',
    ),
    published: byClass(published),
    acknowledged: byClass(acknowledged),
    refused: counter(
      'vigie_mqtt_refused_records_total',
      'Records the broker did not take, by MQTT reason code; they stay in the outbox and are tried again.',
      'code',
    ),
    snapshotsPassedOver: counter(
      'vigie_mqtt_passed_over_snapshots_total',
      'Pictures of events that were not sent: deleted meanwhile (gone), followed by a better one of the event (replaced), larger than the broker takes (too-large).',
      'reason',
    ),
    returned: counter(
      'vigie_mqtt_returned_records_total',
      'Records on their way when the connection broke; they are sent again.',
    ),
    held: gauge('vigie_mqtt_held_records', 'Refused records that wait for their next try.'),
    inflight: gauge(
      'vigie_mqtt_inflight_records',
      "Records on their way without the broker's acknowledgement.",
    ),
    puback: histogram('vigie_mqtt_puback_seconds', 'From sending a record to its PUBACK.'),
    eventDelivery: histogram(
      'vigie_mqtt_event_delivery_seconds',
      'From the stamp of an event of this start of the node to its PUBACK.',
    ),
    commands: counter('vigie_mqtt_commands_total', 'Commands by how they ended.', 'result'),
    sparkplugMessages: counter('vigie_sparkplug_messages_total', 'Sparkplug messages sent, by type.', 'type'),
    sparkplugDisconnects: counter(
      'vigie_sparkplug_disconnects_total',
      'Attempts that failed and connections that broke, by reason.',
      'reason',
    ),
    sparkplugDropped: counter(
      'vigie_sparkplug_dropped_samples_total',
      'Samples that found no room while no Sparkplug host could be reached.',
    ),
  };
}

function byClass(counter: Counter<'class'>): Record<RecordClass, Counter.Internal> {
  return Object.fromEntries(RECORD_CLASSES.map((name) => [name, counter.labels(name)])) as Record<
    RecordClass,
    Counter.Internal
  >;
}

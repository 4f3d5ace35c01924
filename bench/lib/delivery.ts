/** What delivers on a node, alone: a real outbox and a real MQTT client, with a stopwatch at the outbox's exit. */

import { Registry } from 'prom-client';
import { mqttConfig } from '../../runtime/config/schema/mqtt.ts';
import { outboxConfig } from '../../runtime/config/schema/outbox.ts';
import { SystemClock } from '../../runtime/core/clock.ts';
import { CommandTable } from '../../runtime/core/commands.ts';
import { HEALTHY } from '../../runtime/core/component.ts';
import { createLog } from '../../runtime/core/log.ts';
import type { OutboundQueue, StoredRecord } from '../../runtime/core/messages.ts';
import type { NodeStatus } from '../../runtime/core/status.ts';
import { MqttSink } from '../../runtime/sinks/mqtt/mqtt-sink.ts';
import { Outbox } from '../../runtime/sinks/outbox/outbox.ts';

/** Messages on their way to the broker at a time. */
export const WINDOW = 100;

/** The MQTT client is left for the caller to start. */
export async function startDelivery(url: string, directory: string) {
  const clock = new SystemClock(() => true);
  const log = createLog('silent');
  const registry = new Registry();
  const outbox = new Outbox({ directory, config: outboxConfig.parse({}), clock, log, registry });
  await outbox.start();
  const watched = watch(outbox, () => clock.mono());
  const { bootId } = outbox;
  const status = (): NodeStatus => ({
    site: 'bench',
    node: 'n',
    version: '0',
    bootId,
    uptime: clock.mono(),
    timeQuality: 'synced',
    health: HEALTHY,
    components: {},
    outbox: outbox.depth(),
    baselines: {},
    models: {},
    config: { state: 'ok', problems: [] },
  });
  const config = mqttConfig.parse({ url, drainPerSecond: 100_000, inflight: WINDOW });
  const commands = new CommandTable();
  const identity = { site: 'bench', node: 'n', bootId };
  const sink = new MqttSink({
    ...identity,
    config,
    queue: watched.queue,
    dataDir: '',
    commands,
    status,
    clock,
    log,
    registry,
    readSecret: (reference) => reference,
  });
  return {
    sink,
    /** Of each event, from its stamp to the moment its PUBACK is handled, milliseconds. */
    latencies: watched.latencies,
    removed: watched.removed,
    outbox,
    clock,
    log,
    registry,
    stop: async () => {
      await sink.stop();
      await outbox.stop();
    },
  };
}

/** The outbox with a stopwatch at its exit. */
function watch(outbox: Outbox, now: () => number) {
  const events = new Map<number, StoredRecord>();
  const latencies: number[] = [];
  let removed = 0;
  const queue: OutboundQueue = {
    take: async (max) => {
      const records = await outbox.take(max);
      for (const record of records) if (record.class === 'event') events.set(record.id, record);
      return records;
    },
    remove: (ids) => {
      removed += ids.length;
      for (const id of ids) {
        const record = events.get(id);
        if (record) latencies.push(now() - record.mono);
        events.delete(id);
      }
      outbox.remove(ids);
    },
    giveBack: () => outbox.giveBack(),
    onAvailable: (callback) => outbox.onAvailable(callback),
    depth: () => outbox.depth(),
  };
  return { queue, latencies, removed: () => removed };
}

/** What a Modbus bus tells Prometheus. */

import { Counter, Gauge, Histogram, type Registry } from '../../core/prometheus.ts';
import type { BreakerState } from './breaker.ts';
import { FAULTS } from './exchange.ts';

const LABELS = ['source'] as const;
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const BREAKER_VALUE: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 };

const families = new WeakMap<Registry, ReturnType<typeof defineFamilies>>();

/** The metrics of one bus with their labels bound. All buses of a registry share the families. */
export function busMetrics(registry: Registry, source: string) {
  let family = families.get(registry);
  if (!family) {
    family = defineFamilies(registry);
    families.set(registry, family);
  }
  const all = family;
  return {
    requests: all.requests.labels(source),
    fault: Object.fromEntries(FAULTS.map((kind) => [kind, all.errors.labels(source, kind)])),
    /** Bounded: the standard's exceptions and a few codes of vendors. */
    exception: (name: string) => all.exceptions.labels(source, name),
    busy: all.busy.labels(source),
    jitter: all.jitter.labels(source),
    latency: all.latency.labels(source),
    late: all.late.labels(source),
    breaker: (unit: string, state: BreakerState) =>
      all.breaker.labels(source, unit).set(BREAKER_VALUE[state]),
    connects: all.connects.labels(source),
    sent: all.bytes.labels(source, 'sent'),
    received: all.bytes.labels(source, 'received'),
    discarded: all.discarded.labels(source),
    splits: all.splits.labels(source),
    samples: {
      good: all.samples.labels(source, 'good'),
      uncertain: all.samples.labels(source, 'uncertain'),
      bad: all.samples.labels(source, 'bad'),
    },
    write: (outcome: 'done' | 'failed') => all.writes.labels(source, outcome).inc(),
  };
}

export type BusMetrics = ReturnType<typeof busMetrics>;

function defineFamilies(registry: Registry) {
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Counter({ name, help, labelNames: [...labelNames], registers: [registry] });
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, labelNames: [...LABELS], buckets: SECONDS, registers: [registry] });
  return {
    requests: counter('vigie_modbus_requests_total', 'Requests sent, probes and writes included.', LABELS),
    errors: counter('vigie_modbus_errors_total', 'Requests without a usable answer, by kind.', [
      ...LABELS,
      'kind',
    ]),
    exceptions: counter('vigie_modbus_exceptions_total', 'Exceptions units answered with.', [
      ...LABELS,
      'exception',
    ]),
    busy: counter(
      'vigie_modbus_busy_seconds_total',
      'Time the bus was taken by a request; its rate is the utilisation.',
      LABELS,
    ),
    jitter: histogram('vigie_modbus_poll_jitter_seconds', 'How much later than due polls started.'),
    latency: histogram('vigie_modbus_poll_latency_seconds', 'From request to answer.'),
    late: counter(
      'vigie_modbus_late_polls_total',
      'Polls left out because the bus was not free before the next one was due.',
      LABELS,
    ),
    breaker: new Gauge({
      name: 'vigie_modbus_breaker_state',
      help: '0 answering, 1 being probed, 2 offline and left alone.',
      labelNames: [...LABELS, 'unit'],
      registers: [registry],
    }),
    connects: counter(
      'vigie_modbus_connects_total',
      'Connections or ports opened, the first included.',
      LABELS,
    ),
    bytes: counter('vigie_modbus_bytes_total', 'Bytes on the line.', [...LABELS, 'direction']),
    discarded: counter(
      'vigie_modbus_discarded_frames_total',
      'Frames nobody waited for: late answers, echoes, other masters.',
      LABELS,
    ),
    splits: counter(
      'vigie_modbus_split_requests_total',
      'Merged requests cut in two because the unit refused them.',
      LABELS,
    ),
    samples: counter('vigie_modbus_samples_total', 'Samples handed on, by quality.', [...LABELS, 'quality']),
    writes: counter('vigie_modbus_writes_total', 'Writes by outcome.', [...LABELS, 'outcome']),
  };
}

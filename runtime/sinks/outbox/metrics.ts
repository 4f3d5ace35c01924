/** What the outbox says of itself to Prometheus. */

import type { OutboxDepth, RecordClass } from '../../core/messages.ts';
import { RECORD_CLASSES } from '../../core/messages.ts';
import { Counter, Gauge, Histogram, type Registry } from '../../core/prometheus.ts';

export interface OutboxMetrics {
  readonly accepted: ClassCounters;
  readonly removed: BoundCounter;
  readonly evicted: ClassCounters;
  /** By reason: too-large, invalid, full, stopped. */
  readonly refused: Counter<'reason'>;
  /** Rows whose checksum did not hold; they cannot be sent. */
  readonly damagedRows: BoundCounter;
  readonly damagedFiles: BoundCounter;
  readonly salvaged: BoundCounter;
  readonly faults: Counter<'kind'>;
  readonly commitSeconds: Histogram.Internal<string>;
  readonly writtenBytes: BoundCounter;
}

type BoundCounter = Counter.Internal;
export type ClassCounters = Readonly<Record<RecordClass, BoundCounter>>;

interface Gauges {
  depth(): OutboxDepth;
  /** Bytes of records that wait in memory for the disk. */
  bufferedBytes(): number;
}

export function outboxMetrics(registry: Registry, gauges: Gauges): OutboxMetrics {
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name, help, registers }).labels();
  const byClass = (name: string, help: string): ClassCounters => {
    const metric = new Counter({ name, help, labelNames: ['class'], registers });
    const of = (recordClass: RecordClass) => metric.labels(recordClass);
    return { event: of('event'), health: of('health'), reading: of('reading'), picture: of('picture') };
  };
  registerGauges(registry, gauges);
  return {
    accepted: byClass('vigie_outbox_accepted_records_total', 'Records that reached the disk.'),
    removed: counter('vigie_outbox_removed_records_total', 'Records the broker acknowledged.'),
    evicted: byClass('vigie_outbox_evicted_records_total', 'Records dropped to keep the byte bound.'),
    refused: new Counter({
      name: 'vigie_outbox_refused_records_total',
      help: 'Records not taken: too large, not JSON, no room in memory, or the outbox had stopped.',
      labelNames: ['reason'],
      registers,
    }),
    damagedRows: counter('vigie_outbox_damaged_records_total', 'Records whose checksum did not hold.'),
    damagedFiles: counter('vigie_outbox_damaged_files_total', 'Database files moved aside.'),
    salvaged: counter('vigie_outbox_salvaged_records_total', 'Records saved from damaged files.'),
    faults: new Counter({
      name: 'vigie_outbox_faults_total',
      help: 'Operations the disk or the database refused.',
      labelNames: ['kind'],
      registers,
    }),
    commitSeconds: new Histogram({
      name: 'vigie_outbox_commit_duration_seconds',
      help: 'From the start of a transaction until it is safe on disk.',
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5],
      registers,
    }).labels(),
    writtenBytes: counter(
      'vigie_outbox_written_bytes_total',
      'Bytes written to the database and its log: what wears the flash.',
    ),
  };
}

function registerGauges(registry: Registry, { depth, bufferedBytes }: Gauges): void {
  new Gauge({
    name: 'vigie_outbox_records',
    help: 'Records that wait for the broker.',
    labelNames: ['class'],
    registers: [registry],
    collect() {
      const { byClass } = depth();
      for (const recordClass of RECORD_CLASSES) this.set({ class: recordClass }, byClass[recordClass]);
    },
  });
  new Gauge({
    name: 'vigie_outbox_bytes',
    help: 'Bytes of the records that wait for the broker.',
    registers: [registry],
    collect() {
      this.set(depth().bytes);
    },
  });
  new Gauge({
    name: 'vigie_outbox_buffered_bytes',
    help: 'Bytes of records that wait in memory for the disk.',
    registers: [registry],
    collect() {
      this.set(bufferedBytes());
    },
  });
}

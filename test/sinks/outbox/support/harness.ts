/** An outbox on a temporary directory, with a clock the test turns. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import type { OutboxConfig } from '../../../../runtime/config/schema/outbox.ts';
import type { Clock } from '../../../../runtime/core/clock.ts';
import { createLog } from '../../../../runtime/core/log.ts';
import type {
  OutboundRecord,
  RecordClass,
  StoredRecord,
  TimeQuality,
} from '../../../../runtime/core/messages.ts';
import {
  bytes,
  type EpochMillis,
  epochMillis,
  type Millis,
  millis,
  seconds,
} from '../../../../runtime/core/units.ts';
import { Outbox } from '../../../../runtime/sinks/outbox/outbox.ts';

export class TestClock implements Clock {
  now = millis(1000);
  /** Wall minus monotonic time. */
  offset = 1_790_000_000_000;
  quality: TimeQuality = 'synced';

  mono(): Millis {
    return this.now;
  }
  wall(): EpochMillis {
    return epochMillis(this.now + this.offset);
  }
  timeQuality(): TimeQuality {
    return this.quality;
  }
  stamp() {
    return { mono: this.mono(), wall: this.wall(), timeQuality: this.quality };
  }
}

export const MIB = 1024 * 1024;

export const outboxConfig = (maxBytes = 16 * MIB): OutboxConfig => ({
  maxBytes: bytes(maxBytes),
  readings: { enabled: true, batch: seconds(30) },
});

export function temporaryDirectory(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'vigie-outbox-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface Bench {
  readonly outbox: Outbox;
  readonly clock: TestClock;
  readonly registry: Registry;
  readonly lines: { event: string; [key: string]: unknown }[];
}

export function makeOutbox(directory: string, maxBytes?: number, clock = new TestClock()): Bench {
  const registry = new Registry();
  const lines: Bench['lines'] = [];
  const log = createLog('debug', (line) => lines.push(JSON.parse(line)));
  const outbox = new Outbox({ directory, config: outboxConfig(maxBytes), clock, log, registry });
  return { outbox, clock, registry, lines };
}

export async function startOutbox(directory: string, maxBytes?: number, clock?: TestClock): Promise<Bench> {
  const bench = makeOutbox(directory, maxBytes, clock);
  await bench.outbox.start();
  return bench;
}

export function record(
  clock: Clock,
  recordClass: RecordClass,
  body: Record<string, unknown> = {},
): OutboundRecord {
  return { class: recordClass, topic: `topic/${recordClass}`, body, ...clock.stamp() };
}

/** Polls, since what is waited for happens behind the caller. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited 20 s for: ${what}`);
}

export async function takeAll(outbox: Outbox): Promise<StoredRecord[]> {
  const all: StoredRecord[] = [];
  for (;;) {
    const some = await outbox.take(100);
    if (some.length === 0) return all;
    all.push(...some);
  }
}

export async function metric(
  registry: Registry,
  name: string,
  labels: Record<string, string> = {},
): Promise<number> {
  const found = await registry.getSingleMetric(name)?.get();
  const wanted = Object.entries(labels);
  const values = found?.values.filter((v) => wanted.every(([key, value]) => v.labels[key] === value)) ?? [];
  return values.reduce((sum, { value }) => sum + value, 0);
}

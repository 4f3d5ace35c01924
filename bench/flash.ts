/**
 * Flash wear: bytes the outbox makes the kernel write for a day of 127 sensors at 5 s, in fast-forward: six
 * simulated hours, times four. `write_bytes` of /proc/self/io counts whole pages as they become dirty; the file
 * system's journal comes on top (docs/outbox.md says how to measure that, and how much it is).
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { type OutboxConfig, outboxConfig } from '../runtime/config/schema/outbox.ts';
import { type Clock, SystemClock } from '../runtime/core/clock.ts';
import { createLog } from '../runtime/core/log.ts';
import type { OutboundRecord, Sample, Tag } from '../runtime/core/messages.ts';
import { type EpochMillis, epochMillis, type Millis, millis, seconds } from '../runtime/core/units.ts';
import { Outbox } from '../runtime/sinks/outbox/outbox.ts';
import { Batch } from '../runtime/sinks/readings/batch.ts';
import { atMost, type BenchOptions, type BenchResult, info } from './bench.ts';

const SENSORS = 127;
const PERIOD_S = 5;
const HOURS = 6;
/** ISA-18.2 allows about six alarms an hour; each has a start, an update and an end. */
const EVENTS_PER_HOUR = 18;

export const summary =
  'bytes the outbox writes to flash in a day of 127 sensors at 5 s, broker online and offline';

export async function run({ progress }: BenchOptions): Promise<readonly BenchResult[]> {
  // Another batch period, to see what it costs: VIGIE_BENCH_OUTBOX='{"readings":{"batch":"60s"}}'
  const config = outboxConfig.parse(JSON.parse(process.env.VIGIE_BENCH_OUTBOX ?? '{}'));
  progress(
    `${HOURS} simulated hours with the broker online, a record every ${config.readings.batch / 1000} s`,
  );
  const online = await simulate(config, true);
  progress('the same with the broker offline');
  const offline = await simulate(config, false);
  return [
    atMost('flash_mb_per_day', online.megabytesPerDay, 'MB', 60),
    info('flash_offline_mb_per_day', offline.megabytesPerDay, 'MB'),
    info('flash_counter_mb_per_day', online.countedPerDay, 'MB'),
    info('record_bytes', offline.recordBytes, 'byte'),
    info('commits_per_day', online.commitsPerDay, 'commit'),
  ];
}

async function simulate(config: OutboxConfig, online: boolean) {
  const directory = mkdtempSync(join(tmpdir(), 'vigie-flash-'));
  const clock = new SystemClock();
  const registry = new Registry();
  const outbox = new Outbox({ directory, config, clock, log: createLog('error'), registry });
  try {
    await outbox.start();
    await outbox.accept(event(clock, 0));
    const before = { io: bytesWritten(), counter: await counted(registry) };
    let commits = 0;
    for await (const record of hoursOfRecords(clock, config.readings.batch)) {
      await outbox.accept(record);
      commits += 1;
      if (online) outbox.remove((await outbox.take(100)).map(({ id }) => id));
    }
    const perDay = 24 / HOURS / 1e6;
    const depth = outbox.depth();
    const megabytesPerDay = (bytesWritten() - before.io) * perDay;
    const countedPerDay = ((await counted(registry)) - before.counter) * perDay;
    const recordBytes = depth.bytes / Math.max(1, depth.records);
    return { megabytesPerDay, countedPerDay, recordBytes, commitsPerDay: (commits * 24) / HOURS };
  } finally {
    await outbox.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function* hoursOfRecords(clock: Clock, batchMillis: number): Generator<OutboundRecord> {
  const tags = Array.from({ length: SENSORS }, (_, i) => makeTag(i));
  const random = generator(1);
  const start = clock.stamp();
  const batches = (HOURS * 3_600_000) / batchMillis;
  const ticks = Math.max(1, Math.round(batchMillis / (PERIOD_S * 1000)));
  const eventEvery = Math.max(1, Math.round(batches / (HOURS * EVENTS_PER_HOUR)));
  for (let i = 0; i < batches; i++) {
    const batch = new Batch();
    for (let k = 0; k < ticks; k++) {
      const at = i * batchMillis + k * PERIOD_S * 1000;
      const [mono, wall] = [millis(start.mono + at), epochMillis(start.wall + at)];
      for (const tag of tags) batch.add(sample(tag, mono, wall, at, random));
    }
    yield { class: 'reading', topic: 'readings', ...batch.drain() };
    if (i % eventEvery === 0) yield event(clock, i);
  }
}

/** A slow cycle and noise in float32, as a plant's transmitters give: every value is a new one. */
function sample(tag: Tag, mono: Millis, wall: EpochMillis, at: number, random: () => number): Sample {
  const level = 10 ** ((tag.index % 5) - 1);
  const value = level * (1 + 0.2 * Math.sin(at / 1.3e7 + tag.index) + 0.01 * (random() - 0.5));
  const stamp = {
    mono,
    wall: epochMillis(wall + tag.index / 40),
    timeQuality: 'synced',
  } as const;
  return { tag, value: Math.fround(value), quality: 'good', ...stamp };
}

function makeTag(index: number): Tag {
  const unit = ['mg/L', 'Cel', 'm3/h', '[pH]'][index % 4] as string;
  const name = `bio-sensor-${index}`;
  return { name, index, source: 'plc', group: 'bio', kind: 'value', unit, period: seconds(5), deadband: 0 };
}

function event(clock: Clock, i: number): OutboundRecord {
  const contributions = Array.from({ length: 8 }, (_, k) => ({
    tag: `bio-sensor-${(i + k) % SENSORS}`,
    kind: 'value',
    unit: 'mg/L',
    value: i + k / 7,
    normal: { low: k, high: k + 1 },
    direction: 'high',
    share: 1 / (k + 2),
  }));
  const body = { schema: 'vigie.anomaly/1', id: `e-${i}`, phase: 'start', group: 'bio', contributions };
  return { class: 'event', topic: 'events/anomaly', body, ...clock.stamp() };
}

function bytesWritten(): number {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

async function counted(registry: Registry): Promise<number> {
  const metric = await registry.getSingleMetric('vigie_outbox_written_bytes_total')?.get();
  return metric?.values[0]?.value ?? 0;
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
}

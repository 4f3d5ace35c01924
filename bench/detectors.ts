/** What one tick of all detectors costs on a plant of 127 sensors in 8 process groups. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DETECTORS } from '../runtime/config/schema/anomaly.ts';
import type { Tag } from '../runtime/core/messages.ts';
import { type Millis, seconds } from '../runtime/core/units.ts';
import type { Detector, Rows } from '../runtime/pipeline/anomaly/detector.ts';
import { createDetectors, FUSION_WEIGHTS } from '../runtime/pipeline/anomaly/standard-set.ts';
import { Fusion } from '../runtime/pipeline/decide/fusion.ts';
import { atMost, type BenchOptions, type BenchResult, info, percentile } from './bench.ts';

export const summary = 'one tick of all detectors over 127 sensors in 8 groups';

/** Sensors per stage of the simulated wastewater plant. */
const GROUP_SIZES = [15, 18, 35, 16, 12, 8, 10, 13];
const FIT_ROWS = 2880;
const PERIOD = seconds(5);
const WARM_UP_TICKS = 3000;
const TICKS = 10_000;
const MAX_TICK_MS = 0.3;
const MAX_HEAP_GROWTH_KB = 64;

interface Group {
  readonly width: number;
  readonly detectors: readonly Detector[];
  readonly fusion: Fusion;
  readonly scores: Float64Array;
  readonly rows: Rows;
}

export async function run({ progress }: BenchOptions): Promise<readonly BenchResult[]> {
  progress(`learning ${FIT_ROWS} rows of ${GROUP_SIZES.length} groups`);
  const fitStart = performance.now();
  const groups = GROUP_SIZES.map(makeGroup);
  const fitSeconds = (performance.now() - fitStart) / 1000;
  let tick = FIT_ROWS;
  for (let i = 0; i < WARM_UP_TICKS; i++) step(groups, tick++);
  progress(`${TICKS} ticks`);
  const times = new Float64Array(TICKS);
  const heapBefore = heapAfterCollection();
  for (let i = 0; i < TICKS; i++) {
    const start = performance.now();
    step(groups, tick++);
    times[i] = performance.now() - start;
  }
  const growth = Math.max(0, heapAfterCollection() - heapBefore) / 1024;
  const ticks = Array.from(times);
  return [
    atMost('tick_p95_ms', percentile(ticks, 0.95), 'ms', MAX_TICK_MS),
    info('tick_p50_ms', percentile(ticks, 0.5), 'ms'),
    atMost('heap_growth_kb', growth, 'kB', MAX_HEAP_GROWTH_KB),
    info('fit_all_s', fitSeconds, 's'),
    info('explain_all_ms', explainAll(groups), 'ms'),
  ];
}

function makeGroup(width: number, index: number): Group {
  const tags = Array.from({ length: width }, (_, i) => tagOf(`g${index}-t${i}`, i));
  const rows = plantRows(width, index + 1);
  const detectors = createDetectors(tags, { detectors: DETECTORS });
  for (const detector of detectors) detector.fit(rows);
  const fusion = new Fusion(
    detectors.map((detector) => detector.name),
    { weights: FUSION_WEIGHTS },
  );
  return { width, detectors, fusion, scores: new Float64Array(detectors.length), rows };
}

function step(groups: readonly Group[], tick: number): void {
  const mono = (tick * PERIOD) as Millis;
  const at = tick % FIT_ROWS;
  for (const { width, detectors, fusion, scores, rows } of groups) {
    const row = rows.data.subarray(at * width, (at + 1) * width);
    for (let d = 0; d < detectors.length; d++) scores[d] = detectors[d]!.step(row, mono);
    fusion.step(scores);
  }
}

/** Milliseconds for the explanation of every detector of every group: what a plant-wide upset would cost once. */
function explainAll(groups: readonly Group[]): number {
  const explain = () => {
    for (const { width, detectors } of groups) {
      const into = new Float64Array(width);
      for (const detector of detectors) detector.explain(into);
    }
  };
  explain();
  const start = performance.now();
  explain();
  return performance.now() - start;
}

/** Three hidden causes, noise, and now and then a missing value. */
function plantRows(width: number, seed: number): Rows {
  const random = randomFrom(seed);
  const noise = () => random() + random() + random() + random() - 2;
  const loads = Array.from({ length: width * 3 }, noise);
  const causes = [0, 0, 0];
  const data = new Float64Array(FIT_ROWS * width);
  for (let i = 0; i < FIT_ROWS; i++) {
    for (let c = 0; c < 3; c++) causes[c] = 0.98 * causes[c]! + noise();
    for (let j = 0; j < width; j++) {
      const shared = causes.reduce((sum, cause, c) => sum + cause * loads[j * 3 + c]!, 0);
      data[i * width + j] = random() < 0.001 ? Number.NaN : 50 + shared + noise();
    }
  }
  return {
    count: FIT_ROWS,
    width,
    data,
    mono: Float64Array.from({ length: FIT_ROWS }, (_, i) => i * PERIOD),
  };
}

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function tagOf(name: string, index: number): Tag {
  return { name, index, source: 'bench', group: 'bench', kind: '', unit: '', period: PERIOD, deadband: 0 };
}

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

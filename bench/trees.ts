/**
 * An isolation forest of 50 trees of 256 rows (depth 8) over 127 columns: fit, score, explain, batch.
 *
 * Single calls are timed one by one with the monotonic clock, so that the 95th percentile is that of calls, not of
 * blocks of calls; the clock's own cost (`timer_overhead_us`, tens of nanoseconds) is inside the figures and is not
 * taken off. Rows change from call to call, as they do on a node.
 */

import { IsolationForest } from '../runtime/addon/isolation-forest.ts';
import { describeError } from '../runtime/core/errors.ts';
import { atLeast, atMost, type BenchOptions, type BenchResult, info, percentile } from './bench.ts';
import { onnxRuntime, scikitLearn } from './trees/peers.ts';
import { readSavedForest, referenceScore } from './trees/saved-forest.ts';

export const summary = 'isolation forest: single-row score, exact explanation, batch; beside its peers';

const WIDTH = 127;
const ROWS = 10_000;
const WARM_UP_CALLS = 20_000;
const TIMED_CALLS = 200_000;
const EXPLAINED_CALLS = 20_000;
const BATCH_SECONDS = 2;

export async function run({ progress }: BenchOptions): Promise<readonly BenchResult[]> {
  const rows = randomRows(ROWS * WIDTH);
  const single = Array.from({ length: 1000 }, (_, i) => rows.slice(i * WIDTH, (i + 1) * WIDTH));
  progress('fitting 50 trees');
  const before = performance.now();
  const forest = IsolationForest.fit({ rows, width: WIDTH, seed: 1 });
  const fitMs = performance.now() - before;

  progress('scoring and explaining single rows');
  const overhead = timeCalls(WARM_UP_CALLS, TIMED_CALLS, () => {});
  const score = timeCalls(WARM_UP_CALLS, TIMED_CALLS, (i) => forest.score(single[i % 1000]!));
  const contributions = new Float64Array(WIDTH);
  const explain = timeCalls(500, EXPLAINED_CALLS, (i) => forest.explain(single[i % 1000]!, contributions));

  progress('scoring batches');
  const scores = new Float64Array(ROWS);
  const rowsPerSecond = timeBatches(forest, rows, scores);

  progress('comparing with the reference');
  const saved = readSavedForest(forest.serialize());
  const { scoreError, sumError } = compare(forest, single, (row) => referenceScore(saved, row));

  const results = [
    atMost('score_p95_us', percentile(score, 0.95), 'us', 3),
    atMost('explain_p95_us', percentile(explain, 0.95), 'us', 100),
    atLeast('batch_rows_per_s', rowsPerSecond, 'rows/s', 500_000),
    atMost('max_error', scoreError, '', 1e-6),
    atMost('explain_sum_error', sumError, '', 1e-6),
    info('score_p50_us', percentile(score, 0.5), 'us'),
    info('explain_p50_us', percentile(explain, 0.5), 'us'),
    info('timer_overhead_us', percentile(overhead, 0.5), 'us'),
    info('fit_ms', fitMs, 'ms'),
    info('saved_kb', forest.serialize().length / 1000, 'kB'),
  ];
  const work = { forest: saved, rows, count: ROWS, scores };
  results.push(...(await peer('onnxruntime-node', progress, () => onnxRuntime(work))));
  results.push(...(await peer('scikit-learn', progress, () => scikitLearn(WIDTH, ROWS))));
  return results;
}

/** Each call's time in microseconds. */
function timeCalls(warmUp: number, count: number, call: (i: number) => void): number[] {
  for (let i = 0; i < warmUp; i++) call(i);
  const times = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    call(i);
    times[i] = performance.now() - start;
  }
  return Array.from(times, (ms) => ms * 1000);
}

/** One thread: the call runs on this one. */
function timeBatches(forest: IsolationForest, rows: Float64Array, out: Float64Array): number {
  forest.scoreBatch(rows, out);
  const start = performance.now();
  let scored = 0;
  while (performance.now() - start < BATCH_SECONDS * 1000) {
    forest.scoreBatch(rows, out);
    scored += ROWS;
  }
  return scored / ((performance.now() - start) / 1000);
}

function compare(
  forest: IsolationForest,
  rows: readonly Float64Array[],
  reference: (row: Float64Array) => number,
): { scoreError: number; sumError: number } {
  const contributions = new Float64Array(forest.width);
  let scoreError = 0;
  let sumError = 0;
  for (const row of rows) {
    const score = forest.explain(row, contributions);
    scoreError = Math.max(scoreError, Math.abs(score - reference(row)));
    const sum = contributions.reduce((total, value) => total + value, forest.expectedValue);
    sumError = Math.max(sumError, Math.abs(sum - score));
  }
  return { scoreError, sumError };
}

async function peer(
  name: string,
  progress: BenchOptions['progress'],
  measure: () => Promise<BenchResult[]>,
): Promise<BenchResult[]> {
  progress(`measuring ${name}`);
  try {
    return await measure();
  } catch (error) {
    progress(`${name} left out: ${describeError(error).split('\n', 1)[0]}`);
    return [];
  }
}

/** A linear congruential generator: the same rows in every run. */
function randomRows(length: number): Float64Array {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return Float64Array.from({ length }, () => next() + next() + next());
}

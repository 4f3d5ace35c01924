/** What others need for the same work, in the same run. A peer that is not installed is left out with a line. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type BenchResult, info, percentile } from '../bench.ts';
import { encodeForest } from './onnx-forest.ts';
import type { SavedForest } from './saved-forest.ts';

export interface Workload {
  readonly forest: SavedForest;
  readonly rows: Float64Array;
  readonly count: number;
  readonly scores: Float64Array;
}

const SINGLE_RUNS = 3000;
const BATCH_RUNS = 5;

/** ONNX Runtime's TreeEnsembleRegressor on the very same trees, one thread. */
export async function onnxRuntime({ forest, rows, count, scores }: Workload): Promise<BenchResult[]> {
  const ort = await import('onnxruntime-node');
  const session = await ort.InferenceSession.create(await encodeForest(forest), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
  const { width } = forest;
  const narrow = Float32Array.from(rows);
  const singles = Array.from(
    { length: 200 },
    (_, i) => new ort.Tensor('float32', narrow.slice(i * width, (i + 1) * width), [1, width]),
  );
  const times: number[] = [];
  for (let i = -300; i < SINGLE_RUNS; i++) {
    const feeds = { X: singles[(i + 300) % singles.length]! };
    const start = performance.now();
    await session.run(feeds);
    if (i >= 0) times.push((performance.now() - start) * 1000);
  }
  const all = new ort.Tensor('float32', narrow, [count, width]);
  const { sum } = await session.run({ X: all });
  const result = sum!.data as Float32Array;
  const difference = scores.reduce((most, score, i) => Math.max(most, Math.abs(score - result[i]!)), 0);
  const start = performance.now();
  for (let i = 0; i < BATCH_RUNS; i++) await session.run({ X: all });
  const seconds = (performance.now() - start) / 1000;
  await session.release();
  return [
    info('onnxruntime_score_p95_us', percentile(times, 0.95), 'us'),
    info('onnxruntime_batch_rows_per_s', (BATCH_RUNS * count) / seconds, 'rows/s'),
    info('onnxruntime_max_difference', difference, ''),
  ];
}

const PYTHON = `
import json, sys, time
import numpy as np
from sklearn.ensemble import IsolationForest
width, count = int(sys.argv[1]), int(sys.argv[2])
rows = np.random.default_rng(1).random((count, width)) * 3
forest = IsolationForest(n_estimators=50, max_samples=256, random_state=1).fit(rows)
times = []
for i in range(330):
    row = rows[i % count:i % count + 1]
    start = time.perf_counter()
    forest.score_samples(row)
    if i >= 30: times.append(time.perf_counter() - start)
start = time.perf_counter()
forest.score_samples(rows)
batch = time.perf_counter() - start
print(json.dumps([float(np.percentile(times, 95)) * 1e6, count / batch]))
`;

/** scikit-learn's IsolationForest of the same size on rows of the same kind, one job. */
export async function scikitLearn(width: number, count: number): Promise<BenchResult[]> {
  const [p95, perSecond] = await firstWorking(['python3', '/usr/bin/python3'], (python) =>
    promisify(execFile)(python, ['-c', PYTHON, String(width), String(count)], {
      timeout: 20_000,
      env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' },
    }).then(({ stdout }) => JSON.parse(stdout) as [number, number]),
  );
  return [info('sklearn_score_p95_us', p95, 'us'), info('sklearn_batch_rows_per_s', perSecond, 'rows/s')];
}

async function firstWorking<T>(names: readonly string[], attempt: (name: string) => Promise<T>): Promise<T> {
  let failure: unknown;
  for (const name of names) {
    try {
      return await attempt(name);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

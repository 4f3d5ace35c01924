/**
 * The benchmark's isolation forest grown natively with the published settings: 100 trees of 256 raw rows, the limit
 * at the .0005 quantile of the training scores, a rolling median of three votes. Its random cuts differ from
 * scikit-learn's, so it lands near the published row, not on it; `peers/skab_isolation_forest.py` gives the row itself.
 */

import { IsolationForest } from '../../runtime/addon/isolation-forest.ts';
import type { Rows } from '../../runtime/pipeline/anomaly/detector.ts';
import { quantile } from '../../runtime/pipeline/anomaly/statistics.ts';
import { changesOf } from '../scorer.ts';
import { rollingMaximum, rollingMedian } from './rolling.ts';

const SETTINGS = { trees: 100, samples: 256, maxDepth: 8 } as const;
const CONTAMINATION = 0.0005;
const MEDIAN_ROWS = 3;
/** A changepoint is where the alarms of so many rows, taken together, come or go. */
const CHANGE_ROWS = 30;

export interface SkabForestPrediction {
  readonly anomaly: Uint8Array;
  readonly changepoint: Uint8Array;
}

export function skabIsolationForest(train: Rows, test: Rows, seed: number): SkabForestPrediction {
  const { width } = train;
  const forest = IsolationForest.fit({ rows: train.data, width, seed, ...SETTINGS });
  const scores = (rows: Rows) => {
    const out = new Float64Array(rows.count);
    forest.scoreBatch(rows.data, out);
    return out.map(IsolationForest.anomalyScore);
  };
  const limit = quantile(scores(train), 1 - CONTAMINATION);
  const votes = scores(test).map((score) => (score > limit ? 1 : 0));
  forest.dispose();
  const anomaly = Uint8Array.from(rollingMedian(votes, MEDIAN_ROWS), (vote) => (vote === 1 ? 1 : 0));
  const held = Uint8Array.from(rollingMaximum(anomaly, CHANGE_ROWS), (vote) => (vote === 1 ? 1 : 0));
  return { anomaly, changepoint: changesOf(held) };
}

/** What a baseline calls normal for one tag: robust quantiles, for explanations. Pure. */

import type { Rows } from '../anomaly/detector.ts';

export interface NormalRange {
  readonly low: number;
  readonly high: number;
}

const TAIL = 0.005;

/** The 0.5 % and 99.5 % quantiles of one column, engineering units; undefined when it holds no number. */
export function normalRange(rows: Rows, column: number): NormalRange | undefined {
  const values = new Float64Array(rows.count);
  let count = 0;
  for (let r = 0; r < rows.count; r++) {
    const value = rows.data[r * rows.width + column]!;
    if (!Number.isNaN(value)) values[count++] = value;
  }
  if (count === 0) return undefined;
  const sorted = values.subarray(0, count).sort();
  return { low: quantile(sorted, TAIL), high: quantile(sorted, 1 - TAIL) };
}

function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (sorted[above]! - sorted[below]!) * (at - below);
}

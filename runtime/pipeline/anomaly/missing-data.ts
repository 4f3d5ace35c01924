/** A tag that has had no good value for longer than is usual for it. */

import type { Tag } from '../../core/messages.ts';
import type { Millis } from '../../core/units.ts';
import type { Rows } from './detector.ts';
import { PerTagDetector } from './per-tag.ts';
import { beginsRun, clamp, quantile, rowPeriod } from './statistics.ts';

/** The limit is this many times the longest usual gap … */
const LIMIT_FACTOR = 3;
/** … and never less than this many rows. */
const MIN_ROWS = 5;
const MAX_SCORE = 1000;

export class MissingDataDetector extends PerTagDetector {
  readonly name = 'missing-data';
  /** Longest time without a good value that is still normal, in milliseconds. */
  protected readonly values;
  readonly #lastGood: Float64Array;

  constructor(columns: readonly Tag[]) {
    super(columns);
    this.values = { limit: new Float64Array(columns.length) };
    this.#lastGood = new Float64Array(columns.length).fill(Number.NaN);
  }

  protected learn(rows: Rows): void {
    const period = rowPeriod(rows);
    const gaps = new Float64Array(rows.count);
    for (let j = 0; j < rows.width; j++) {
      let n = 0;
      let delivers = false;
      for (let i = 0; i < rows.count; i++) {
        if (beginsRun(rows, i, period)) this.resetTag(j);
        const mono = rows.mono[i]!;
        if (!Number.isFinite(rows.data[i * rows.width + j]!)) continue;
        const gap = mono - this.#lastGood[j]!;
        if (gap >= 0) gaps[n++] = gap;
        delivers = true;
        this.#lastGood[j] = mono;
      }
      const usual = n > 0 ? quantile(gaps.subarray(0, n), 0.995) : 0;
      // A tag that never delivered is a matter of configuration, not an anomaly of the process.
      this.values.limit[j] = delivers
        ? Math.max(LIMIT_FACTOR * usual, MIN_ROWS * period)
        : Number.POSITIVE_INFINITY;
    }
  }

  protected stepTag(column: number, value: number, mono: Millis): number {
    if (Number.isFinite(value) || Number.isNaN(this.#lastGood[column]!)) this.#lastGood[column] = mono;
    return clamp((mono - this.#lastGood[column]!) / this.values.limit[column]!, 0, MAX_SCORE);
  }

  protected resetTag(column: number): void {
    this.#lastGood[column] = Number.NaN;
  }
}

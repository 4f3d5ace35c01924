/** A tag that has had no good value for longer than is usual for it. */

import type { Tag } from '../../core/messages.ts';
import type { Millis } from '../../core/units.ts';
import type { Detector, Rows } from './detector.ts';
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
  /** Whether a tag that never had a value counts as missing: not before the fit has seen that it delivers. */
  #expected = true;

  constructor(columns: readonly Tag[]) {
    super(columns);
    this.values = { limit: new Float64Array(columns.length) };
    this.#lastGood = new Float64Array(columns.length).fill(Number.NaN);
  }

  /** Judges by the configured periods alone until a fit. */
  useConfigured(): this {
    for (const [j, tag] of this.columns.entries()) this.values.limit[j] = MIN_ROWS * tag.period;
    this.#expected = false;
    this.readyUnfitted();
    return this;
  }

  /** A silence goes on, whoever watches; a tag that was silent for the whole baseline keeps its configured limit. */
  takeOver(before: Detector): void {
    if (!(before instanceof MissingDataDetector)) return;
    for (const [j, { name }] of this.columns.entries()) {
      const column = before.columns.findIndex((tag) => tag.name === name);
      const lastGood = before.#lastGood[column] ?? Number.NaN;
      if (Number.isNaN(lastGood)) continue;
      this.#lastGood[j] = lastGood;
      const { limit } = this.values;
      if (limit[j] === Number.POSITIVE_INFINITY) limit[j] = before.values.limit[column]!;
    }
  }

  protected learn(rows: Rows): void {
    this.#expected = true;
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
    const begins = this.#expected && Number.isNaN(this.#lastGood[column]!);
    if (Number.isFinite(value) || begins) this.#lastGood[column] = mono;
    return clamp((mono - this.#lastGood[column]!) / this.values.limit[column]!, 0, MAX_SCORE);
  }

  protected resetTag(column: number): void {
    this.#lastGood[column] = Number.NaN;
  }
}

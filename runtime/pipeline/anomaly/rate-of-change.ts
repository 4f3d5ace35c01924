/** Jumps and ramps faster than the baseline ever was. */

import type { Tag } from '../../core/messages.ts';
import type { Millis } from '../../core/units.ts';
import type { Rows } from './detector.ts';
import { PerTagDetector } from './per-tag.ts';
import { beginsRun, clamp, normalMaximum, quantile, rowPeriod } from './statistics.ts';

/** The limit is this many times the fastest change of normal operation. */
const LIMIT_FACTOR = 2;
/** A tag that stands still for more than this part of the time (a pump state, a mode) jumps by nature: it has no limit. */
const STEADY_PART = 0.8;
/** A jump lasts one step; its score fades by this factor a step, so that the alarm's on-delay can see a large one. */
const FADE = 0.8;
const MAX_SCORE = 100;

export class RateOfChangeDetector extends PerTagDetector {
  readonly name = 'rate-of-change';
  /** Fastest normal change in engineering units per second. */
  protected readonly values;
  readonly #last: Float64Array;
  readonly #lastMono: Float64Array;
  readonly #held: Float64Array;

  constructor(columns: readonly Tag[]) {
    super(columns);
    this.values = { limit: new Float64Array(columns.length) };
    this.#last = new Float64Array(columns.length).fill(Number.NaN);
    this.#lastMono = new Float64Array(columns.length);
    this.#held = new Float64Array(columns.length);
  }

  protected learn(rows: Rows): void {
    const period = rowPeriod(rows);
    const rates = new Float64Array(rows.count);
    for (let j = 0; j < rows.width; j++) {
      let n = 0;
      for (let i = 0; i < rows.count; i++) {
        if (beginsRun(rows, i, period)) this.resetTag(j);
        const rate = this.#rate(j, rows.data[i * rows.width + j]!, rows.mono[i]! as Millis);
        if (Number.isFinite(rate)) rates[n++] = rate;
      }
      const seen = rates.subarray(0, n);
      const limit = quantile(seen, STEADY_PART) > 0 ? LIMIT_FACTOR * normalMaximum(seen) : 0;
      this.values.limit[j] = limit || Number.POSITIVE_INFINITY;
    }
  }

  protected stepTag(column: number, value: number, mono: Millis): number {
    if (!Number.isFinite(value)) return Number.NaN;
    const score = this.#rate(column, value, mono) / this.values.limit[column]!;
    const faded = this.#held[column]! * FADE;
    // NaN, for want of a value before, compares false and leaves what was held.
    this.#held[column] = score > faded ? clamp(score, 0, MAX_SCORE) : faded;
    return this.#held[column]!;
  }

  protected resetTag(column: number): void {
    this.#last[column] = Number.NaN;
    this.#held[column] = 0;
  }

  /** Change per second since the last value; NaN when there is none, or none before. */
  #rate(column: number, value: number, mono: Millis): number {
    if (!Number.isFinite(value)) return Number.NaN;
    const elapsed = (mono - this.#lastMono[column]!) / 1000;
    const change = Math.abs(value - this.#last[column]!);
    this.#last[column] = value;
    this.#lastMono[column] = mono;
    return elapsed > 0 ? change / elapsed : Number.NaN;
  }
}

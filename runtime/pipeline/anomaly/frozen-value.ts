/** A sensor that repeats one value longer than it ever did: a stuck transmitter, a hung gateway, a replayed signal. */

import type { Tag } from '../../core/messages.ts';
import type { Millis } from '../../core/units.ts';
import type { Rows } from './detector.ts';
import { PerTagDetector } from './per-tag.ts';
import { beginsRun, rowPeriod } from './statistics.ts';

/** The limit is this many times the longest run of one value in the baseline … */
const LIMIT_FACTOR = 3;
/** … and never less than this many rows. */
const MIN_ROWS = 10;
/** Tags that stand still for this part of the baseline (set points, pump states) are no frozen sensors. */
const IDLE_PART = 0.1;
/** The same, as part of one run of rows where the baseline was kept as several. */
const IDLE_RUN_PART = 0.5;

export class FrozenValueDetector extends PerTagDetector {
  readonly name = 'frozen-value';
  /** Longest time without change that is still normal, in milliseconds. */
  protected readonly values;
  readonly #last: Float64Array;
  readonly #since: Float64Array;

  constructor(columns: readonly Tag[]) {
    super(columns);
    this.values = { limit: new Float64Array(columns.length) };
    this.#last = new Float64Array(columns.length).fill(Number.NaN);
    this.#since = new Float64Array(columns.length);
  }

  protected learn(rows: Rows): void {
    const period = rowPeriod(rows);
    for (let j = 0; j < rows.width; j++) {
      let longest = Number.NaN;
      let idle = false;
      for (let from = 0; from < rows.count; ) {
        let to = from + 1;
        while (to < rows.count && !beginsRun(rows, to, period)) to++;
        const still = this.#longestStill(rows, j, from, to);
        idle ||= to - from >= MIN_ROWS && still >= IDLE_RUN_PART * (to - from - 1) * period;
        if (!(still <= longest)) longest = Number.isNaN(still) ? longest : still;
        from = to;
      }
      idle ||= Number.isNaN(longest) || longest > IDLE_PART * rows.count * period;
      const limit = Math.max(LIMIT_FACTOR * longest, MIN_ROWS * period);
      this.values.limit[j] = idle ? Number.POSITIVE_INFINITY : limit;
    }
  }

  protected stepTag(column: number, value: number, mono: Millis): number {
    const run = this.#unchanged(column, value, mono);
    return run / this.values.limit[column]!;
  }

  protected resetTag(column: number): void {
    this.#last[column] = Number.NaN;
    this.#since[column] = 0;
  }

  /** The longest time without change among rows `from` … `to - 1`; NaN when they hold no value. */
  #longestStill(rows: Rows, column: number, from: number, to: number): number {
    this.resetTag(column);
    let longest = Number.NaN;
    for (let i = from; i < to; i++) {
      const still = this.#unchanged(column, rows.data[i * rows.width + column]!, rows.mono[i]! as Millis);
      if (!Number.isNaN(still) && !(still <= longest)) longest = still;
    }
    return longest;
  }

  /** How long the value has not changed; NaN without a value. A gap does not end the run. */
  #unchanged(column: number, value: number, mono: Millis): number {
    if (!Number.isFinite(value)) return Number.NaN;
    if (value !== this.#last[column]) {
      this.#last[column] = value;
      this.#since[column] = mono;
    }
    return mono - this.#since[column]!;
  }
}

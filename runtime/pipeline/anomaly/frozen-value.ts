/** A sensor that repeats one value longer than it ever did: a stuck transmitter, a hung gateway, a replayed signal. */

import type { Tag } from '../../core/messages.ts';
import type { Millis } from '../../core/units.ts';
import type { Rows } from './detector.ts';
import { PerTagDetector } from './per-tag.ts';

/** The limit is this many times the longest run of one value in the baseline … */
const LIMIT_FACTOR = 3;
/** … and never less than this many rows. */
const MIN_ROWS = 10;
/** Tags that stand still for this part of the baseline (set points, pump states) are no frozen sensors. */
const IDLE_PART = 0.1;

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
    const duration = rows.mono[rows.count - 1]! - rows.mono[0]!;
    const period = duration / (rows.count - 1);
    for (let j = 0; j < rows.width; j++) {
      let longest = 0;
      for (let i = 0; i < rows.count; i++) {
        const run = this.#unchanged(j, rows.data[i * rows.width + j]!, rows.mono[i]! as Millis);
        if (run > longest) longest = run;
      }
      const watched = longest <= IDLE_PART * duration && !Number.isNaN(this.#last[j]!);
      this.values.limit[j] = watched
        ? Math.max(LIMIT_FACTOR * longest, MIN_ROWS * period)
        : Number.POSITIVE_INFINITY;
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

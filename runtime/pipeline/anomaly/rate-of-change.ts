/** Jumps and ramps faster than the baseline ever was. */

import type { Tag } from '../../core/messages.ts';
import type { Millis } from '../../core/units.ts';
import type { Rows } from './detector.ts';
import { PerTagDetector } from './per-tag.ts';
import { clamp } from './statistics.ts';

/** The limit is this many times the fastest change of normal operation. */
const LIMIT_FACTOR = 2;
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
    this.calibrate(rows, this.values.limit, LIMIT_FACTOR);
  }

  protected stepTag(column: number, value: number, mono: Millis): number {
    if (!Number.isFinite(value)) return Number.NaN;
    const elapsed = (mono - this.#lastMono[column]!) / 1000;
    const change = Math.abs(value - this.#last[column]!);
    this.#last[column] = value;
    this.#lastMono[column] = mono;
    // The first value after a start has no predecessor: NaN compares false and leaves what was held.
    const score = elapsed > 0 ? change / elapsed / this.values.limit[column]! : 0;
    const faded = this.ready ? this.#held[column]! * FADE : 0;
    this.#held[column] = score > faded ? clamp(score, 0, this.ready ? MAX_SCORE : Number.MAX_VALUE) : faded;
    return this.#held[column]!;
  }

  protected resetTag(column: number): void {
    this.#last[column] = Number.NaN;
    this.#held[column] = 0;
  }
}

/** The last readings of every tag for its sparkline, in one block of memory whose size does not depend on the plant. */

import type { Value } from '../../core/messages.ts';
import { type Millis, millis } from '../../core/units.ts';

/** Readings closer than this share a point, so that a fast tag still shows a minute. */
const GAP = millis(500);
const MOST_POINTS = 120;
const FEWEST_POINTS = 8;
/** Over all tags: 120 points for 2,000 tags, 26 for 10,000. */
const BUDGET_BYTES = 4 * 1024 * 1024;
const BYTES_PER_POINT = 16;

export class TagHistory {
  readonly points: number;
  readonly #times: Float64Array;
  readonly #values: Float64Array;
  /** Points ever begun, per tag. */
  readonly #begun: Uint32Array;

  constructor(tagCount: number) {
    const affordable = Math.floor(BUDGET_BYTES / BYTES_PER_POINT / Math.max(1, tagCount));
    this.points = Math.max(FEWEST_POINTS, Math.min(MOST_POINTS, affordable));
    this.#times = new Float64Array(tagCount * this.points);
    this.#values = new Float64Array(tagCount * this.points);
    this.#begun = new Uint32Array(tagCount);
  }

  /** Text and missing values leave a gap in the line. */
  push(index: number, mono: Millis, value: Value | null): void {
    const number = value === null || typeof value === 'string' ? Number.NaN : Number(value);
    const begun = this.#begun[index]!;
    const base = index * this.points;
    const last = base + ((begun + this.points - 1) % this.points);
    if (begun > 0 && mono - this.#times[last]! < GAP) {
      this.#values[last] = number;
      return;
    }
    const next = base + (begun % this.points);
    this.#times[next] = mono;
    this.#values[next] = number;
    this.#begun[index] = begun + 1;
  }

  /** Oldest first: ages in seconds before `now`, and values (null where there was none). */
  read(index: number, now: Millis): { ages: number[]; values: (number | null)[] } {
    const begun = this.#begun[index]!;
    const count = Math.min(begun, this.points);
    const ages: number[] = [];
    const values: (number | null)[] = [];
    for (let i = begun - count; i < begun; i++) {
      const at = index * this.points + (i % this.points);
      const value = this.#values[at]!;
      ages.push(Math.round((now - this.#times[at]!) / 100) / 10);
      values.push(Number.isFinite(value) ? value : null);
    }
    return { ages, values };
  }
}

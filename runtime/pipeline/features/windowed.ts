/**
 * What a tag did lately, as numbers a row-wise model can use. Exponential windows: one step costs the same for any
 * window, needs no history, and forgets rounding errors. Pure and allocation-free.
 */

/** Per tag, in this order. */
export const FEATURES = ['level', 'spread', 'trend', 'jump'] as const;

export interface WindowOptions {
  /** Time constant of the level, in rows. */
  readonly short: number;
  /** Time constant of the spread and of the slow level that the trend is measured against, in rows. */
  readonly long: number;
}

/** Keeps the logarithm of a spread of 0 (a frozen value) finite. */
const SMALLEST_VARIANCE = 1e-4;

/**
 * For the tags of a group, in standardised units:
 * `level` mean over the short window; `spread` logarithm of the standard deviation about that mean, over the long
 * window; `trend` the level less the mean over the long window; `jump` the value less the level before it.
 */
export class WindowedFeatures {
  /** `width * FEATURES.length` values, tag by tag; overwritten by each step. */
  readonly features: Float64Array<ArrayBuffer>;
  readonly #long: Float64Array;
  readonly #short: Float64Array;
  readonly #variance: Float64Array;
  readonly #alpha: number;
  readonly #beta: number;

  constructor(width: number, options: WindowOptions) {
    this.features = new Float64Array(width * FEATURES.length);
    this.#long = new Float64Array(width);
    this.#short = new Float64Array(width);
    this.#variance = new Float64Array(width);
    this.#alpha = 1 / options.long;
    this.#beta = 1 / options.short;
    this.reset();
  }

  /** @param z standardised values, one per tag; NaN leaves that tag's windows as they are. */
  step(z: Float64Array): void {
    for (let j = 0, at = 0; j < z.length; j++, at += FEATURES.length) {
      if (Number.isNaN(z[j])) continue;
      const jump = z[j]! - this.#short[j]!;
      this.#short[j] = this.#short[j]! + this.#beta * jump;
      this.#long[j] = this.#long[j]! + this.#alpha * (z[j]! - this.#long[j]!);
      this.#variance[j] = this.#variance[j]! + this.#alpha * (jump * jump - this.#variance[j]!);
      this.features[at] = this.#short[j]!;
      this.features[at + 1] = 0.5 * Math.log(this.#variance[j]! + SMALLEST_VARIANCE);
      this.features[at + 2] = this.#short[j]! - this.#long[j]!;
      this.features[at + 3] = jump;
    }
  }

  /** Back to a process at its normal level with its normal spread. */
  reset(): void {
    this.#long.fill(0);
    this.#short.fill(0);
    this.#variance.fill(1);
    this.features.fill(0);
  }
}

/** Sums the contributions of each tag's features: `into[tag] = Σ contributions of its features`. */
export function sumByTag(contributions: Float64Array, into: Float64Array): void {
  for (let j = 0, at = 0; j < into.length; j++) {
    let sum = 0;
    for (let k = 0; k < FEATURES.length; k++, at++) sum += contributions[at]!;
    into[j] = sum;
  }
}

/**
 * Multivariate EWMA of a process group: Hotelling's T² of the exponentially weighted average of all tags, with the
 * covariance that this average has in the baseline. Finds small lasting changes of level or of the relation
 * between tags.
 */

import type { Tag } from '../../core/messages.ts';
import type { Rows } from './detector.ts';
import { GroupDetector, limitFrom } from './group.ts';
import { covariance, multiply, shrinkToDiagonal, spectralPower, spectrum, squaredLength } from './linear.ts';
import { learnScale } from './standardiser.ts';

export interface MewmaOptions {
  /** Weight of the newest row, in (0, 1]. */
  readonly lambda: number;
  /** The limit on √T², in multiples of the largest of normal operation. */
  readonly limitFactor: number;
}

/** The average starts at 0, not in its stationary state: this many time constants are left out of its covariance. */
const WARM_UP_CONSTANTS = 3;

/** Length of the baselines for which the shipped limit was chosen (docs/anomaly.md). */
const CHOSEN_AT_ROWS = 400;
/** Fewer independent averages than this say nothing about how far the next one goes. */
const FEWEST_INDEPENDENT = 1.2;

export class MewmaDetector extends GroupDetector {
  readonly name = 'mewma';
  protected readonly values;
  readonly #options: MewmaOptions;
  readonly #average: Float64Array<ArrayBuffer>;
  readonly #parts: Float64Array<ArrayBuffer>;
  #length = 0;

  constructor(columns: readonly Tag[], options: MewmaOptions) {
    super(columns);
    this.#options = options;
    const n = columns.length;
    const zeros = () => new Float64Array(n);
    this.values = {
      centre: zeros(),
      scale: zeros(),
      root: new Float64Array(n * n),
      limit: new Float64Array(1),
    };
    this.#average = zeros();
    this.#parts = zeros();
  }

  override reset(): void {
    super.reset();
    this.#average.fill(0);
    this.#parts.fill(0);
    this.#length = 0;
  }

  /** The symmetric partition of T² (Garthwaite and Koch): never negative; the contributions sum to the score. */
  explain(into: Float64Array): void {
    const factor = this.#length > 0 ? 1 / (this.#length * this.values.limit[0]!) : 0;
    for (let j = 0; j < this.#parts.length; j++) into[j] = this.#parts[j]! ** 2 * factor;
  }

  protected learn(rows: Rows): void {
    const n = rows.width;
    const { lambda } = this.#options;
    learnScale(rows, this.values.centre, this.values.scale);
    this.reset();
    const averages = new Float64Array(rows.count * n);
    for (let i = 0; i < rows.count; i++) {
      this.#absorb(rows.data.subarray(i * n, (i + 1) * n));
      averages.set(this.#average, i * n);
    }
    const warmUp = Math.min(Math.ceil(WARM_UP_CONSTANTS / lambda), rows.count >> 2);
    const form = covariance(averages.subarray(warmUp * n), rows.count - warmUp, n);
    // About lambda * count of the averages are independent: the fewer per column, the less their correlations count.
    shrinkToDiagonal(form, n, n / (n + lambda * rows.count));
    this.values.root.set(spectralPower(spectrum(form, n), -0.5));
  }

  protected calibrate(rows: Rows): void {
    this.values.limit[0] = 1;
    const seen = new Float64Array(rows.count);
    for (let i = 0; i < rows.count; i++) {
      const length = this.advance(rows.data.subarray(i * rows.width, (i + 1) * rows.width));
      seen[i] = Number.isNaN(length) ? 0 : length;
    }
    const wider = Math.max(1, this.#surprise(rows.count) / this.#surprise(CHOSEN_AT_ROWS));
    this.values.limit[0] = limitFrom(seen, this.#options.limitFactor * wider);
  }

  /**
   * How much further than an average of the baseline a new one reaches, by the limits of Hotelling's T² for one
   * variable: averages of the baseline are measured by a covariance that they made themselves.
   */
  #surprise(rows: number): number {
    const { lambda } = this.#options;
    const independent = Math.max(FEWEST_INDEPENDENT, (rows * lambda) / (2 - lambda));
    return Math.sqrt((independent + 1) / (independent - 1));
  }

  protected advance(row: Float64Array): number {
    if (this.#absorb(row) === 0) return Number.NaN;
    multiply(this.values.root, this.#average, this.#parts);
    this.#length = Math.sqrt(squaredLength(this.#parts));
    return this.#length / this.values.limit[0]!;
  }

  /** A missing value leaves its tag's average as it is. */
  #absorb(row: Float64Array): number {
    const present = this.prepare(row, this.#average);
    const { lambda } = this.#options;
    for (let j = 0; j < this.z.length; j++) {
      this.#average[j] = this.#average[j]! + lambda * (this.z[j]! - this.#average[j]!);
    }
    return present;
  }
}

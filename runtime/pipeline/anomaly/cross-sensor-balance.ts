/**
 * Each tag predicted from the others of its group by ridge regression: a balance (flows, masses, energy, chemistry)
 * that the baseline has taught. Finds a sensor that disagrees with its neighbours while each looks normal by itself:
 * drift, miscalibration, forged values.
 */

import type { Tag } from '../../core/messages.ts';
import type { Rows } from './detector.ts';
import { GroupDetector, limitFrom } from './group.ts';
import { covariance, multiply, shrinkToDiagonal, spectralPower, spectrum } from './linear.ts';
import { learnScale } from './standardiser.ts';

export interface BalanceOptions {
  /** Weight of the newest residual in its moving average, in (0, 1]. */
  readonly smoothing: number;
  /** The limit, in multiples of the largest average residual of normal operation. */
  readonly limitFactor: number;
  /** Tags of which the others explain less than this part of the variance have no balance to break. */
  readonly minExplained: number;
}

export class CrossSensorBalanceDetector extends GroupDetector {
  readonly name = 'cross-sensor-balance';
  protected readonly values;
  readonly #options: BalanceOptions;
  readonly #last: Float64Array<ArrayBuffer>;
  readonly #residual: Float64Array<ArrayBuffer>;
  readonly #average: Float64Array<ArrayBuffer>;

  constructor(columns: readonly Tag[], options: BalanceOptions) {
    // A balance holds wherever the process goes: following it would hide the slow drift of a sensor.
    super(columns, Number.POSITIVE_INFINITY);
    this.#options = options;
    const n = columns.length;
    const zeros = () => new Float64Array(n);
    this.values = {
      centre: zeros(),
      scale: zeros(),
      /** Row j times the standardised row is tag j's value less its prediction from the others. */
      residuals: new Float64Array(n * n),
      limit: zeros(),
    };
    this.#last = zeros();
    this.#residual = zeros();
    this.#average = zeros();
  }

  override reset(): void {
    super.reset();
    this.#last.fill(0);
    this.#average.fill(0);
  }

  /** Each tag's own residual in units of its limit: the score is the largest, not the sum. */
  explain(into: Float64Array): void {
    for (let j = 0; j < this.#average.length; j++)
      into[j] = Math.abs(this.#average[j]!) / this.values.limit[j]!;
  }

  protected learn(rows: Rows): void {
    const n = rows.width;
    learnScale(rows, this.values.centre, this.values.scale);
    this.reset();
    const z = new Float64Array(rows.count * n);
    for (let i = 0; i < rows.count; i++) {
      this.prepare(rows.data.subarray(i * n, (i + 1) * n), this.#last);
      this.#last.set(this.z);
      z.set(this.z, i * n);
    }
    const form = covariance(z, rows.count, n);
    shrinkToDiagonal(form, n, n / (n + rows.count));
    const inverse = spectralPower(spectrum(form, n), -1);
    // Row j of the inverse, divided by its diagonal entry, is the regression of tag j on all others at once.
    for (let j = 0; j < n; j++) {
      const diagonal = inverse[j * n + j]!;
      const explained = diagonal > 0 ? 1 - 1 / (diagonal * form[j * n + j]!) : 0;
      const used = explained >= this.#options.minExplained;
      for (let k = 0; k < n; k++)
        this.values.residuals[j * n + k] = used ? inverse[j * n + k]! / diagonal : 0;
    }
  }

  protected calibrate(rows: Rows): void {
    const n = rows.width;
    this.values.limit.fill(1);
    const seen = Array.from({ length: n }, () => new Float64Array(rows.count));
    for (let i = 0; i < rows.count; i++) {
      this.advance(rows.data.subarray(i * n, (i + 1) * n));
      for (let j = 0; j < n; j++) seen[j]![i] = Math.abs(this.#average[j]!);
    }
    for (let j = 0; j < n; j++) this.values.limit[j] = limitFrom(seen[j]!, this.#options.limitFactor);
  }

  /** A missing value keeps its last one as a predictor and leaves its own residual as it is. */
  protected advance(row: Float64Array): number {
    if (this.prepare(row, this.#last) === 0) return Number.NaN;
    this.#last.set(this.z);
    multiply(this.values.residuals, this.z, this.#residual);
    let worst = 0;
    for (let j = 0; j < this.#average.length; j++) {
      if (Number.isFinite(row[j]!)) {
        this.#average[j] =
          this.#average[j]! + this.#options.smoothing * (this.#residual[j]! - this.#average[j]!);
      }
      const score = Math.abs(this.#average[j]!) / this.values.limit[j]!;
      if (score > worst) worst = score;
    }
    return worst;
  }
}

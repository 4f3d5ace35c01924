/**
 * Principal components of a process group: T² finds rows far out along the usual directions, Q (SPE) rows that
 * break the usual relations between tags. Rows are lightly smoothed first.
 */

import type { Tag } from '../../core/messages.ts';
import type { Rows } from './detector.ts';
import { GroupDetector, limitFrom } from './group.ts';
import { covariance, multiply, shrinkToDiagonal, spectralPower, spectrum, squaredLength } from './linear.ts';
import { learnScale } from './standardiser.ts';

export interface PcaOptions {
  /** Part of the variance that the kept components explain, in (0, 1). */
  readonly variance: number;
  /** Weight of the newest row in the smoothing, in (0, 1]; 1 smooths nothing. */
  readonly smoothing: number;
  /** Limits on √T² and √Q, in multiples of the largest of normal operation. */
  readonly limitFactor: number;
}

export class PcaDetector extends GroupDetector {
  readonly name = 'pca';
  protected readonly values;
  readonly #options: PcaOptions;
  readonly #smooth: Float64Array<ArrayBuffer>;
  readonly #along: Float64Array<ArrayBuffer>;
  readonly #model: Float64Array<ArrayBuffer>;
  readonly #residual: Float64Array<ArrayBuffer>;
  #t = 0;
  #q = 0;

  constructor(columns: readonly Tag[], options: PcaOptions) {
    super(columns);
    this.#options = options;
    const n = columns.length;
    const zeros = () => new Float64Array(n);
    this.values = {
      centre: zeros(),
      scale: zeros(),
      /** Symmetric root of the inverse covariance within the kept components. */
      root: new Float64Array(n * n),
      /** Projection on the kept components. */
      projection: new Float64Array(n * n),
      /** Of √T² and of √Q. */
      limit: new Float64Array(2),
    };
    this.#smooth = zeros();
    this.#along = zeros();
    this.#model = zeros();
    this.#residual = zeros();
  }

  override reset(): void {
    super.reset();
    this.#smooth.fill(0);
    this.#model.fill(0);
    this.#along.fill(0);
    this.#residual.fill(0);
    this.#t = 0;
    this.#q = 0;
  }

  /** Squared parts of the statistic that made the score, T² or Q: never negative; they sum to the score. */
  explain(into: Float64Array): void {
    const [tLimit, qLimit] = this.values.limit as unknown as [number, number];
    const byT = this.#t / tLimit >= this.#q / qLimit;
    const parts = byT ? this.#along : this.#residual;
    const length = byT ? this.#t : this.#q;
    const factor = length > 0 ? 1 / (length * (byT ? tLimit : qLimit)) : 0;
    for (let j = 0; j < parts.length; j++) into[j] = parts[j]! ** 2 * factor;
  }

  protected learn(rows: Rows): void {
    const n = rows.width;
    const { centre, scale, root, projection } = this.values;
    learnScale(rows, centre, scale);
    this.reset();
    const smoothed = new Float64Array(rows.count * n);
    for (let i = 0; i < rows.count; i++) {
      this.#absorb(rows.data.subarray(i * n, (i + 1) * n));
      smoothed.set(this.#smooth, i * n);
    }
    const form = covariance(smoothed, rows.count, n);
    shrinkToDiagonal(form, n, n / (n + this.#options.smoothing * rows.count));
    const found = spectrum(form, n);
    const kept = componentsFor(found.values, this.#options.variance);
    root.set(spectralPower(found, -0.5, 0, kept));
    projection.set(spectralPower(found, 0, 0, kept));
  }

  protected calibrate(rows: Rows): void {
    this.values.limit.fill(1);
    const t = new Float64Array(rows.count);
    const q = new Float64Array(rows.count);
    for (let i = 0; i < rows.count; i++) {
      this.advance(rows.data.subarray(i * rows.width, (i + 1) * rows.width));
      t[i] = this.#t;
      q[i] = this.#q;
    }
    this.values.limit[0] = limitFrom(t, this.#options.limitFactor);
    this.values.limit[1] = limitFrom(q, this.#options.limitFactor);
  }

  protected advance(row: Float64Array): number {
    if (this.#absorb(row) === 0) return Number.NaN;
    multiply(this.values.root, this.#smooth, this.#along);
    multiply(this.values.projection, this.#smooth, this.#model);
    for (let j = 0; j < this.#residual.length; j++) this.#residual[j] = this.#smooth[j]! - this.#model[j]!;
    this.#t = Math.sqrt(squaredLength(this.#along));
    this.#q = Math.sqrt(squaredLength(this.#residual));
    return Math.max(this.#t / this.values.limit[0]!, this.#q / this.values.limit[1]!);
  }

  /** A missing value is replaced by what the other tags said it should be, one step ago. */
  #absorb(row: Float64Array): number {
    const present = this.prepare(row, this.#model);
    const weight = this.#options.smoothing;
    for (let j = 0; j < this.z.length; j++) {
      this.#smooth[j] = this.#smooth[j]! + weight * (this.z[j]! - this.#smooth[j]!);
    }
    return present;
  }
}

/** How many leading eigenvalues hold `part` of their sum; one fewer than all at most, so that Q exists. */
function componentsFor(eigenvalues: readonly number[], part: number): number {
  const total = eigenvalues.reduce((sum, value) => sum + Math.max(0, value), 0);
  let kept = 0;
  for (let sum = 0; kept < eigenvalues.length && sum < part * total; kept++) sum += eigenvalues[kept]!;
  return Math.min(kept, Math.max(1, eigenvalues.length - 1));
}

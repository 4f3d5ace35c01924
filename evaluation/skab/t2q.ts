/**
 * The benchmark's "T-squared+Q" row, rebuilt to prove the scorer: principal components of 85 % of the variance,
 * limits at p = .999 of the F distribution and of the published Q formula, rolling medians of five rows.
 */

import type { Rows } from '../../runtime/pipeline/anomaly/detector.ts';
import { covariance, spectralPower, spectrum } from '../../runtime/pipeline/anomaly/linear.ts';
import { fCumulative } from './f-distribution.ts';
import { rollingMedian } from './rolling.ts';
import { eigenvaluesInSolverOrder } from './unsymmetric-eigenvalues.ts';

const EXPLAINED = 0.85;
const P = 0.999;
const MEDIAN_ROWS = 5;
/** The published limits are the largest value of this grid that is still below the quantile. */
const GRID_STEP = 15 / 9999;
const NORMAL_QUANTILE = 3.090232306167813;

/** @param train rows to learn from. @param test rows to judge. @returns 1 where a row is anomalous. */
export function skabT2q(train: Rows, test: Rows): Uint8Array {
  const used = varyingColumns(train);
  const n = used.length;
  const scale = used.map((column) => meanAndDeviation(train, column));
  const z = standardised(train, used, scale);
  const form = covariance(z, train.count, n);
  const found = spectrum(form, n);
  const kept = componentsFor(found.values);
  const alongForm = spectralPower(found, -1, 0, kept);
  const residualForm = spectralPower(found, 0, kept, n);
  const tLimit = hotellingLimit(kept, train.count);
  const qLimit = residualLimit(form, n, kept);
  const tested = standardised(test, used, scale);
  const t = rollingMedian(quadratic(tested, test.count, n, alongForm), MEDIAN_ROWS);
  const q = rollingMedian(quadratic(tested, test.count, n, residualForm), MEDIAN_ROWS);
  return Uint8Array.from(t, (value, i) => (value > tLimit || q[i]! > qLimit ? 1 : 0));
}

function varyingColumns(rows: Rows): number[] {
  return Array.from({ length: rows.width }, (_, j) => j).filter((j) => {
    for (let i = 1; i < rows.count; i++) if (rows.data[i * rows.width + j] !== rows.data[j]) return true;
    return false;
  });
}

/** The deviation of the population, as the published scaler has it. */
function meanAndDeviation(rows: Rows, column: number): { mean: number; deviation: number } {
  const values = Array.from({ length: rows.count }, (_, i) => rows.data[i * rows.width + column]!);
  const mean = values.reduce((sum, value) => sum + value, 0) / rows.count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / rows.count) };
}

function standardised(
  rows: Rows,
  used: readonly number[],
  scale: readonly { mean: number; deviation: number }[],
): Float64Array {
  const z = new Float64Array(rows.count * used.length);
  for (let i = 0; i < rows.count; i++) {
    used.forEach((column, j) => {
      z[i * used.length + j] = (rows.data[i * rows.width + column]! - scale[j]!.mean) / scale[j]!.deviation;
    });
  }
  return z;
}

function componentsFor(eigenvalues: readonly number[]): number {
  const total = eigenvalues.reduce((sum, value) => sum + value, 0);
  let kept = 0;
  for (let sum = 0; sum <= EXPLAINED * total; kept++) sum += eigenvalues[kept]!;
  return kept;
}

function hotellingLimit(m: number, n: number): number {
  let step = 0;
  while (fCumulative((step + 1) * GRID_STEP, m, n - m) < P) step++;
  return ((m * (n - 1) * (n + 1)) / (n * (n - m))) * step * GRID_STEP;
}

/** The published formula takes powers of one sum of eigenvalues, so that its exponent is always 1/3. */
function residualLimit(form: Float64Array, n: number, kept: number): number {
  const matrix = Array.from({ length: n }, (_, j) => Array.from(form.subarray(j * n, (j + 1) * n)));
  const sum = eigenvaluesInSolverOrder(matrix)
    .slice(kept)
    .reduce((total, value) => total + value, 0);
  const normal = Math.floor(NORMAL_QUANTILE / GRID_STEP) * GRID_STEP;
  return sum * (1 + (normal * Math.SQRT2) / 3 - 2 / 9) ** 3;
}

function quadratic(z: Float64Array, count: number, n: number, form: Float64Array): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < n; j++)
      for (let k = 0; k < n; k++) sum += z[i * n + j]! * form[j * n + k]! * z[i * n + k]!;
    return sum;
  });
}

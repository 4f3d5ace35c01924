/** The linear algebra behind the group detectors: covariances that may be near singular, and forms of their inverse. */

import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import type { Numbers } from './state.ts';

/** Eigenvalues below this part of the largest are noise of the arithmetic. */
const SMALLEST_EIGENVALUE = 1e-9;

/** Eigenvalues, largest first, with their unit vectors as rows. */
export interface Spectrum {
  readonly values: readonly number[];
  readonly vectors: readonly Float64Array[];
}

/** Covariance of `count` rows of `width` values about their mean, row-major. */
export function covariance(data: Float64Array, count: number, width: number): Numbers {
  const mean = new Float64Array(width);
  for (let i = 0; i < count; i++)
    for (let j = 0; j < width; j++) mean[j] = mean[j]! + data[i * width + j]! / count;
  const sums = new Float64Array(width * width);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < width; j++) {
      const dj = data[i * width + j]! - mean[j]!;
      for (let k = 0; k <= j; k++) {
        sums[j * width + k] = sums[j * width + k]! + dj * (data[i * width + k]! - mean[k]!);
      }
    }
  }
  for (let j = 0; j < width; j++) {
    for (let k = 0; k <= j; k++) {
      sums[j * width + k] = sums[j * width + k]! / Math.max(1, count - 1);
      sums[k * width + j] = sums[j * width + k]!;
    }
  }
  return sums;
}

/** Scales all entries off the diagonal by `1 - amount`: keeps the variances, makes the form well conditioned. */
export function shrinkToDiagonal(matrix: Numbers, width: number, amount: number): void {
  for (let j = 0; j < width; j++) {
    for (let k = 0; k < width; k++)
      if (j !== k) matrix[j * width + k] = matrix[j * width + k]! * (1 - amount);
  }
}

export function spectrum(symmetric: Float64Array, width: number): Spectrum {
  const matrix = Matrix.from1DArray(width, width, symmetric);
  const found = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const order = found.realEigenvalues.map((value, i) => ({ value, i })).sort((a, b) => b.value - a.value);
  return {
    values: order.map(({ value }) => value),
    vectors: order.map(({ i }) => Float64Array.from(found.eigenvectorMatrix.getColumn(i))),
  };
}

/**
 * Σ λᵢ^power · vᵢ vᵢᵀ over the given part of a spectrum: power −½ gives the symmetric inverse square root, −1 the
 * inverse. Directions without variance are left out.
 */
export function spectralPower(of: Spectrum, power: number, from = 0, to = of.values.length): Numbers {
  const width = of.vectors[0]?.length ?? 0;
  const sum = new Float64Array(width * width);
  const smallest = SMALLEST_EIGENVALUE * (of.values[0] ?? 0);
  for (let a = from; a < to; a++) {
    const value = of.values[a]!;
    if (!(value > smallest)) continue;
    const factor = value ** power;
    const v = of.vectors[a]!;
    for (let j = 0; j < width; j++) {
      for (let k = 0; k < width; k++) sum[j * width + k] = sum[j * width + k]! + factor * v[j]! * v[k]!;
    }
  }
  return sum;
}

/** `out = matrix · vector`. */
export function multiply(matrix: Float64Array, vector: Float64Array, out: Float64Array): void {
  const width = vector.length;
  for (let j = 0, at = 0; j < width; j++) {
    let sum = 0;
    for (let k = 0; k < width; k++, at++) sum += matrix[at]! * vector[k]!;
    out[j] = sum;
  }
}

export function squaredLength(vector: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < vector.length; j++) sum += vector[j]! * vector[j]!;
  return sum;
}

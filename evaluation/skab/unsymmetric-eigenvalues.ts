/**
 * Real eigenvalues in the order in which LAPACK's solver for general matrices (dgeev, behind numpy.linalg.eig)
 * finds them: Householder reduction to Hessenberg form, then the shifted QR iteration with deflation.
 *
 * Only the benchmark's T²+Q row needs it: its published limit sums "the last" eigenvalues without sorting them,
 * so the published figures depend on this order. Nothing of the product does.
 */

import { ModelError } from '../../runtime/core/errors.ts';

const ULP = 2 ** -52;
const TINY = 2 ** -1022;
const MAX_ITERATIONS = 300;

/** @param matrix n × n with real eigenvalues (such as a covariance), as rows; not changed. */
export function eigenvaluesInSolverOrder(matrix: readonly (readonly number[])[]): number[] {
  const h = matrix.map((row) => Float64Array.from(row));
  reduceToHessenberg(h);
  const found = new Array<number>(h.length).fill(0);
  let end = h.length - 1;
  while (end >= 0) {
    const start = deflate(h, end);
    if (start === end) found[end] = h[end]![end]!;
    else [found[end - 1], found[end]] = blockEigenvalues(h, end);
    end = start - 1;
  }
  return found;
}

/** A Householder reflection taking `vector` to (beta, 0 …): returns tau; the vector becomes (beta, v₂, v₃ …). */
function reflect(vector: Float64Array): number {
  const alpha = vector[0]!;
  let tail = 0;
  for (let i = 1; i < vector.length; i++) tail = Math.hypot(tail, vector[i]!);
  if (tail === 0) return 0;
  const beta = alpha >= 0 ? -Math.hypot(alpha, tail) : Math.hypot(alpha, tail);
  for (let i = 1; i < vector.length; i++) vector[i] = vector[i]! / (alpha - beta);
  vector[0] = beta;
  return (beta - alpha) / beta;
}

function reduceToHessenberg(h: Float64Array[]): void {
  const n = h.length;
  for (let k = 0; k < n - 2; k++) {
    const v = Float64Array.from({ length: n - k - 1 }, (_, i) => h[k + 1 + i]![k]!);
    const tau = reflect(v);
    const beta = v[0]!;
    v[0] = 1;
    for (let row = 0; row < n; row++) applyRight(h[row]!, k + 1, v, tau);
    for (let column = k + 1; column < n; column++) applyLeft(h, k + 1, column, v, tau);
    for (let row = k + 1; row < n; row++) h[row]![k] = row === k + 1 ? beta : 0;
  }
}

function applyRight(row: Float64Array, from: number, v: Float64Array, tau: number): void {
  let sum = 0;
  for (let i = 0; i < v.length; i++) sum += row[from + i]! * v[i]!;
  for (let i = 0; i < v.length; i++) row[from + i] = row[from + i]! - tau * sum * v[i]!;
}

function applyLeft(h: Float64Array[], from: number, column: number, v: Float64Array, tau: number): void {
  let sum = 0;
  for (let i = 0; i < v.length; i++) sum += h[from + i]![column]! * v[i]!;
  for (let i = 0; i < v.length; i++) h[from + i]![column] = h[from + i]![column]! - tau * sum * v[i]!;
}

/** Iterates until the block that ends at `end` has one or two rows; returns where it starts. */
function deflate(h: Float64Array[], end: number): number {
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const start = negligibleBelow(h, end);
    if (start > 0) h[start]![start - 1] = 0;
    if (start >= end - 1) return start;
    sweep(h, start, end, shift(h, end));
  }
  throw new ModelError('no-convergence', 'the eigenvalue iteration does not converge');
}

/** The first row of the trailing block: above it the subdiagonal is negligible (Ahues and Tisseur's criterion). */
function negligibleBelow(h: Float64Array[], end: number): number {
  const small = TINY * (h.length / ULP);
  for (let k = end; k > 0; k--) {
    const low = Math.abs(h[k]![k - 1]!);
    if (low <= small) return k;
    const here = h[k]![k]!;
    const above = h[k - 1]![k - 1]!;
    if (low > ULP * (Math.abs(above) + Math.abs(here))) continue;
    const high = Math.abs(h[k - 1]![k]!);
    const ab = Math.max(low, high);
    const ba = Math.min(low, high);
    const aa = Math.max(Math.abs(here), Math.abs(above - here));
    const bb = Math.min(Math.abs(here), Math.abs(above - here));
    const s = aa + ab;
    if (ba * (ab / s) <= Math.max(small, ULP * (bb * (aa / s)))) return k;
  }
  return 0;
}

/** The eigenvalue of the last 2 × 2 block nearer to its last entry; real shifts are used twice. */
function shift(h: Float64Array[], end: number): number {
  const a = h[end - 1]![end - 1]!;
  const b = h[end - 1]![end]!;
  const c = h[end]![end - 1]!;
  const d = h[end]![end]!;
  const s = Math.abs(a) + Math.abs(b) + Math.abs(c) + Math.abs(d);
  if (s === 0) return 0;
  const middle = (a / s + d / s) / 2;
  const determinant = (a / s - middle) * (d / s - middle) - (b / s) * (c / s);
  const root = Math.sqrt(Math.abs(determinant));
  const upper = middle + root;
  const lower = middle - root;
  return (Math.abs(upper - d / s) <= Math.abs(lower - d / s) ? upper : lower) * s;
}

/** One double-shift QR sweep over rows start … end. */
function sweep(h: Float64Array[], start: number, end: number, sigma: number): void {
  const n = h.length;
  let v = new Float64Array(3);
  let m = end - 2;
  for (; m >= start; m--) {
    v = firstColumn(h, m, sigma);
    if (m === start) break;
    const around = Math.abs(h[m - 1]![m - 1]!) + Math.abs(h[m]![m]!) + Math.abs(h[m + 1]![m + 1]!);
    const coupling = Math.abs(h[m]![m - 1]!) * (Math.abs(v[1]!) + Math.abs(v[2]!));
    if (coupling <= ULP * Math.abs(v[0]!) * around) break;
  }
  for (let k = m; k < end; k++) {
    const size = Math.min(3, end - k + 1);
    if (k > m) v = Float64Array.from({ length: size }, (_, i) => h[k + i]![k - 1]!);
    const tau = reflect(v);
    if (k > m) for (let i = 0; i < size; i++) h[k + i]![k - 1] = i === 0 ? v[0]! : 0;
    else if (m > start) h[k]![k - 1] = h[k]![k - 1]! * (1 - tau);
    v[0] = 1;
    for (let column = k; column < n; column++) applyLeft(h, k, column, v, tau);
    for (let row = 0; row <= Math.min(k + 3, end); row++) applyRight(h[row]!, k, v, tau);
  }
}

function firstColumn(h: Float64Array[], m: number, sigma: number): Float64Array<ArrayBuffer> {
  const here = h[m]![m]!;
  const s = Math.abs(here - sigma) + Math.abs(h[m + 1]![m]!);
  const low = h[m + 1]![m]! / s;
  const x = low * h[m]![m + 1]! + (here - sigma) * ((here - sigma) / s);
  const y = low * (here + h[m + 1]![m + 1]! - 2 * sigma);
  const z = low * h[m + 2]![m + 1]!;
  const norm = Math.abs(x) + Math.abs(y) + Math.abs(z);
  return Float64Array.of(x / norm, y / norm, z / norm);
}

/** Both eigenvalues of the 2 × 2 block that ends at `end`, in the order of the standardised Schur form. */
function blockEigenvalues(h: Float64Array[], end: number): [number, number] {
  const a = h[end - 1]![end - 1]!;
  const b = h[end - 1]![end]!;
  const c = h[end]![end - 1]!;
  const d = h[end]![end]!;
  if (c === 0) return [a, d];
  if (b === 0) return [d, a];
  const p = (a - d) / 2;
  const large = Math.max(Math.abs(b), Math.abs(c));
  const small = Math.min(Math.abs(b), Math.abs(c)) * Math.sign(b) * Math.sign(c);
  const scale = Math.max(Math.abs(p), large);
  const discriminant = (p / scale) * p + (large / scale) * small;
  const root = Math.sqrt(scale) * Math.sqrt(Math.max(0, discriminant));
  const z = p + (p >= 0 ? root : -root);
  return [d + z, d - (large / z) * small];
}

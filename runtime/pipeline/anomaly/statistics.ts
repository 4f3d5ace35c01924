/** The few statistics the fits share, made for baselines that hold some outliers themselves. */

import { ModelError } from '../../core/errors.ts';
import type { Tag } from '../../core/messages.ts';
import type { Rows } from './detector.ts';
import type { Numbers } from './state.ts';

/** Fewest rows from which anything is learned. */
export const MIN_FIT_ROWS = 10;
/** A step between rows longer than this many periods is a gap between two runs. */
const LONGEST_STEP = 3;
/** Rounds of clipping: enough to get rid of values 10^6 standard deviations away, cheap for all others. */
const CLIP_ROUNDS = 20;
const CLIP_SIGMAS = 5;
/** A spread below this part of the mean is rounding, not variation. */
const CONSTANT_BELOW = 1e-9;
/** The largest value may exceed the 99th percentile by this factor before it counts as an outlier. */
const TAIL_FACTOR = 3;
/** A baseline of so many rows has seen half as far as normal operation goes. */
const FEW_ROWS = 50;

/** @throws ModelError `fit-failed` when the rows do not have the detector's shape or are too few. */
export function checkRows(detector: string, columns: readonly Tag[], rows: Rows): void {
  const shaped =
    rows.width === columns.length &&
    rows.data.length >= rows.count * rows.width &&
    rows.mono.length >= rows.count;
  if (!shaped) {
    throw new ModelError('fit-failed', `${detector}: ${rows.width} columns, expected ${columns.length}`);
  }
  if (rows.count < MIN_FIT_ROWS) {
    throw new ModelError(
      'fit-failed',
      `${detector}: ${rows.count} rows; at least ${MIN_FIT_ROWS} are needed`,
    );
  }
}

/** The usual time from one row to the next, in milliseconds. */
export function rowPeriod(rows: Rows): number {
  const steps = new Float64Array(rows.count - 1);
  for (let i = 1; i < rows.count; i++) steps[i - 1] = rows.mono[i]! - rows.mono[i - 1]!;
  return quantile(steps, 0.5);
}

/** Whether row `i` does not follow the one before: a long baseline is kept as runs of rows with gaps between. */
export function beginsRun(rows: Rows, i: number, period: number): boolean {
  return i === 0 || rows.mono[i]! - rows.mono[i - 1]! > LONGEST_STEP * period;
}

/** The finite values of one column, in order. */
export function finiteColumn(rows: Rows, column: number): Numbers {
  const found = new Float64Array(rows.count);
  let n = 0;
  for (let i = 0; i < rows.count; i++) {
    const value = rows.data[i * rows.width + column]!;
    if (Number.isFinite(value)) found[n++] = value;
  }
  return found.slice(0, n);
}

/**
 * Mean and standard deviation of values clipped again and again to five standard deviations, so that a single
 * absurd value cannot stretch the scale. A column that does not vary, or has no value, gets an infinite scale:
 * its standardised value is 0 whatever comes.
 */
export function centreAndScale(values: Float64Array): { centre: number; scale: number } {
  let low = Number.NEGATIVE_INFINITY;
  let high = Number.POSITIVE_INFINITY;
  let centre = 0;
  let scale = 0;
  for (let round = 0; round < CLIP_ROUNDS; round++) {
    let mean = 0;
    for (let i = 0; i < values.length; i++) mean += (clamp(values[i]!, low, high) - mean) / (i + 1);
    let squares = 0;
    for (let i = 0; i < values.length; i++)
      squares += (clamp(values[i]!, low, high) - mean) ** 2 / values.length;
    const spread = Math.sqrt(squares);
    const settled = Math.abs(spread - scale) <= 1e-3 * spread;
    centre = mean;
    scale = spread;
    if (settled) break;
    low = Math.max(low, centre - CLIP_SIGMAS * scale);
    high = Math.min(high, centre + CLIP_SIGMAS * scale);
  }
  const constant = !(scale > CONSTANT_BELOW * Math.abs(centre)) || !Number.isFinite(scale);
  return { centre: Number.isFinite(centre) ? centre : 0, scale: constant ? Number.POSITIVE_INFINITY : scale };
}

/** Linear interpolation between order statistics; `p` in 0 … 1. NaN when there are no values. */
export function quantile(values: Float64Array, p: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  const at = p * (sorted.length - 1);
  const low = sorted[Math.floor(at)]!;
  const high = sorted[Math.ceil(at)]!;
  return low === high ? low : low + (high - low) * (at - Math.floor(at));
}

/**
 * The largest value that normal operation is expected to reach: the maximum of what was seen, never far beyond its
 * 99th percentile, and more the fewer values there are. 0 for none.
 */
export function normalMaximum(values: Float64Array): number {
  if (values.length === 0) return 0;
  const q99 = quantile(values, 0.99);
  let largest = 0;
  for (const value of values) if (value > largest) largest = value;
  const reached = q99 > 0 ? Math.min(largest, TAIL_FACTOR * q99) : largest;
  return reached * (1 + FEW_ROWS / values.length);
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

/** Standardised values are clipped here, so that an absurd value is forgotten within some dozens of steps. */
const MAX_DEVIATION = 10;

/** How far a value is from its centre in units of its scale, clipped; 0 where the scale is infinite. */
export function deviation(value: number, centre: number, scale: number): number {
  const z = (value - centre) / scale;
  return Number.isNaN(z) ? 0 : clamp(z, -MAX_DEVIATION, MAX_DEVIATION);
}

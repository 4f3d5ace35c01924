/** Rows in units of each column's own normal variation. */

import type { Rows } from './detector.ts';
import type { Numbers } from './state.ts';
import { centreAndScale, deviation, finiteColumn } from './statistics.ts';

/** Learns centre and scale of every column into the arrays given. */
export function learnScale(rows: Rows, centre: Numbers, scale: Numbers): void {
  for (let j = 0; j < rows.width; j++) {
    const fit = centreAndScale(finiteColumn(rows, j));
    centre[j] = fit.centre;
    scale[j] = fit.scale;
  }
}

/** The centre that a slowly changing process has moved to, in standardised units relative to the baseline's. */
export class SlowReference {
  readonly offset: Numbers;
  readonly #rate: number;

  /** @param rows time constant in rows: what changes more slowly is followed, not reported. */
  constructor(width: number, rows: number) {
    this.offset = new Float64Array(width);
    this.#rate = 1 / rows;
  }

  /** @param z standardised values relative to this reference, NaN for missing. @param share of the full speed, 0 … 1. */
  follow(z: Float64Array, share: number): void {
    for (let j = 0; j < z.length; j++) {
      if (!Number.isNaN(z[j]!)) this.offset[j] = this.offset[j]! + share * this.#rate * z[j]!;
    }
  }

  reset(): void {
    this.offset.fill(0);
  }
}

/**
 * Standardises `row` into `z`, relative to `offset`; where a value is missing, `z` gets that column of `instead`.
 * @returns how many values were there.
 */
export function standardise(
  row: Float64Array,
  scale: { readonly centre: Float64Array; readonly scale: Float64Array },
  offset: Float64Array,
  instead: Float64Array,
  z: Float64Array,
): number {
  let present = 0;
  for (let j = 0; j < z.length; j++) {
    const value = row[j]!;
    if (Number.isFinite(value)) {
      z[j] = deviation(value, scale.centre[j]!, scale.scale[j]!) - offset[j]!;
      present += 1;
    } else z[j] = instead[j]!;
  }
  return present;
}

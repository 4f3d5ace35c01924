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

/**
 * Standardises `row` into `z`; where a value is missing, `z` gets that column of `instead`.
 * @returns how many values were there.
 */
export function standardise(
  row: Float64Array,
  scale: { readonly centre: Float64Array; readonly scale: Float64Array },
  instead: Float64Array,
  z: Float64Array,
): number {
  let present = 0;
  for (let j = 0; j < z.length; j++) {
    const value = row[j]!;
    if (Number.isFinite(value)) {
      z[j] = deviation(value, scale.centre[j]!, scale.scale[j]!);
      present += 1;
    } else z[j] = instead[j]!;
  }
  return present;
}

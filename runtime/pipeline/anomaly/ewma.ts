/** Exponentially weighted moving average per tag: small lasting shifts of the level. */

import type { Tag } from '../../core/messages.ts';
import type { Rows } from './detector.ts';
import { FAULT_SHARE, REFERENCE_ROWS } from './group.ts';
import { PerTagDetector } from './per-tag.ts';
import { centreAndScale, deviation, finiteColumn } from './statistics.ts';

export interface EwmaOptions {
  /** Weight of the newest value, in (0, 1]. */
  readonly lambda: number;
  /** The limit, in multiples of the largest average deviation of normal operation. */
  readonly limitFactor: number;
}

export class EwmaDetector extends PerTagDetector {
  readonly name = 'ewma';
  protected readonly values;
  readonly #options: EwmaOptions;
  readonly #average: Float64Array;
  /** Where a slowly changing process has taken the tag, in standardised units. */
  readonly #reference: Float64Array;

  constructor(columns: readonly Tag[], options: EwmaOptions) {
    super(columns);
    this.#options = options;
    const zeros = () => new Float64Array(columns.length);
    this.values = { centre: zeros(), scale: zeros(), limit: zeros() };
    this.#average = zeros();
    this.#reference = zeros();
  }

  protected learn(rows: Rows): void {
    for (let j = 0; j < rows.width; j++) {
      const { centre, scale } = centreAndScale(finiteColumn(rows, j));
      this.values.centre[j] = centre;
      this.values.scale[j] = scale;
    }
    this.calibrate(rows, this.values.limit, this.#options.limitFactor);
  }

  protected stepTag(column: number, value: number): number {
    if (!Number.isFinite(value)) return Number.NaN;
    const { centre, scale, limit } = this.values;
    const z = deviation(value, centre[column]!, scale[column]!) - this.#reference[column]!;
    const average = this.#average[column]! + this.#options.lambda * (z - this.#average[column]!);
    this.#average[column] = average;
    const score = Math.abs(average) / limit[column]!;
    const share = this.ready && score >= 1 ? FAULT_SHARE : 1;
    this.#reference[column] = this.#reference[column]! + (share * z) / REFERENCE_ROWS;
    return score;
  }

  protected resetTag(column: number): void {
    this.#average[column] = 0;
    this.#reference[column] = 0;
  }
}

/** Two-sided cumulative sum per tag: drifts too slow for the moving average. */

import type { Tag } from '../../core/messages.ts';
import type { Rows } from './detector.ts';
import { PerTagDetector } from './per-tag.ts';
import { centreAndScale, clamp, deviation, finiteColumn } from './statistics.ts';

export interface CusumOptions {
  /** Deviation that is not counted, in standard deviations of the baseline. */
  readonly slack: number;
  /** The limit, in multiples of the largest sum of normal operation. */
  readonly limitFactor: number;
}

/** The sums stop growing here, in limits: else a long fault would keep the alarm up as long again after its end. */
const MAX_SCORE = 1.5;
/** No limit below this many standard deviations: a quiet baseline may have sums near 0. */
const MIN_LIMIT = 5;

export class CusumDetector extends PerTagDetector {
  readonly name = 'cusum';
  protected readonly values;
  readonly #options: CusumOptions;
  readonly #up: Float64Array;
  readonly #down: Float64Array;

  constructor(columns: readonly Tag[], options: CusumOptions) {
    super(columns);
    this.#options = options;
    const zeros = () => new Float64Array(columns.length);
    this.values = { centre: zeros(), scale: zeros(), limit: zeros() };
    this.#up = zeros();
    this.#down = zeros();
  }

  protected learn(rows: Rows): void {
    const { centre, scale, limit } = this.values;
    for (let j = 0; j < rows.width; j++) {
      const fit = centreAndScale(finiteColumn(rows, j));
      centre[j] = fit.centre;
      scale[j] = fit.scale;
    }
    this.calibrate(rows, limit, this.#options.limitFactor);
    for (let j = 0; j < limit.length; j++) limit[j] = Math.max(limit[j]!, MIN_LIMIT);
  }

  protected stepTag(column: number, value: number): number {
    if (!Number.isFinite(value)) return Number.NaN;
    const { centre, scale, limit } = this.values;
    const z = deviation(value, centre[column]!, scale[column]!);
    const most = this.ready ? MAX_SCORE * limit[column]! : Number.POSITIVE_INFINITY;
    this.#up[column] = clamp(this.#up[column]! + z - this.#options.slack, 0, most);
    this.#down[column] = clamp(this.#down[column]! - z - this.#options.slack, 0, most);
    return Math.max(this.#up[column]!, this.#down[column]!) / limit[column]!;
  }

  protected resetTag(column: number): void {
    this.#up[column] = 0;
    this.#down[column] = 0;
  }
}

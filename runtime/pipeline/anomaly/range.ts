/** Values outside what the tag is configured for, or far outside what the baseline has seen. */

import type { Tag } from '../../core/messages.ts';
import type { Rows } from './detector.ts';
import { PerTagDetector } from './per-tag.ts';
import { clamp, finiteColumn, quantile } from './statistics.ts';

/** The learned band reaches this many spans of the baseline beyond it, on either side. */
const MARGIN_SPANS = 2;
/** Part of the baseline's values left out at either end as its own outliers. */
const OUTLIERS = 0.005;
/** A score no real signal exceeds, so that absurd values stay comparable. */
const MAX_SCORE = 1e6;

export class RangeDetector extends PerTagDetector {
  readonly name = 'range';
  /** Middle and half width of the band that normal values keep to. */
  protected readonly values;

  constructor(columns: readonly Tag[]) {
    super(columns);
    this.values = {
      middle: new Float64Array(columns.length),
      halfWidth: new Float64Array(columns.length).fill(Number.POSITIVE_INFINITY),
    };
  }

  protected learn(rows: Rows): void {
    for (let j = 0; j < this.columns.length; j++) {
      const seen = finiteColumn(rows, j);
      const lowest = quantile(seen, OUTLIERS);
      const highest = quantile(seen, 1 - OUTLIERS);
      const margin = MARGIN_SPANS * (highest - lowest);
      // A tag that never moved has taught nothing about how far it may go.
      const learned = margin > 0;
      const range = this.columns[j]!.range;
      const low = Math.max(
        learned ? lowest - margin : Number.NEGATIVE_INFINITY,
        range?.low ?? Number.NEGATIVE_INFINITY,
      );
      const high = Math.min(
        learned ? highest + margin : Number.POSITIVE_INFINITY,
        range?.high ?? Number.POSITIVE_INFINITY,
      );
      const known = Number.isFinite(low) && Number.isFinite(high) && high > low;
      this.values.middle[j] = known ? (low + high) / 2 : 0;
      this.values.halfWidth[j] = known ? (high - low) / 2 : Number.POSITIVE_INFINITY;
    }
  }

  protected stepTag(column: number, value: number): number {
    if (!Number.isFinite(value)) return Number.NaN;
    const { middle, halfWidth } = this.values;
    return clamp(Math.abs(value - middle[column]!) / halfWidth[column]!, 0, MAX_SCORE);
  }

  protected resetTag(): void {}
}

/** Values outside what the tag is configured for, or far outside what the baseline has seen. */

import type { Tag } from '../../core/messages.ts';
import type { Rows } from './detector.ts';
import { PerTagDetector } from './per-tag.ts';
import { clamp, finiteColumn, quantile } from './statistics.ts';

/** The learned band reaches this many spans of the baseline beyond it, on either side. */
const MARGIN_SPANS = 3;
/** Part of the baseline's values left out at either end as its own outliers. */
const OUTLIERS = 0.005;
/** A score no real signal exceeds, so that absurd values stay comparable. */
const MAX_SCORE = 1e6;

export class RangeDetector extends PerTagDetector {
  readonly name = 'range';
  /** Middle and half width of the learned band; a configured range is not learned and not kept here. */
  protected readonly values;

  constructor(columns: readonly Tag[]) {
    super(columns);
    this.values = {
      middle: new Float64Array(columns.length),
      halfWidth: new Float64Array(columns.length).fill(Number.POSITIVE_INFINITY),
    };
  }

  /** Judges by the configured ranges alone until a fit. */
  useConfigured(): this {
    this.readyUnfitted();
    return this;
  }

  protected learn(rows: Rows): void {
    for (let j = 0; j < this.columns.length; j++) {
      const seen = finiteColumn(rows, j);
      const lowest = quantile(seen, OUTLIERS);
      const highest = quantile(seen, 1 - OUTLIERS);
      const halfWidth = (0.5 + MARGIN_SPANS) * (highest - lowest);
      // A tag that never moved has taught nothing about how far it may go.
      const learned = halfWidth > 0 && Number.isFinite(halfWidth);
      this.values.middle[j] = learned ? lowest + (highest - lowest) / 2 : 0;
      this.values.halfWidth[j] = learned ? halfWidth : Number.POSITIVE_INFINITY;
    }
  }

  protected stepTag(column: number, value: number): number {
    if (!Number.isFinite(value)) return Number.NaN;
    const { middle, halfWidth } = this.values;
    const learned = clamp(Math.abs(value - middle[column]!) / halfWidth[column]!, 0, MAX_SCORE);
    return Math.max(learned, this.#beyondConfigured(column, value));
  }

  protected resetTag(): void {}

  /** 0 within the configured range, its ends included: a pump that runs is not near a limit. Above 1 outside. */
  #beyondConfigured(column: number, value: number): number {
    const range = this.columns[column]!.range;
    if (!range || (value >= range.low && value <= range.high)) return 0;
    const beyond = Math.max(range.low - value, value - range.high);
    return clamp(1 + beyond / (range.high - range.low), 1, MAX_SCORE);
  }
}

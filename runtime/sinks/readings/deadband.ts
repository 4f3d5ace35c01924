/** Which samples are worth publishing: the first, each change by the deadband or of quality, and a heartbeat. */

import type { Sample, Value } from '../../core/messages.ts';

/** An unchanged tag is published again after so many of its periods, so that a reader can tell it from a dead one. */
export const HEARTBEAT_PERIODS = 12;

/** The last published sample of each tag, in arrays by tag index: nothing is allocated per sample. */
export class Deadband {
  #value = new Float64Array(0);
  #mono = new Float64Array(0);
  readonly #other: (Value | null | undefined)[] = [];
  readonly #quality: string[] = [];
  readonly #reason: (string | undefined)[] = [];

  /** Takes note of the sample when it passes. */
  passes(sample: Sample): boolean {
    const { tag, value, mono } = sample;
    if (tag.deadband === 0) return true;
    const i = tag.index;
    if (i >= this.#value.length) this.#grow(i + 1);
    const numeric = typeof value === 'number' && Number.isFinite(value);
    const same =
      this.#quality[i] === sample.quality &&
      this.#reason[i] === sample.reason &&
      // Half a period of slack: polls jitter.
      mono - this.#mono[i]! < (HEARTBEAT_PERIODS - 0.5) * tag.period &&
      (numeric
        ? Math.abs(value - this.#value[i]!) < tag.deadband
        : Number.isNaN(this.#value[i]!) && value === this.#other[i]);
    if (same) return false;
    this.#quality[i] = sample.quality;
    this.#reason[i] = sample.reason;
    this.#mono[i] = mono;
    this.#value[i] = numeric ? value : Number.NaN;
    this.#other[i] = numeric || typeof value === 'number' ? null : value;
    return true;
  }

  #grow(length: number): void {
    const grow = (old: Float64Array<ArrayBuffer>) => {
      const grown = new Float64Array(Math.max(length, 2 * old.length)).fill(Number.NaN);
      grown.set(old);
      return grown;
    };
    this.#value = grow(this.#value);
    this.#mono = grow(this.#mono);
  }
}

/** A rate with a small burst: how fast a backlog may leave. */

import { type Millis, millis } from '../../core/units.ts';

/** As much as may leave at once, in seconds of the rate: short, so that the line is not filled for long. */
const BURST_SECONDS = 0.05;

export class TokenBucket {
  readonly #perMilli: number;
  readonly #capacity: number;
  #tokens: number;
  #at = millis(Number.NEGATIVE_INFINITY);

  constructor(perSecond: number) {
    this.#perMilli = perSecond / 1000;
    this.#capacity = Math.max(1, perSecond * BURST_SECONDS);
    this.#tokens = this.#capacity;
  }

  /** Takes one token where there is one; otherwise how long until the next. */
  take(now: Millis): Millis {
    const elapsed = Math.max(0, now - this.#at);
    this.#at = now;
    this.#tokens = Math.min(this.#capacity, this.#tokens + elapsed * this.#perMilli);
    if (this.#tokens < 1) return millis((1 - this.#tokens) / this.#perMilli);
    this.#tokens -= 1;
    return millis(0);
  }
}

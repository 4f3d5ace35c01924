/** How long to wait for an answer: RFC 6298, since a link may be a cable or a satellite. Pure. */

import { type Millis, millis } from '../../../runtime/core/units.ts';

/** Before anything was measured. */
const FIRST_WAIT = 1000;

export class RoundTrip {
  readonly #shortest: number;
  readonly #longest: number;
  #smoothed: number | undefined;
  #variation = 0;

  constructor(bounds: { readonly shortestWait: Millis; readonly longestWait: Millis }) {
    this.#shortest = bounds.shortestWait;
    this.#longest = bounds.longestWait;
  }

  /** Each request has an id of its own, so that an answer always tells which request it took its time for. */
  measured(sample: number): void {
    if (this.#smoothed === undefined) {
      this.#smoothed = sample;
      this.#variation = sample / 2;
      return;
    }
    this.#variation += (Math.abs(sample - this.#smoothed) - this.#variation) / 4;
    this.#smoothed += (sample - this.#smoothed) / 8;
  }

  /** @param attempt from 0: each doubles the wait. @param random 0 to 1: up to a quarter more. */
  wait(attempt: number, random: number): Millis {
    const base = this.#smoothed === undefined ? FIRST_WAIT : this.#smoothed + 4 * this.#variation;
    const bounded = Math.min(this.#longest, Math.max(this.#shortest, base) * 2 ** Math.min(attempt, 16));
    return millis(bounded * (1 + random / 4));
  }
}

/** Pauses between attempts: exponential with full jitter, so that a fleet does not return at the same moment. */

import { type Millis, millis } from '../../core/units.ts';

export class Backoff {
  readonly #min: Millis;
  readonly #max: Millis;
  readonly #random: () => number;
  #ceiling: number;

  constructor(bounds: { min: Millis; max: Millis }, random: () => number = Math.random) {
    this.#min = bounds.min;
    this.#max = millis(Math.max(bounds.min, bounds.max));
    this.#random = random;
    this.#ceiling = bounds.min;
  }

  /** The next pause: at random between the shortest and a ceiling that doubles up to the longest. */
  next(): Millis {
    this.#ceiling = Math.min(this.#max, this.#ceiling * 2);
    return millis(this.#min + this.#random() * (this.#ceiling - this.#min));
  }

  reset(): void {
    this.#ceiling = this.#min;
  }
}

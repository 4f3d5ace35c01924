/**
 * Looks for updates again after a look that the way to the hub broke. The next announcement may be weeks away, and the
 * usual interval is hours: a broker that went, or a transfer that broke, is no reason to wait for either.
 */

import { DeliveryError } from '../../../runtime/core/errors.ts';
import { type Millis, minutes, seconds } from '../../../runtime/core/units.ts';

/** About so long, and twice as long after each look in vain. */
const FIRST = seconds(2);
const MOST = minutes(10);

export interface LookAgainOptions {
  /** Never rejects. */
  readonly look: () => void;
  /** The usual interval of looks: never later than that. */
  readonly checkEvery: Millis;
  readonly random?: () => number;
}

export class LookAgain {
  readonly #options: LookAgainOptions;
  #timer: NodeJS.Timeout | undefined;
  #inVain = 0;
  #stopped = false;

  constructor(options: LookAgainOptions) {
    this.#options = options;
  }

  /** @param error that a look ended with; undefined where it did not fail. */
  after(error: unknown): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    // A disk that refuses, or content that is wrong, would only be written and hashed once more.
    if (!(error instanceof DeliveryError) || !error.retryable) {
      this.#inVain = 0;
      return;
    }
    this.#plan(Number(error.facts.opensInMs ?? 0));
  }

  /** The connection is there again: what is due comes soon, however long it was away. */
  reconnected(): void {
    if (this.#inVain === 0 || this.#stopped) return;
    this.#inVain = 0;
    this.#plan(0);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #plan(atLeast: number): void {
    const { look, checkEvery, random = Math.random } = this.#options;
    clearTimeout(this.#timer);
    // Not all nodes of a fleet in one moment.
    const pause = Math.min(FIRST * 2 ** this.#inVain++, MOST) * (0.5 + random());
    this.#timer = setTimeout(look, Math.min(Math.max(pause, atLeast), checkEvery));
  }
}

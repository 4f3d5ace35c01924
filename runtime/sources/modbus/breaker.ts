/** Circuit breaker of one unit. Pure: time comes as an argument (monotonic milliseconds). */

import { type Millis, millis } from '../../core/units.ts';

export interface BreakerLimits {
  /** Time-outs in a row after which the unit is left alone. */
  readonly failures: number;
  readonly backoff: Millis;
  readonly maxBackoff: Millis;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

/**
 * A unit that answers, if only with rubbish, costs the bus far less than one that keeps it waiting; and one
 * disturbed frame on a noisy line must not take a unit's values away for a whole back-off.
 */
const GARBLED_BEFORE_OPEN = 3;

export class Breaker {
  readonly #limits: BreakerLimits;
  #state: BreakerState = 'closed';
  #timeouts = 0;
  #garbled = 0;
  #pause: Millis;
  #probeAt = millis(Number.POSITIVE_INFINITY);
  #suspect = false;

  constructor(limits: BreakerLimits) {
    this.#limits = limits;
    this.#pause = limits.backoff;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** When the next probe may be sent; infinite unless open. */
  get probeAt(): Millis {
    return this.#probeAt;
  }

  /** A request went unanswered and nothing has been heard since: the next request must be a probe. */
  get suspect(): boolean {
    return this.#suspect;
  }

  /** The probe of an open breaker goes out: no other one until its outcome is known. */
  probing(): void {
    this.#state = 'half-open';
    this.#probeAt = millis(Number.POSITIVE_INFINITY);
  }

  /** The unit answered, be it with an exception. @returns true when that brings it back. */
  answered(): boolean {
    const back = this.#state !== 'closed';
    this.#state = 'closed';
    this.#timeouts = 0;
    this.#garbled = 0;
    this.#suspect = false;
    this.#pause = this.#limits.backoff;
    this.#probeAt = millis(Number.POSITIVE_INFINITY);
    return back;
  }

  /** No answer in time. @returns true when the unit goes offline by it. */
  timedOut(now: Millis): boolean {
    this.#timeouts += 1;
    this.#suspect = true;
    return this.#failed(now, this.#timeouts >= this.#limits.failures);
  }

  /** An answer that cannot be one. @returns true when the unit goes offline by it. */
  garbled(now: Millis): boolean {
    this.#garbled += 1;
    return this.#failed(now, this.#garbled >= GARBLED_BEFORE_OPEN);
  }

  /** The probe could not be sent or its outcome is unknown: the bus broke. */
  undecided(now: Millis): void {
    if (this.#state === 'half-open') this.#open(now);
  }

  #failed(now: Millis, enough: boolean): boolean {
    if (this.#state === 'half-open') this.#pause = millis(Math.min(this.#pause * 2, this.#maxPause));
    else if (this.#state === 'open' || !enough) return false;
    const fresh = this.#state === 'closed';
    this.#open(now);
    return fresh;
  }

  get #maxPause(): number {
    return Math.max(this.#limits.maxBackoff, this.#limits.backoff);
  }

  #open(now: Millis): void {
    this.#state = 'open';
    this.#probeAt = millis(now + this.#pause);
  }
}

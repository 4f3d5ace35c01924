/** A limit on guessing: each address may fail a few times, and then waits longer after each failure. Pure. */

import { type Millis, minutes, seconds } from '../../core/units.ts';

/** Wrong attempts before an address has to wait: room for typing errors. */
const FREE_FAILURES = 5;
const LONGEST_WAIT = seconds(60);
const FORGET_AFTER = minutes(10);
/** Addresses remembered; the oldest is forgotten first, so that a flood of addresses cannot fill the memory. */
const MAX_ADDRESSES = 256;

interface Failures {
  readonly count: number;
  readonly last: Millis;
  readonly blockedUntil: Millis;
}

export class AttemptLimit {
  readonly #failures = new Map<string, Failures>();

  /** @returns how long the address has to wait; 0 when it may try. */
  wait(address: string, now: Millis): Millis {
    const until = this.#failures.get(address)?.blockedUntil ?? now;
    return Math.max(0, until - now) as Millis;
  }

  /** @returns how often it failed lately, this time included. */
  failed(address: string, now: Millis): number {
    const before = this.#failures.get(address);
    const count = before && now - before.last < FORGET_AFTER ? before.count + 1 : 1;
    const wait = count < FREE_FAILURES ? 0 : Math.min(LONGEST_WAIT, 1000 * 2 ** (count - FREE_FAILURES));
    this.#failures.delete(address);
    this.#failures.set(address, { count, last: now, blockedUntil: (now + wait) as Millis });
    if (this.#failures.size > MAX_ADDRESSES) this.#failures.delete(this.#failures.keys().next().value!);
    return count;
  }

  succeeded(address: string): void {
    this.#failures.delete(address);
  }
}

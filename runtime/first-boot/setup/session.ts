/** Who may set the node up: one browser, which sent the right code. Time is an argument. */

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { type Millis, minutes } from '../../core/units.ts';
import { AttemptLimit } from '../../sinks/dashboard/attempt-limit.ts';
import { CodeCheck } from './code.ts';

/** Whoever left the page open leaves no door open. */
const IDLE = minutes(30);

export type Entry =
  | { readonly state: 'in'; readonly token: string }
  | { readonly state: 'wrong' | 'used' }
  | { readonly state: 'wait'; readonly retryAfter: Millis };

export class SetupSession {
  readonly #limit = new AttemptLimit();
  /** Gone once it was used. */
  #code: CodeCheck | undefined;
  #token: Buffer | undefined;
  #seen: Millis = 0 as Millis;

  constructor(code: string) {
    this.#code = new CodeCheck(code);
  }

  get isUsed(): boolean {
    return this.#code === undefined;
  }

  enter(code: string, address: string, now: Millis): Entry {
    const retryAfter = this.#limit.wait(address, now);
    if (retryAfter > 0) return { state: 'wait', retryAfter };
    if (!this.#code) return { state: 'used' };
    if (!this.#code.matches(code)) {
      this.#limit.failed(address, now);
      return { state: 'wrong' };
    }
    this.#code = undefined;
    this.#token = randomBytes(32);
    this.#seen = now;
    return { state: 'in', token: this.#token.toString('base64url') };
  }

  isIn(token: string | undefined, now: Millis): boolean {
    if (!this.#token || token === undefined || now - this.#seen > IDLE) return false;
    const offered = Buffer.from(token, 'base64url');
    if (offered.length !== this.#token.length || !timingSafeEqual(offered, this.#token)) return false;
    this.#seen = now;
    return true;
  }
}

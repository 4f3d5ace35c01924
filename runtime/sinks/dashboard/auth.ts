/** HTTP Basic authentication with a password from a file, and a limit on guessing. */

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { describeError, InputError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type Millis, seconds } from '../../core/units.ts';
import { AttemptLimit } from './attempt-limit.ts';

/** A changed password locks out whoever knows the old one after this long. */
const READ_AGAIN_AFTER = seconds(10);
export type AuthResult = 'ok' | 'denied' | { readonly retryAfter: Millis };

export interface BasicAuthOptions {
  readonly username: string;
  readonly readPassword: () => string;
  readonly clock: Clock;
  readonly log: Log;
}

export class BasicAuth {
  readonly #username: string;
  readonly #readPassword: () => string;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Digests under a random key are compared, not texts: same length, and nothing to learn from the time it takes. */
  readonly #key = randomBytes(32);
  readonly #limit = new AttemptLimit();
  #expected: Buffer | undefined;
  #readAt = seconds(0);
  #unreadable = false;

  constructor({ username, readPassword, clock, log }: BasicAuthOptions) {
    this.#username = username;
    this.#readPassword = readPassword;
    this.#clock = clock;
    this.#log = log;
  }

  /** @throws InputError when the password cannot be read, or `http-password-empty`. */
  load(): void {
    const password = this.#readPassword();
    if (password === '') {
      throw new InputError(
        'http-password-empty',
        'the file of http.passwordFile is empty: write a password into it',
      );
    }
    this.#expected = this.#digest(`${this.#username}:${password}`);
    this.#readAt = this.#clock.mono();
    this.#unreadable = false;
  }

  /** @param header the Authorization header. @param address who asks. */
  check(header: string | undefined, address: string): AuthResult {
    if (header === undefined) return 'denied';
    const now = this.#clock.mono();
    const retryAfter = this.#limit.wait(address, now);
    if (retryAfter > 0) return { retryAfter };
    if (now - this.#readAt >= READ_AGAIN_AFTER) this.#readAgain(now);
    const offered = this.#digest(decodeBasic(header));
    if (this.#matches(offered)) {
      this.#limit.succeeded(address);
      return 'ok';
    }
    this.#readAgain(now);
    if (this.#matches(offered)) return 'ok';
    this.#countFailure(address, now);
    return 'denied';
  }

  /** A file that cannot be read leaves the password as it was. */
  #readAgain(now: Millis): void {
    this.#readAt = now;
    try {
      this.load();
    } catch (error) {
      if (this.#unreadable) return;
      this.#unreadable = true;
      const reason = describeError(error);
      this.#log.warn(
        { event: 'dashboard.password.unreadable', reason },
        `password kept as it was: ${reason}`,
      );
    }
  }

  #matches(offered: Buffer): boolean {
    return this.#expected !== undefined && timingSafeEqual(offered, this.#expected);
  }

  #digest(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }

  #countFailure(address: string, now: Millis): void {
    const count = this.#limit.failed(address, now);
    this.#log.warn(
      { event: 'dashboard.login.failed', address, count },
      `wrong user or password from ${address}`,
    );
  }
}

function decodeBasic(header: string): string {
  const encoded = /^Basic +([A-Za-z0-9+/]+=*)$/i.exec(header)?.[1] ?? '';
  return Buffer.from(encoded, 'base64').toString('utf8');
}

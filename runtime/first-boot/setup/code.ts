/** The code by which somebody who stands at the node, or holds its card, proves it to the set-up page. */

import { createHmac, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';

/** Crockford's: no letter that is taken for a digit. 8 of them are 40 bits; who guesses soon waits a minute each time. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 8;

/** `7K2M-9QXD`. */
export function makeCode(): string {
  const letters = Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return `${letters.slice(0, 4)}-${letters.slice(4)}`;
}

export function isCode(text: string): boolean {
  return plain(text).length === LENGTH;
}

/** Compares digests under a random key: what was offered tells nothing by the time it takes. */
export class CodeCheck {
  readonly #key = randomBytes(32);
  readonly #expected: Buffer;

  constructor(code: string) {
    this.#expected = this.#digest(code);
  }

  matches(offered: string): boolean {
    return timingSafeEqual(this.#digest(offered), this.#expected);
  }

  #digest(code: string): Buffer {
    return createHmac('sha256', this.#key).update(plain(code)).digest();
  }
}

/** As people type it: small letters, without the hyphen, O for 0, I or L for 1. */
function plain(code: string): string {
  return code
    .toUpperCase()
    .replace(/O/g, '0')
    .replace(/[IL]/g, '1')
    .replace(/[^0-9A-Z]/g, '');
}

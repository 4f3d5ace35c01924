/**
 * JSON whose every byte has one reading: a bounded size and depth, strict UTF-8 without a byte order mark, no key
 * twice, no lone surrogates. JSON.parse silently takes the last of two equal keys, and other readers the first.
 */

import { UpdateError } from '../../../runtime/core/errors.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
/** Without a prototype where it comes from readStrictJson: `constructor` and `__proto__` are keys like any other. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export interface JsonBounds {
  /** What the text is called in errors: `timestamp.json`. */
  readonly what: string;
  readonly mostBytes: number;
  /** Values of any kind, each in another; as many as there are bytes for where none is given. For what nobody vouches for. */
  readonly mostValues?: number;
  /** Whether numbers may be other than safe integers; canonical JSON of signed metadata knows no others. */
  readonly fractions?: boolean;
}

export const MOST_DEPTH = 24;
/** No double needs more, written out. */
const MOST_DIGITS = 40;
const BYTE_ORDER_MARK = 0xfeff;

/** @throws UpdateError `ota-malformed` */
export function readStrictJson(bytes: Uint8Array, bounds: JsonBounds): JsonValue {
  if (bytes.length > bounds.mostBytes)
    throw malformed(bounds.what, `has ${bytes.length} bytes; at most ${bounds.mostBytes} are read`);
  return new Reader(decodeUtf8(bytes, bounds.what), bounds).document();
}

/** `where` names the file and, behind it, the place in it. */
export function malformed(where: string, problem: string): UpdateError {
  return new UpdateError('ota-malformed', `${where} ${problem}`, { facts: { where } });
}

function decodeUtf8(bytes: Uint8Array, what: string): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed(what, 'is not UTF-8');
  }
  if (text.charCodeAt(0) === BYTE_ORDER_MARK) throw malformed(what, 'begins with a byte order mark');
  return text;
}

const WORDS: readonly (readonly [string, JsonValue])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
];

const STRING = /"(?:[^"\\]|\\.)*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WHITE_SPACE = /[ \t\n\r]*/y;

class Reader {
  readonly #text: string;
  readonly #what: string;
  readonly #fractions: boolean;
  readonly #mostValues: number;
  #values = 0;
  #at = 0;

  constructor(text: string, { what, mostValues = Number.POSITIVE_INFINITY, fractions = false }: JsonBounds) {
    this.#text = text;
    this.#what = what;
    this.#mostValues = mostValues;
    this.#fractions = fractions;
  }

  document(): JsonValue {
    const value = this.#value(0);
    if (this.#next() !== '') throw this.#error('goes on after its end');
    return value;
  }

  #value(depth: number): JsonValue {
    if (++this.#values > this.#mostValues) throw this.#error(`has more than ${this.#mostValues} values`);
    const first = this.#next();
    if (first === '"') return this.#string();
    if (first === '{' || first === '[') {
      if (depth >= MOST_DEPTH) throw this.#error(`is nested deeper than ${MOST_DEPTH}`);
      this.#at++;
      return first === '{' ? this.#object(depth + 1) : this.#array(depth + 1);
    }
    if (first === '-' || (first >= '0' && first <= '9')) return this.#number();
    for (const [word, value] of WORDS) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    throw this.#error('is not JSON');
  }

  #object(depth: number): JsonObject {
    const object: Record<string, JsonValue> = Object.create(null);
    if (this.#took('}')) return object;
    do {
      if (this.#next() !== '"') throw this.#error('lacks a key');
      const key = this.#string();
      if (key in object) throw this.#error(`has the key ${JSON.stringify(key.slice(0, 80))} twice`);
      if (!this.#took(':')) throw this.#error('lacks a colon');
      object[key] = this.#value(depth);
    } while (this.#took(','));
    if (!this.#took('}')) throw this.#error('does not close an object');
    return object;
  }

  #array(depth: number): JsonValue[] {
    const array: JsonValue[] = [];
    if (this.#took(']')) return array;
    do array.push(this.#value(depth));
    while (this.#took(','));
    if (!this.#took(']')) throw this.#error('does not close an array');
    return array;
  }

  /** Leaves the characters to the engine, which is many times as fast as a loop here that nothing compiled yet. */
  #string(): string {
    const start = this.#at;
    let end = this.#text.indexOf('"', start + 1) + 1;
    if (this.#text[end - 2] === '\\') {
      STRING.lastIndex = start;
      end = STRING.test(this.#text) ? STRING.lastIndex : 0;
    }
    if (end === 0) throw this.#error('has a string without an end');
    let value: string;
    try {
      value = JSON.parse(this.#text.slice(start, end)) as string;
    } catch {
      throw this.#error('has a string with a bare control character or a wrong escape');
    }
    if (!value.isWellFormed()) throw this.#error('has a string with half a surrogate pair');
    this.#at = end;
    return value;
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const text = NUMBER.exec(this.#text)?.[0] ?? '';
    const value = Number(text);
    const whole = Number.isSafeInteger(value) && /^-?\d+$/.test(text) && !Object.is(value, -0);
    if (text === '' || text.length > MOST_DIGITS || !Number.isFinite(value) || !(whole || this.#fractions))
      throw this.#error(`has a number that is not ${this.#fractions ? 'one' : 'a safe integer'}`);
    this.#at += text.length;
    return value;
  }

  #took(token: string): boolean {
    const there = this.#next() === token;
    if (there) this.#at++;
    return there;
  }

  /** The next character that is not white space; empty at the end. */
  #next(): string {
    if (this.#text.charCodeAt(this.#at) <= 0x20) {
      WHITE_SPACE.lastIndex = this.#at;
      WHITE_SPACE.test(this.#text);
      this.#at = WHITE_SPACE.lastIndex;
    }
    return this.#text.charAt(this.#at);
  }

  #error(problem: string): UpdateError {
    return malformed(this.#what, `${problem} (at character ${this.#at})`);
  }
}

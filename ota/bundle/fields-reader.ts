/** Takes a signed document apart field by field, naming the place of whatever is wrong; keys that nobody asked for are errors. */

import { UpdateError } from '../../runtime/core/errors.ts';
import { canonicalBytes } from '../client/tuf/canonical-json.ts';
import { type JsonValue, readStrictJson } from '../client/tuf/strict-json.ts';
import { SHA256 } from './bundle-limits.ts';

type Plain = Readonly<Record<string, JsonValue>>;

/** @throws UpdateError `ota-malformed`, also for bytes that are not the canonical form of what they say. */
export function readCanonical(bytes: Uint8Array, what: string, mostBytes: number): Fields {
  const value = readStrictJson(bytes, { what, mostBytes, fractions: true });
  if (!Buffer.from(bytes).equals(canonicalBytes(value))) throw bad(what, 'is not in canonical form');
  return new Fields(value, what);
}

/** One object. Call `end` when all known keys were taken. All methods throw UpdateError `ota-malformed`. */
export class Fields {
  readonly #object: Plain;
  readonly #where: string;
  readonly #taken = new Set<string>();

  constructor(value: JsonValue | undefined, where: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw bad(where, 'is not an object');
    this.#object = value as Plain;
    this.#where = where;
  }

  has(key: string): boolean {
    return key in this.#object;
  }

  text(key: string, rule: RegExp, expected: string): string {
    const value = this.#take(key);
    if (typeof value !== 'string' || !rule.test(value)) throw this.#bad(key, `is not ${expected}`);
    return value;
  }

  sha256(key: string): string {
    return this.text(key, SHA256, '64 hexadecimal digits in lower case');
  }

  whole(key: string, least: number, most: number): number {
    const value = this.number(key, least, most);
    if (!Number.isSafeInteger(value)) throw this.#bad(key, 'is not a whole number');
    return value;
  }

  number(key: string, least: number, most: number): number {
    const value = this.#take(key);
    if (typeof value !== 'number' || !(value >= least && value <= most))
      throw this.#bad(key, `is not a number from ${least} to ${most}`);
    return value;
  }

  boolean(key: string): boolean {
    const value = this.#take(key);
    if (typeof value !== 'boolean') throw this.#bad(key, 'is neither true nor false');
    return value;
  }

  is(key: string, expected: string | number): void {
    if (this.#take(key) !== expected) throw this.#bad(key, `is not ${JSON.stringify(expected)}`);
  }

  object(key: string): Fields {
    return new Fields(this.#take(key), `${this.#where} ${key}`);
  }

  texts(key: string, most: number, rule: RegExp, expected: string): string[] {
    return this.#list(key, most).map((value, at) => {
      if (typeof value !== 'string' || !rule.test(value))
        throw this.#bad(`${key}[${at}]`, `is not ${expected}`);
      return value;
    });
  }

  objects<T>(key: string, most: number, read: (fields: Fields) => T): T[] {
    return this.#list(key, most).map((value, at) => {
      const fields = new Fields(value, `${this.#where} ${key}[${at}]`);
      const result = read(fields);
      fields.end();
      return result;
    });
  }

  /** What `read` makes of the key; undefined, in an object to spread, where it is absent. */
  optional<K extends string, T>(key: K, read: (key: K) => T): { [name in K]?: T } {
    return this.has(key) ? ({ [key]: read(key) } as { [name in K]?: T }) : {};
  }

  end(): void {
    const unknown = Object.keys(this.#object).find((key) => !this.#taken.has(key));
    if (unknown !== undefined) throw this.#bad(unknown.slice(0, 80), 'is not known to this version');
  }

  #list(key: string, most: number): readonly JsonValue[] {
    const value = this.#take(key);
    if (!Array.isArray(value)) throw this.#bad(key, 'is not a list');
    if (value.length > most) throw this.#bad(key, `has ${value.length} entries; at most ${most} are read`);
    return value as readonly JsonValue[];
  }

  #take(key: string): JsonValue | undefined {
    this.#taken.add(key);
    return this.#object[key];
  }

  #bad(key: string, problem: string): UpdateError {
    return bad(`${this.#where} ${key}`, problem);
  }
}

export function bad(where: string, problem: string): UpdateError {
  return new UpdateError('ota-malformed', `${where} ${problem}`, { facts: { where } });
}

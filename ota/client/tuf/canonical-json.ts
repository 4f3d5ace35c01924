/**
 * The one form of a JSON value that signatures and key identifiers are made over: OLPC canonical JSON, which TUF uses
 * (specification 1.0.34, §4.1). No white space, keys in code point order, strings raw but for `"` and `\`.
 */

import { type JsonObject, type JsonValue, malformed } from './strict-json.ts';

/**
 * Text; its UTF-8 bytes are what is signed. Numbers that are not integers, which metadata never has, are written as
 * JavaScript does.
 * @throws UpdateError `ota-malformed` for what is no JSON value (undefined, NaN, half a surrogate pair)
 */
export function canonicalJson(value: JsonValue): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  if (typeof value === 'object') return object(value as JsonObject);
  throw malformed('a value', `that is ${String(value)} has no canonical JSON`);
}

export function canonicalBytes(value: JsonValue): Uint8Array {
  return Buffer.from(canonicalJson(value));
}

function object(value: JsonObject): string {
  const keys = inOrder(Object.keys(value));
  return `{${keys.map((key) => `${quote(key)}:${canonicalJson(value[key] as JsonValue)}`).join()}}`;
}

function quote(text: string): string {
  if (!text.isWellFormed()) throw malformed('a string', 'with half a surrogate pair has no canonical JSON');
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** By code point, as UTF-8 bytes are ordered. JavaScript orders UTF-16, where U+10000 and above come before U+E000. */
function inOrder(keys: string[]): string[] {
  if (!keys.some((key) => /[\ud800-\uffff]/.test(key))) return keys.sort();
  const pairs = keys.map((key) => ({ key, bytes: Buffer.from(key) }));
  return pairs.sort((a, b) => Buffer.compare(a.bytes, b.bytes)).map(({ key }) => key);
}

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
  const keys = Object.keys(value).sort(byCodePoint);
  return `{${keys.map((key) => `${quote(key)}:${canonicalJson(value[key] as JsonValue)}`).join()}}`;
}

function quote(text: string): string {
  if (!text.isWellFormed()) throw malformed('a string', 'with half a surrogate pair has no canonical JSON');
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** The order of the UTF-8 bytes. JavaScript's own order sets U+10000 and above before U+E000. */
function byCodePoint(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  let at = 0;
  while (at < shorter && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  if (at === shorter) return a.length - b.length;
  return rank(a.charCodeAt(at)) - rank(b.charCodeAt(at));
}

const isSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdfff;
const rank = (unit: number) => (isSurrogate(unit) ? unit + 0x10000 : unit);

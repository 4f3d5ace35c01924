/** Fields of a JSON object, each checked where it is taken. Everything here throws UpdateError `ota-malformed`. */

import { type EpochMillis, epochMillis } from '../../../runtime/core/units.ts';
import { type JsonObject, type JsonValue, malformed } from './strict-json.ts';

export function fieldsOf(value: JsonValue | undefined, where: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed(where, 'is not an object');
  return value as JsonObject;
}

export function objectIn(object: JsonObject, name: string, where: string): JsonObject {
  return fieldsOf(object[name], `${where} ${name}`);
}

export function textIn(object: JsonObject, name: string, where: string): string {
  const value = object[name];
  if (typeof value !== 'string') throw malformed(where, `has no text '${name}'`);
  return value;
}

/** The reader gives safe integers alone: what is left to ask is the least one. */
export function integerIn(object: JsonObject, name: string, least: number, where: string): number {
  const value = object[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least)
    throw malformed(where, `has no whole number '${name}' from ${least} to 2^53-1`);
  return value;
}

/** Texts, none of them twice. */
export function textsIn(object: JsonObject, name: string, where: string): readonly string[] {
  const list = object[name];
  if (!Array.isArray(list) || !list.every((item) => typeof item === 'string'))
    throw malformed(where, `has no list of texts '${name}'`);
  if (new Set(list).size < list.length) throw malformed(where, `has an entry of '${name}' twice`);
  return list;
}

/** §4.2.3: exactly `YYYY-MM-DDTHH:MM:SSZ`, and a day that there is. A text that Date.parse takes for NaN would never expire. */
export function timeIn(object: JsonObject, name: string, where: string): EpochMillis {
  const text = textIn(object, name, where);
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN;
  // 30 February is read as 2 March, and written back so.
  if (Number.isNaN(at) || new Date(at).toISOString() !== text.replace('Z', '.000Z'))
    throw malformed(where, `has no time '${name}' of the form 2030-01-31T00:00:00Z`);
  return epochMillis(at);
}

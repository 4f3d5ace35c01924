/** `models/NAME.json` as it is read back: of the right shape, or damaged. Reads what an older or broken disk gives. */

import type { OutputReference } from '../host.ts';
import { fieldsOf, integerIn, textIn } from '../tuf/fields.ts';
import { type JsonObject, type JsonValue, malformed } from '../tuf/strict-json.ts';
import type { ModelRecord, Refusal, Release, Step, Target, Trial } from './record.ts';

const DIGEST = /^[0-9a-f]{64}$/;
const HOURS = 24;
const MOST_KINDS = 8;
const MOST_BOUNDS = 64;
const STEPS: readonly Step[] = ['FETCH', 'VERIFY', 'STAGED'];

/** @throws UpdateError `ota-malformed` */
export function readModelRecord(json: JsonObject, name: string): ModelRecord {
  const where = `the record of '${name}'`;
  if (textIn(json, 'name', where) !== name) throw malformed(where, 'is that of another name');
  return {
    name,
    active: orNull(json.active, releaseOf),
    previous: orNull(json.previous, releaseOf),
    target: orNull(json.target, targetOf),
    trial: orNull(json.trial, trialOf),
    floor: orNull(json.floor, releaseOf),
    blocked: listOf(json.blocked).map((entry) => releaseOf(fieldsOf(entry, where))),
    pinned: flagIn(json, 'pinned'),
    refused: orNull(json.refused, refusalOf),
    unsteadyStarts: integerIn(json, 'unsteadyStarts', 0, where),
  };
}

function releaseOf(json: JsonObject): Release {
  const digest = textIn(json, 'digest', 'a release');
  if (!DIGEST.test(digest)) throw malformed('a release', 'has a digest that is no SHA-256');
  return { release: integerIn(json, 'release', 1, 'a release'), digest };
}

function targetOf(json: JsonObject): Target {
  const step = textIn(json, 'step', 'a target') as Step;
  if (!STEPS.includes(step)) throw malformed('a target', 'is at no step that there is');
  return {
    ...releaseOf(json),
    step,
    verifies: integerIn(json, 'verifies', 0, 'a target'),
    offlineOk: flagIn(json, 'offlineOk'),
    window: orNull(json.window, windowOf),
  };
}

function windowOf(json: JsonObject): { from: number; to: number } {
  const { from, to } = json;
  const inDay = (hour: unknown) => typeof hour === 'number' && hour >= 0 && hour <= HOURS;
  if (!inDay(from) || !inDay(to)) throw malformed('a window', 'is outside the day');
  return { from: from as number, to: to as number };
}

function trialOf(json: JsonObject): Trial {
  return {
    ...releaseOf(json),
    attemptsLeft: integerIn(json, 'attemptsLeft', 0, 'a trial'),
    attempt: integerIn(json, 'attempt', 0, 'a trial'),
    // A version before this one wrote none.
    reference: json.reference === undefined ? {} : referenceOf(fieldsOf(json.reference, 'a reference')),
  };
}

function referenceOf(json: JsonObject): OutputReference {
  const kinds = Object.entries(json);
  if (kinds.length > MOST_KINDS) throw malformed('a reference', 'has more kinds of outputs than there are');
  return Object.fromEntries(
    kinds.map(([kind, spread]) => {
      const { bounds, below, upTo } = fieldsOf(spread, 'a reference');
      const lists = [bounds, below, upTo].map(numbersOf);
      if (new Set(lists.map((list) => list.length)).size !== 1)
        throw malformed('a reference', 'has lists that do not belong together');
      return [kind, { bounds: lists[0]!, below: lists[1]!, upTo: lists[2]! }];
    }),
  );
}

function numbersOf(value: JsonValue | undefined): readonly number[] {
  const list = listOf(value);
  if (list.length === 0 || list.length > MOST_BOUNDS || !list.every((one) => typeof one === 'number'))
    throw malformed('a reference', 'has no numbers where they belong');
  return list as readonly number[];
}

function refusalOf(json: JsonObject): Refusal {
  return {
    ...releaseOf(json),
    code: textIn(json, 'code', 'a refusal'),
    reason: textIn(json, 'reason', 'a refusal'),
  };
}

function orNull<T>(value: JsonValue | undefined, read: (json: JsonObject) => T): T | null {
  return value === null ? null : read(fieldsOf(value, 'a part of a record'));
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  if (!Array.isArray(value)) throw malformed('a record', 'has no list where one belongs');
  return value;
}

function flagIn(json: JsonObject, name: string): boolean {
  const value = json[name];
  if (typeof value !== 'boolean') throw malformed('a record', `has no '${name}'`);
  return value;
}

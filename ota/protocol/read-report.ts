/** The shape of a node's report, whose signature says only who sent it: a node that was taken over sends what it likes. */

import { fieldsOf, integerIn, textIn } from '../client/tuf/fields.ts';
import { type JsonObject, type JsonValue, malformed } from '../client/tuf/strict-json.ts';
import type { NodeReport, ReportedModel, ReportedRelease, TimeTrust } from './report.ts';

const TRUSTS: readonly string[] = ['NONE', 'FLOOR', 'SIGNED', 'NTP'] satisfies TimeTrust[];
const DIGEST = /^[0-9a-f]{64}$/;
const MOST_ENTRIES = 256;
const WHERE = 'a report';

/** @throws UpdateError `ota-malformed` */
export function readReport(json: JsonObject): NodeReport {
  const timeTrust = textIn(json, 'timeTrust', WHERE);
  if (json._type !== 'vigie-node-state' || json.v !== 1 || !TRUSTS.includes(timeTrust)) {
    throw malformed(WHERE, 'is not one that this version knows');
  }
  return {
    _type: 'vigie-node-state',
    v: 1,
    node: textIn(json, 'node', WHERE),
    group: textIn(json, 'group', WHERE),
    key: textIn(json, 'key', WHERE),
    counter: integerIn(json, 'counter', 0, WHERE),
    time: integerIn(json, 'time', 0, WHERE),
    timeTrust: timeTrust as TimeTrust,
    runtime: textIn(json, 'runtime', WHERE),
    models: listOf(json.models).map((model) => readModel(fieldsOf(model, WHERE))),
    configuration: json.configuration === null ? null : digestIn(json, 'configuration'),
    metadata: readVersions(fieldsOf(json.metadata, WHERE)),
    lastError: orNull(json.lastError, (error) => ({
      code: textIn(error, 'code', WHERE),
      message: textIn(error, 'message', WHERE),
    })),
    attack: json.attack === true,
  };
}

function readModel(json: JsonObject): ReportedModel {
  return {
    name: textIn(json, 'name', WHERE),
    active: orNull(json.active, readRelease),
    previous: orNull(json.previous, readRelease),
    trial: orNull(json.trial, (trial) => ({
      ...readRelease(trial),
      attemptsLeft: integerIn(trial, 'attemptsLeft', 0, WHERE),
    })),
    staged: orNull(json.staged, readRelease),
    floor: integerIn(json, 'floor', 0, WHERE),
    serving: orNull(json.serving, readRelease),
    trouble: json.trouble === null ? null : textIn(json, 'trouble', WHERE),
    blocked: listOf(json.blocked).map(digestOf),
    pinned: json.pinned === true,
    refused: orNull(json.refused, (refused) => ({
      ...readRelease(refused),
      code: textIn(refused, 'code', WHERE),
      reason: textIn(refused, 'reason', WHERE),
    })),
  };
}

function readRelease(json: JsonObject): ReportedRelease {
  return { release: integerIn(json, 'release', 1, WHERE), digest: digestIn(json, 'digest') };
}

function readVersions(json: JsonObject): Readonly<Record<string, number>> {
  const roles = Object.keys(json);
  if (roles.length > MOST_ENTRIES) throw malformed(WHERE, 'names more roles than there can be');
  return Object.fromEntries(roles.map((role) => [role, integerIn(json, role, 0, WHERE)]));
}

function digestIn(json: JsonObject, name: string): string {
  return digestOf(json[name]);
}

function digestOf(value: JsonValue | undefined): string {
  if (typeof value === 'string' && DIGEST.test(value)) return value;
  throw malformed(WHERE, 'has a digest that is no SHA-256');
}

function orNull<T>(value: JsonValue | undefined, read: (json: JsonObject) => T): T | null {
  return value === null ? null : read(fieldsOf(value, WHERE));
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  if (Array.isArray(value) && value.length <= MOST_ENTRIES) return value;
  throw malformed(WHERE, 'has no list, or one too long, where one belongs');
}

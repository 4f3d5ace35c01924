/** Reads assign/GROUP.json, on the node and on the hub alike. Its signature was checked: its shape was not. */

import { UpdateError } from '../../runtime/core/errors.ts';
import type { AssignedRelease, Assignment } from './assignment.ts';
import { BUNDLE_NAME, GROUP_NAME, MOST_ASSIGNMENT_BYTES, SHA256 } from './bundle-limits.ts';
import { bad, type Fields, readCanonical } from './fields-reader.ts';

const ASSIGNMENT_VERSION = 1;
const MOST_RELEASES = 128;
const MOST_BLOCKED = 512;
const MOST_CONFIGURATION_BYTES = 1024 ** 2;
const HOURS = 24;

/**
 * @param group whose assignment was asked for: one of another group, signed as it may be, is refused.
 * @throws UpdateError `ota-malformed`, `ota-mismatch` (another group), `ota-incompatible` (a newer format)
 */
export function readAssignment(bytes: Uint8Array, group: string): Assignment {
  const what = `assign/${group}.json`;
  const fields = readCanonical(bytes, what, MOST_ASSIGNMENT_BYTES);
  fields.is('_type', 'vigie-assignment');
  const v = fields.whole('v', 1, Number.MAX_SAFE_INTEGER);
  if (v !== ASSIGNMENT_VERSION)
    throw new UpdateError('ota-incompatible', `${what} is of version ${v}: update vigie first`);
  const assignment: Assignment = {
    _type: 'vigie-assignment',
    v: ASSIGNMENT_VERSION,
    group: fields.text('group', GROUP_NAME, 'the name of a group'),
    releases: fields.objects('releases', MOST_RELEASES, readRelease),
    blocked: fields.texts('blocked', MOST_BLOCKED, SHA256, '64 hexadecimal digits in lower case'),
    ...fields.optional('configuration', (key) => readConfiguration(fields.object(key))),
  };
  fields.end();
  if (assignment.group !== group) {
    const text = `${what} is for the group '${assignment.group}'`;
    throw new UpdateError('ota-mismatch', text, { facts: { group, found: assignment.group } });
  }
  const seen = new Set<string>();
  for (const { name, release } of assignment.releases) {
    if (seen.has(`${name}/${release}`)) throw bad(`${what} releases`, `has ${name} ${release} twice`);
    seen.add(`${name}/${release}`);
  }
  return assignment;
}

function readRelease(fields: Fields): AssignedRelease {
  return {
    name: fields.text('name', BUNDLE_NAME, 'the name of a bundle'),
    release: fields.whole('release', 1, Number.MAX_SAFE_INTEGER),
    percent: fields.number('percent', 0, 100),
    offlineOk: fields.boolean('offlineOk'),
    ...fields.optional('window', (key) => readWindow(fields.object(key))),
  };
}

function readWindow(fields: Fields): { from: number; to: number } {
  const window = { from: fields.number('from', 0, HOURS), to: fields.number('to', 0, HOURS) };
  fields.end();
  return window;
}

function readConfiguration(fields: Fields): { sha256: string; length: number } {
  const configuration = {
    sha256: fields.sha256('sha256'),
    length: fields.whole('length', 1, MOST_CONFIGURATION_BYTES),
  };
  fields.end();
  return configuration;
}

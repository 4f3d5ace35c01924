/**
 * The highest versions that were ever trusted, kept in a file of their own: where a power cut or a bad sector takes
 * timestamp.json or root.json, an old one of an attacker must not pass for new.
 */

import { createHash } from 'node:crypto';
import { UpdateError } from '../../../runtime/core/errors.ts';
import { canonicalBytes } from './canonical-json.ts';
import { fieldsOf, integerIn, objectIn, textIn } from './fields.ts';
import type { Root } from './metadata.ts';
import type { RoleKeys } from './signed.ts';
import { type JsonObject, readStrictJson } from './strict-json.ts';

export const KNOWN_VERSIONS = 'known-versions';

export interface KnownVersions {
  readonly root: number;
  /** What the versions below were signed with (see onlineKeys): they bind nobody else. Empty: nothing is known. */
  readonly keys: string;
  readonly timestamp: number;
  /** As the timestamp says. */
  readonly snapshot: number;
  /** Of targets and the delegated roles, as the snapshot says. */
  readonly roles: ReadonlyMap<string, number>;
}

export const NOTHING_KNOWN: KnownVersions = {
  root: 0,
  keys: '',
  timestamp: 0,
  snapshot: 0,
  roles: new Map(),
};

/** A snapshot of 1 MiB lists fewer roles than this has room for. */
const MOST_BYTES = 1 << 21;

/** A record that was torn or changed counts as none: the metadata files that are left say what is known. */
export function readKnownVersions(bytes: Uint8Array | undefined): KnownVersions {
  if (!bytes) return NOTHING_KNOWN;
  const where = KNOWN_VERSIONS;
  try {
    const file = fieldsOf(readStrictJson(bytes, { what: where, mostBytes: MOST_BYTES }), where);
    const record = objectIn(file, 'known', where);
    if (digestOf(record) !== file.sha256) return NOTHING_KNOWN;
    const roles = objectIn(record, 'roles', where);
    return {
      root: integerIn(record, 'root', 0, where),
      keys: textIn(record, 'keys', where),
      timestamp: integerIn(record, 'timestamp', 0, where),
      snapshot: integerIn(record, 'snapshot', 0, where),
      roles: new Map(Object.keys(roles).map((role) => [role, integerIn(roles, role, 0, where)])),
    };
  } catch (error) {
    if (error instanceof UpdateError) return NOTHING_KNOWN;
    throw error;
  }
}

export function writeKnownVersions(known: KnownVersions): Uint8Array {
  const record = { ...known, roles: Object.fromEntries(known.roles) };
  return canonicalBytes({ known: record, sha256: digestOf(record) });
}

/** One wrong bit in a version would have the node wait for versions that never come. */
function digestOf(record: JsonObject): string {
  return createHash('sha256').update(canonicalBytes(record)).digest('hex');
}

/** §5.3.11 asks whether the keys of timestamp or snapshot were rotated: a digest of both roles. */
export function onlineKeys({ roles }: Root): string {
  const text = JSON.stringify([describe(roles.timestamp), describe(roles.snapshot)]);
  return createHash('sha256').update(text).digest('hex');
}

function describe({ keys, threshold }: RoleKeys): unknown {
  return { threshold, keys: keys.map(({ identity }) => identity).sort() };
}

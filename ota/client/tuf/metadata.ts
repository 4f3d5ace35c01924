/** What metadata of the four kinds says (§4.3 to §4.6), once its signatures were checked. */

import type { EpochMillis } from '../../../runtime/core/units.ts';
import { integerIn, textIn, timeIn } from './fields.ts';
import type { Hashes } from './hashes.ts';
import type { RoleKeys } from './signed.ts';
import { type JsonObject, type JsonValue, malformed } from './strict-json.ts';

export const TOP_ROLES = ['root', 'timestamp', 'snapshot', 'targets'] as const;
export type TopRole = (typeof TOP_ROLES)[number];

export interface Header {
  readonly version: number;
  readonly expires: EpochMillis;
}

export interface Root extends Header {
  readonly consistentSnapshot: boolean;
  readonly roles: Readonly<Record<TopRole, RoleKeys>>;
  /** Whose word on the time counts: `x-time`, a role of our own beside the four (`{keyids, threshold: 1}`). */
  readonly time: RoleKeys | undefined;
}

/** What a parent says of a metadata file (§4.4). */
export interface MetaFile {
  readonly version: number;
  readonly length: number | undefined;
  readonly hashes: Hashes | undefined;
}

export interface Timestamp extends Header {
  readonly snapshot: MetaFile;
  /** When it was signed, by its signer: a field of our own, `x-issued`. */
  readonly issued: EpochMillis | undefined;
}

export interface Snapshot extends Header {
  /** By role name, without `.json`. */
  readonly roles: ReadonlyMap<string, MetaFile>;
}

export interface TargetFile {
  readonly path: string;
  /** Bytes. */
  readonly length: number;
  readonly hashes: Hashes;
  /** Opaque to TUF (§4.5). */
  readonly custom: JsonValue | undefined;
}

export interface Delegation extends RoleKeys {
  readonly role: string;
  readonly terminating: boolean;
  /** Whether this delegation is about the target. */
  readonly covers: (path: string) => boolean;
}

export interface Targets extends Header {
  readonly targets: ReadonlyMap<string, TargetFile>;
  /** In order of priority. */
  readonly delegations: readonly Delegation[];
}

/**
 * `_type`, `spec_version`, `version`, `expires`. The type is checked although the signature was: one key may sign for
 * two roles. @throws UpdateError `ota-malformed`
 */
export function readHeader(signed: JsonObject, type: TopRole, where: string): Header {
  if (signed._type !== type) throw malformed(where, `is not of _type '${type}'`);
  // §4.3: what the first number of spec_version promises is that older readers still understand.
  if (!/^1(\.\d+){1,2}$/.test(textIn(signed, 'spec_version', where)))
    throw malformed(where, 'is not of specification version 1');
  return { version: integerIn(signed, 'version', 1, where), expires: timeIn(signed, 'expires', where) };
}

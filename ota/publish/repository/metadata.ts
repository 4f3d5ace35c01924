/** The metadata files of a repository as the publisher writes them (TUF 1.0.34, §4). */

import { createHash } from 'node:crypto';
import { InputError } from '../../../runtime/core/errors.ts';
import type { EpochMillis } from '../../../runtime/core/units.ts';
import { canonicalBytes } from '../../client/tuf/canonical-json.ts';
import type { KeyJson } from '../../client/tuf/keys.ts';
import { MOST_BYTES } from '../../client/tuf/policy.ts';
import { type JsonValue, readStrictJson } from '../../client/tuf/strict-json.ts';
import { DELEGATED_PATHS, type DelegatedRole, isDelegated, type MetadataRole } from './roles.ts';

// Types, not interfaces, so that they are JsonObjects.
export type RoleJson = { readonly keyids: readonly string[]; readonly threshold: number };
export type KeysJson = { readonly [keyId: string]: KeyJson };
type Common = { readonly spec_version: string; readonly version: number; readonly expires: string };
export type RootJson = Common & {
  readonly _type: 'root';
  readonly consistent_snapshot: true;
  readonly keys: KeysJson;
  readonly roles: { readonly [role in 'root' | 'targets' | 'snapshot' | 'timestamp']: RoleJson };
  /** Whose word on the time nodes take; a field of our own, as TUF has no such role. */
  readonly 'x-time': RoleJson;
};
export type DelegationJson = RoleJson & {
  readonly name: DelegatedRole;
  readonly terminating: true;
  readonly paths: readonly string[];
};
export type FileJson = { readonly length: number; readonly hashes: { readonly sha256: string } };
export type TargetsJson = Common & {
  readonly _type: 'targets';
  readonly targets: { readonly [path: string]: FileJson };
  readonly delegations?: { readonly keys: KeysJson; readonly roles: readonly DelegationJson[] };
};
export type SnapshotJson = Common & {
  readonly _type: 'snapshot';
  readonly meta: { readonly [file: string]: FileJson & { readonly version: number } };
};
export type TimestampJson = Common & {
  readonly _type: 'timestamp';
  readonly meta: SnapshotJson['meta'];
  readonly 'x-issued': string;
};
export type SignedJson = RootJson | TargetsJson | SnapshotJson | TimestampJson;

export type SignatureJson = { readonly keyid: string; readonly sig: string };
export type Envelope<T extends SignedJson = SignedJson> = {
  readonly signatures: readonly SignatureJson[];
  readonly signed: T;
};

export const SPEC_VERSION = '1.0.34';
const DAY = 86_400_000;

/** As TUF writes it: whole seconds, UTC. */
export const timeText = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
export const timeOf = (text: string): number => Date.parse(text);

export function expiry(now: EpochMillis, days: number): string {
  return timeText(now + days * DAY);
}

/** What files look like on disk and on the way: signatures are over `signed` alone. */
export const envelopeBytes = (envelope: Envelope): Uint8Array => canonicalBytes(envelope);

export function fileFacts(bytes: Uint8Array): FileJson {
  return { length: bytes.length, hashes: { sha256: createHash('sha256').update(bytes).digest('hex') } };
}

/**
 * Reads a file that this publisher wrote, or another one that it was handed: of the shape, only what is needed to take
 * it apart; publish checks all of it as a node does. @throws InputError `ota-metadata-invalid`, UpdateError `ota-malformed`
 */
export function parseEnvelope(bytes: Uint8Array, from: string): Envelope {
  const value = readStrictJson(bytes, { what: from, mostBytes: MOST_BYTES.listed }) as unknown as Envelope;
  const types = ['root', 'targets', 'snapshot', 'timestamp'];
  const { signed, signatures } = value ?? {};
  const right =
    types.includes(signed?._type) &&
    Number.isSafeInteger(signed.version) &&
    typeof signed.expires === 'string' &&
    !Number.isNaN(timeOf(signed.expires)) &&
    Array.isArray(signatures) &&
    signatures.every((one) => typeof one?.keyid === 'string' && typeof one.sig === 'string');
  if (!right)
    throw new InputError('ota-metadata-invalid', `${from} is no metadata file`, { facts: { from } });
  // Without a prototype as it was read; what is spread into new files has to have one like all others.
  return JSON.parse(Buffer.from(canonicalBytes(value as unknown as JsonValue)).toString('utf8'));
}

/** Which keys sign a role: root says it of four, targets of the two that it delegates. undefined where nobody does. */
export function roleKeys(
  role: MetadataRole,
  root: RootJson | undefined,
  targets: TargetsJson | undefined,
): { readonly role: RoleJson; readonly keys: KeysJson } | undefined {
  if (!isDelegated(role)) return root && { role: root.roles[role], keys: root.keys };
  const delegation = targets?.delegations?.roles.find(({ name }) => name === role);
  return delegation && { role: delegation, keys: targets!.delegations!.keys };
}

export function delegationsOf(
  keys: Readonly<Record<DelegatedRole, { readonly role: RoleJson; readonly keys: KeysJson }>>,
): NonNullable<TargetsJson['delegations']> {
  const names = Object.keys(DELEGATED_PATHS) as DelegatedRole[];
  return {
    keys: Object.assign({}, ...names.map((name) => keys[name].keys)),
    roles: names.map((name) => ({
      name,
      ...keys[name].role,
      terminating: true as const,
      paths: [DELEGATED_PATHS[name]],
    })),
  };
}

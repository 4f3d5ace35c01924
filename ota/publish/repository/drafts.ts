/** Drafts: the next version of a role's file, until enough keys signed it and it is published. */

import { InputError, UpdateError } from '../../../runtime/core/errors.ts';
import type { EpochMillis } from '../../../runtime/core/units.ts';
import { canonicalBytes } from '../../client/tuf/canonical-json.ts';
import { readKey } from '../../client/tuf/keys.ts';
import { OWN_REPOSITORY } from '../../client/tuf/policy.ts';
import { type Signer, signatureOf } from '../keys/key-file.ts';
import { authorities, type RepositoryFolder } from './folder.ts';
import {
  type Envelope,
  expiry,
  type KeysJson,
  type RoleJson,
  type RootJson,
  type SignedJson,
  type TargetsJson,
} from './metadata.ts';
import { METADATA_ROLES, type MetadataRole } from './roles.ts';

/** Those that are drafted; snapshot and timestamp are made at publication. */
export const DRAFTED = METADATA_ROLES.filter((role) => role !== 'snapshot' && role !== 'timestamp');

/**
 * The next version of a role, changed by `change`: on top of its draft, or of what is published. Signatures that the
 * draft had are dropped, since they were for something else.
 * @throws InputError `ota-nothing-published`
 */
export function redraft<T extends RootJson | TargetsJson>(
  folder: RepositoryFolder,
  role: MetadataRole,
  now: EpochMillis,
  change: (signed: T) => T,
): { readonly version: number; readonly dropped: number } {
  const draft = folder.draft(role) as Envelope<T> | undefined;
  const current = folder.published()[role as 'targets'] as unknown as Envelope<T> | undefined;
  const before = draft?.signed ?? current?.signed;
  if (!before)
    throw new InputError('ota-nothing-published', `${folder.path} has no ${role} metadata to change`);
  const version = (current?.signed.version ?? 0) + 1;
  const signed = { ...change(before), version, expires: expiry(now, folder.days(role)) };
  folder.writeDraft(role, { signatures: [], signed });
  return { version, dropped: draft?.signatures.length ?? 0 };
}

/** Whose signatures a file needs: root's next version also those of the version before (TUF §5.3.4). */
export interface Demand {
  /** `version 1 of root`, `targets`. */
  readonly by: string;
  readonly role: RoleJson;
  readonly keys: KeysJson;
}

export interface SignatureState {
  readonly by: string;
  readonly have: number;
  readonly need: number;
}

export function demandsFor(folder: RepositoryFolder, role: MetadataRole): readonly Demand[] {
  const published = folder.published();
  const now = authorities(folder, published).of(role);
  const demands = now ? [{ by: role === 'root' ? 'itself' : 'the repository', ...now }] : [];
  const root = published.root?.signed;
  if (role !== 'root' || !root) return demands;
  return [{ by: `root ${root.version}`, role: root.roles.root, keys: root.keys }, ...demands];
}

/** How many of the keys that each demand names have signed; a key counts once, whatever it is called. */
export function signatureStates(envelope: Envelope, demands: readonly Demand[]): SignatureState[] {
  const data = canonicalBytes(envelope.signed);
  return demands.map(({ by, role, keys }) => {
    const signers = new Set<string>();
    for (const keyId of new Set(role.keyids)) {
      const json = keys[keyId];
      const signature = envelope.signatures.find(({ keyid }) => keyid === keyId)?.sig ?? '';
      if (!json || !/^[0-9a-f]+$/.test(signature)) continue;
      const key = readKey(keyId, json, OWN_REPOSITORY, keyId);
      if (key.verify(data, Buffer.from(signature, 'hex'))) signers.add(key.identity);
    }
    return { by, have: signers.size, need: role.threshold };
  });
}

export const isReady = (states: readonly SignatureState[]): boolean =>
  states.length > 0 && states.every(({ have, need }) => have >= need);

/** @throws UpdateError `ota-key-role` when none of the signers may sign it. */
export function signEnvelope<T extends SignedJson>(
  envelope: Envelope<T>,
  signers: readonly Signer[],
  allowed: ReadonlySet<string>,
  what: string,
): Envelope<T> {
  const own = signers.filter(({ keyId }) => allowed.has(keyId));
  if (own.length === 0) {
    const text = `none of the keys given may sign ${what}; those that may: ${[...allowed].map(short).join(', ')}`;
    throw new UpdateError('ota-key-role', text, { facts: { what, allowed: [...allowed] } });
  }
  const data = canonicalBytes(envelope.signed);
  const signatures = new Map(envelope.signatures.map(({ keyid, sig }) => [keyid, sig]));
  for (const signer of own) signatures.set(signer.keyId, signatureOf(signer, data));
  return { signed: envelope.signed, signatures: [...signatures].map(([keyid, sig]) => ({ keyid, sig })) };
}

export interface SignedDraft {
  readonly role: MetadataRole;
  readonly version: number;
  readonly states: readonly SignatureState[];
}

/**
 * Signs every draft that one of the keys may sign.
 * @throws InputError `ota-no-draft`; UpdateError `ota-key-role` when the keys may sign none of them.
 */
export function signDrafts(
  folder: RepositoryFolder,
  signers: readonly Signer[],
  roles: readonly MetadataRole[] = DRAFTED,
): SignedDraft[] {
  const drafts = roles.flatMap((role) => {
    const envelope = folder.draft(role);
    return envelope ? [{ role, envelope, demands: demandsFor(folder, role) }] : [];
  });
  if (drafts.length === 0) throw new InputError('ota-no-draft', `${folder.path} has nothing to sign`);
  const ids = new Set(signers.map(({ keyId }) => keyId));
  const signed: SignedDraft[] = [];
  for (const { role, envelope, demands } of drafts) {
    const allowed = allowedBy(demands);
    if (![...allowed].some((keyId) => ids.has(keyId))) continue;
    const next = signEnvelope(envelope, signers, allowed, `${role}.json`);
    folder.writeDraft(role, next);
    signed.push({ role, version: next.signed.version, states: signatureStates(next, demands) });
  }
  if (signed.length > 0) return signed;
  const names = drafts.map(({ role }) => role).join(', ');
  throw new UpdateError('ota-key-role', `none of the keys given may sign any of: ${names}`, {
    facts: { drafts: drafts.map(({ role }) => role), keys: [...ids] },
  });
}

export function allowedBy(demands: readonly Demand[]): Set<string> {
  return new Set(demands.flatMap(({ role }) => role.keyids));
}

export const short = (keyId: string): string => keyId.slice(0, 12);

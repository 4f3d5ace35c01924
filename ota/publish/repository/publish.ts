/**
 * Publication: drafts that enough keys signed become the files that nodes see, under a new snapshot and timestamp. All
 * of it is checked the way a node checks it before the first byte is public.
 */

import { join } from 'node:path';
import { writeFileAtomic } from '../../../runtime/core/atomic-file.ts';
import { UpdateError } from '../../../runtime/core/errors.ts';
import type { EpochMillis } from '../../../runtime/core/units.ts';
import { canonicalJson } from '../../client/tuf/canonical-json.ts';
import { PUBLIC_MODE } from '../blobs.ts';
import type { Signer } from '../keys/key-file.ts';
import {
  allowedBy,
  DRAFTED,
  demandsFor,
  isReady,
  type SignatureState,
  signatureStates,
  signEnvelope,
} from './drafts.ts';
import { authorities, type Published, type RepositoryFolder } from './folder.ts';
import {
  type Envelope,
  envelopeBytes,
  expiry,
  fileFacts,
  type RootJson,
  roleKeys,
  type SnapshotJson,
  SPEC_VERSION,
  type TargetsJson,
  type TimestampJson,
  timeOf,
  timeText,
} from './metadata.ts';
import type { MetadataRole } from './roles.ts';
import { verifyMetadata } from './verify.ts';

export interface Publication {
  /** Versions that nodes see now, by role. */
  readonly versions: Readonly<Record<string, number>>;
  /** Roles whose drafts became public. */
  readonly published: readonly MetadataRole[];
  /** Drafts that lack signatures, and were left as they are. */
  readonly waiting: readonly { readonly role: MetadataRole; readonly states: readonly SignatureState[] }[];
}

/**
 * @param signers of snapshot and timestamp at least; with one of deploy, its draft is signed, and its file renewed.
 * @throws UpdateError `ota-threshold` (no root, targets, … yet, or too few online keys), `ota-expired` (a draft), and
 *   what a node would say of the result; InputError; StorageError. Nothing has changed then.
 */
export async function publish(
  folder: RepositoryFolder,
  signers: readonly Signer[],
  now: EpochMillis,
): Promise<Publication> {
  const before = folder.published();
  const { ready, waiting, next } = sorted(folder, before, signers, now);
  const { root, targets, release, deploy } = next;
  if (!root || !targets || !release || !deploy) throw tooFew(folder, waiting);
  for (const [role, { signed }] of ready)
    if (timeOf(signed.expires) <= now)
      throw new UpdateError(
        'ota-expired',
        `the draft of ${role} expired at ${signed.expires}: draft it again`,
      );

  const snapshot = nextSnapshot(folder, before, { root, targets, release, deploy }, signers, now);
  const timestamp = nextTimestamp(folder, before, { root, snapshot }, signers, now);
  const files = new Map<string, Uint8Array>();
  const changed = { ...Object.fromEntries(ready), ...(snapshot === before.snapshot ? {} : { snapshot }) };
  for (const [role, envelope] of Object.entries<Envelope>(changed))
    files.set(`${envelope.signed.version}.${role}.json`, envelopeBytes(envelope));
  files.set('timestamp.json', envelopeBytes(timestamp));

  const { versions } = await verifyMetadata(folder, files, now);
  write(folder, files);
  for (const [role] of ready) folder.removeDraft(role);
  return { versions, published: ready.map(([role]) => role), waiting };
}

/** KEYIDs that have something to sign at a publication, by what is public and by drafts: which of them count shows then. */
export function publishedBy(folder: RepositoryFolder): Set<string> {
  const { root, targets } = folder.published();
  const { of } = authorities(folder);
  const roles = ['snapshot', 'timestamp', 'deploy'] as const;
  const shown = roles.map((role) => roleKeys(role, root?.signed, targets?.signed)?.role);
  const drafted = roles.map((role) => of(role)?.role);
  return new Set([...shown, ...drafted].flatMap((role) => role?.keyids ?? []));
}

type Ready = [role: MetadataRole, envelope: Envelope];

/** Root first: each draft is held to the keys that will be public with it, or are. */
function sorted(folder: RepositoryFolder, before: Published, signers: readonly Signer[], now: EpochMillis) {
  const ready: Ready[] = [];
  const waiting: Publication['waiting'][number][] = [];
  let next = before;
  for (const role of DRAFTED) {
    const keys = roleKeys(role, next.root?.signed, next.targets?.signed);
    const envelope =
      role === 'deploy' ? signedDeploy(folder, before, keys, signers, now) : folder.draft(role);
    if (!envelope) continue;
    const demands = role === 'root' || !keys ? demandsFor(folder, role) : [{ by: 'the repository', ...keys }];
    const states = signatureStates(envelope, demands);
    if (isReady(states)) {
      ready.push([role, envelope]);
      next = { ...next, [role]: envelope };
    } else waiting.push({ role, states });
  }
  return { ready, waiting, next };
}

/**
 * Deploy is signed where publications are made: its draft, or, so that it does not run out because nobody assigned
 * anything for a month, the same again.
 */
function signedDeploy(
  folder: RepositoryFolder,
  { deploy }: Published,
  keys: ReturnType<typeof roleKeys>,
  signers: readonly Signer[],
  now: EpochMillis,
): Envelope<TargetsJson> | undefined {
  const draft = folder.draft('deploy') as Envelope<TargetsJson> | undefined;
  const allowed = new Set(keys?.role.keyids);
  if (!signers.some(({ keyId }) => allowed.has(keyId))) return draft;
  if (draft) return signEnvelope(draft, signers, allowed, 'deploy.json');
  if (!deploy || !runsOut(folder, 'deploy', deploy, now)) return undefined;
  const version = deploy.signed.version + 1;
  const signed = { ...deploy.signed, version, expires: expiry(now, folder.days('deploy')) };
  return signEnvelope<TargetsJson>({ signatures: [], signed }, signers, allowed, 'deploy.json');
}

/** Less than half of its time is left. */
function runsOut(
  folder: RepositoryFolder,
  role: MetadataRole,
  { signed }: Envelope,
  now: EpochMillis,
): boolean {
  return timeOf(signed.expires) < timeOf(expiry(now, folder.days(role) / 2));
}

function nextSnapshot(
  folder: RepositoryFolder,
  before: Published,
  files: Pick<Required<Published>, 'root' | 'targets' | 'release' | 'deploy'>,
  signers: readonly Signer[],
  now: EpochMillis,
): Envelope<SnapshotJson> {
  const { root, ...listed } = files;
  const meta = Object.fromEntries(
    Object.entries(listed).map(([role, envelope]) => [
      `${role}.json`,
      { version: envelope.signed.version, ...fileFacts(envelopeBytes(envelope)) },
    ]),
  );
  const { snapshot } = before;
  const same = snapshot && canonicalJson(snapshot.signed.meta) === canonicalJson(meta);
  if (same && !runsOut(folder, 'snapshot', snapshot, now) && isSigned(snapshot, 'snapshot', root.signed))
    return snapshot;
  const signed: SnapshotJson = {
    _type: 'snapshot',
    spec_version: SPEC_VERSION,
    version: (snapshot?.signed.version ?? 0) + 1,
    expires: expiry(now, folder.days('snapshot')),
    meta,
  };
  return signOnline({ signatures: [], signed }, 'snapshot', root.signed, signers);
}

function nextTimestamp(
  folder: RepositoryFolder,
  before: Published,
  { root, snapshot }: { root: Envelope<RootJson>; snapshot: Envelope<SnapshotJson> },
  signers: readonly Signer[],
  now: EpochMillis,
): Envelope<TimestampJson> {
  const facts = fileFacts(envelopeBytes(snapshot));
  const signed: TimestampJson = {
    _type: 'timestamp',
    spec_version: SPEC_VERSION,
    version: (before.timestamp?.signed.version ?? 0) + 1,
    expires: expiry(now, folder.days('timestamp')),
    meta: { 'snapshot.json': { version: snapshot.signed.version, ...facts } },
    'x-issued': timeText(now),
  };
  return signOnline({ signatures: [], signed }, 'timestamp', root.signed, signers);
}

function isSigned(envelope: Envelope, role: 'snapshot' | 'timestamp', root: RootJson): boolean {
  const demand = { by: 'root', role: root.roles[role], keys: root.keys };
  return isReady(signatureStates(envelope, [demand]));
}

function signOnline<T extends SnapshotJson | TimestampJson>(
  envelope: Envelope<T>,
  role: 'snapshot' | 'timestamp',
  root: RootJson,
  signers: readonly Signer[],
): Envelope<T> {
  const demand = { by: 'root', role: root.roles[role], keys: root.keys };
  const signed = signEnvelope(envelope, signers, allowedBy([demand]), `${role}.json`);
  const [state] = signatureStates(signed, [demand]);
  if (isReady([state!])) return signed;
  const text = `${role}.json needs the signatures of ${state!.need} keys, and ${state!.have} were given`;
  throw new UpdateError('ota-threshold', text, { facts: { role, ...state } });
}

function tooFew(folder: RepositoryFolder, waiting: Publication['waiting']): UpdateError {
  const what = waiting.map(({ role, states }) => `${role} (${statesText(states)})`).join(', ');
  const text = `nothing can be published from ${folder.path} before these are signed: ${what}`;
  return new UpdateError('ota-threshold', text, { facts: { waiting } });
}

/** `1 of 2 by itself`. */
const statesText = (states: readonly SignatureState[]): string =>
  states.map(({ have, need, by }) => `${have} of ${need} by ${by}`).join(' and ');

/** timestamp.json last: until it is there, nobody looks for the others, but for root, whose next version stands by itself. */
function write(folder: RepositoryFolder, files: ReadonlyMap<string, Uint8Array>): void {
  const order = (name: string) => (name === 'timestamp.json' ? 2 : name.endsWith('.root.json') ? 1 : 0);
  const names = [...files.keys()].sort((one, other) => order(one) - order(other));
  for (const name of names) writeFileAtomic(join(folder.metadata, name), files.get(name)!, PUBLIC_MODE);
}

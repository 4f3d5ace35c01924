/** Offline signing: drafts leave as one file, are signed where the keys are, and come back with signatures alone. */

import { InputError } from '../../../runtime/core/errors.ts';
import { canonicalBytes } from '../../client/tuf/canonical-json.ts';
import type { Signer } from '../keys/key-file.ts';
import { allowedBy, DRAFTED, demandsFor, type SignedDraft, signatureStates, signEnvelope } from './drafts.ts';
import type { RepositoryFolder } from './folder.ts';
import { type Envelope, parseEnvelope, type SignedJson } from './metadata.ts';
import { isRole, type MetadataRole } from './roles.ts';

/** One draft on its way to a key. */
export interface SigningRequest {
  readonly role: MetadataRole;
  readonly envelope: Envelope;
  /** KEYIDs. */
  readonly allowed: readonly string[];
}

const TYPE = 'vigie-signing-request';
const MOST_BYTES = 8 * 1024 ** 2;

/** @throws InputError `ota-no-draft` */
export function exportDrafts(folder: RepositoryFolder, roles: readonly MetadataRole[] = DRAFTED): string {
  const requests = roles.flatMap((role) => {
    const envelope = folder.draft(role);
    return envelope ? [{ role, envelope, allowed: [...allowedBy(demandsFor(folder, role))] }] : [];
  });
  if (requests.length === 0) throw new InputError('ota-no-draft', `${folder.path} has nothing to sign`);
  return requestText(requests);
}

export function requestText(requests: readonly SigningRequest[]): string {
  return `${JSON.stringify({ type: TYPE, v: 1, requests }, undefined, 1)}\n`;
}

/** @throws InputError `ota-request-invalid` */
export function parseRequests(text: string, from: string): SigningRequest[] {
  const refuse = (why: string, cause?: unknown) =>
    new InputError('ota-request-invalid', `${from} is no signing request: ${why}`, {
      cause,
      facts: { from },
    });
  if (text.length > MOST_BYTES) throw refuse('it is too long');
  let json: { type?: unknown; v?: unknown; requests?: readonly SigningRequest[] } | null;
  try {
    json = JSON.parse(text);
  } catch {
    throw refuse('it is not JSON');
  }
  if (json?.type !== TYPE || json.v !== 1 || !Array.isArray(json.requests))
    throw refuse("'vigie ota repo export' makes one");
  return json.requests.map(({ role, envelope, allowed }) => {
    const ids = Array.isArray(allowed) && allowed.every((id) => typeof id === 'string');
    if (typeof role !== 'string' || !isRole(role) || role === 'time' || !ids)
      throw refuse('a role is unknown');
    try {
      const bytes = canonicalBytes(envelope);
      return { role, envelope: parseEnvelope(bytes, `${role}.json`), allowed };
    } catch (cause) {
      throw refuse(`${role}.json is no metadata`, cause);
    }
  });
}

/** @throws UpdateError `ota-key-role` when the keys may sign none of them. */
export function signRequests(
  requests: readonly SigningRequest[],
  signers: readonly Signer[],
): { readonly requests: readonly SigningRequest[]; readonly signed: readonly MetadataRole[] } {
  const ids = new Set(signers.map(({ keyId }) => keyId));
  const mine = requests.filter(({ allowed }) => allowed.some((keyId) => ids.has(keyId)));
  // None: the first one says who may.
  for (const { role, envelope, allowed } of mine.length > 0 ? [] : requests.slice(0, 1))
    signEnvelope(envelope, signers, new Set(allowed), `${role}.json`);
  const next = requests.map((request) =>
    mine.includes(request)
      ? {
          ...request,
          envelope: signEnvelope(request.envelope, signers, new Set(request.allowed), `${request.role}.json`),
        }
      : request,
  );
  return { requests: next, signed: mine.map(({ role }) => role) };
}

/**
 * Takes over good signatures, and nothing else: what they are under must be the draft as it is here.
 * @throws InputError `ota-request-other`
 */
export function importSignatures(
  folder: RepositoryFolder,
  requests: readonly SigningRequest[],
): SignedDraft[] {
  return requests.map(({ role, envelope }) => {
    const draft = folder.draft(role);
    if (!draft || !same(draft.signed, envelope.signed)) {
      const text = `the ${role} that was signed is not the draft in ${folder.path} any more: export and sign again`;
      throw new InputError('ota-request-other', text, { facts: { role } });
    }
    const demands = demandsFor(folder, role);
    const allowed = allowedBy(demands);
    const merged = new Map(draft.signatures.map(({ keyid, sig }) => [keyid, sig]));
    for (const { keyid, sig } of envelope.signatures) if (allowed.has(keyid)) merged.set(keyid, sig);
    const signatures = [...merged].map(([keyid, sig]) => ({ keyid, sig }));
    const next = { signed: draft.signed, signatures };
    folder.writeDraft(role, next);
    return { role, version: next.signed.version, states: signatureStates(next, demands) };
  });
}

const same = (one: SignedJson, other: SignedJson): boolean =>
  Buffer.from(canonicalBytes(one)).equals(canonicalBytes(other));

/** What a person should know before signing. */
export function describe({ role, envelope }: SigningRequest): string[] {
  const { signed } = envelope;
  const lines = [`${role} version ${signed.version}, good until ${signed.expires}`];
  if (signed._type === 'root') {
    const all = { ...signed.roles, time: signed['x-time'] };
    for (const [name, { threshold, keyids }] of Object.entries(all))
      lines.push(`  ${name}: ${threshold} of ${keyids.map((id) => id.slice(0, 12)).join(', ')}`);
  }
  if (signed._type === 'targets') {
    for (const { name, paths, threshold, keyids } of signed.delegations?.roles ?? [])
      lines.push(
        `  ${paths.join(', ')} → ${name}: ${threshold} of ${keyids.map((id) => id.slice(0, 12)).join(', ')}`,
      );
    for (const [path, { length, hashes }] of Object.entries(signed.targets))
      lines.push(`  ${path}  ${length} bytes  sha256 ${hashes.sha256.slice(0, 16)}…`);
  }
  return lines;
}

/**
 * The OpenSSF model-signing file that a bundle may carry: who trained or released the model says which files it has. It
 * is a Sigstore bundle around a DSSE envelope around an in-toto statement. Signatures of key pairs are verified; those of
 * certificates, Sigstore's among them, take their own tools. Nodes do not look at it: what they run, TUF says.
 */

import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { InputError, UpdateError } from '../../../runtime/core/errors.ts';
import type { BundleFile } from '../../bundle/bundle.ts';
import { fieldsOf, textIn } from '../../client/tuf/fields.ts';
import { type JsonObject, type JsonValue, readStrictJson } from '../../client/tuf/strict-json.ts';

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const STATEMENT = 'https://in-toto.io/Statement/v1';
const PREDICATE = 'https://model_signing/signature/v1.0';
export const MOST_PROVENANCE_BYTES = 4 * 1024 ** 2;
/** Of ECDSA, by curve. */
const HASHES: Readonly<Record<string, string>> = {
  prime256v1: 'sha256',
  secp384r1: 'sha384',
  secp521r1: 'sha512',
};
const MOST_SIGNATURES = 16;
const WHAT = 'the model-signing file';

export interface ProvenanceReport {
  /** As the statement calls it. */
  readonly model: string;
  /** Paths in the bundle whose content is what the statement says. */
  readonly covered: readonly string[];
  /** Paths that it says nothing of: what the bundle was made with, such as golden vectors. */
  readonly uncovered: readonly string[];
  /** `unchecked`: no key was given. */
  readonly signature: 'verified' | 'unchecked';
}

/** A PEM file. @throws InputError `ota-provenance-key` */
export function readProvenanceKey(path: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey(readFileSync(path));
  } catch (cause) {
    throw new InputError('ota-provenance-key', `${path} is no public key in PEM`, { cause, facts: { path } });
  }
  if (hashOf(key) !== undefined) return key;
  const text = `${path} is of another kind: model signing takes keys of the curves P-256, P-384 and P-521`;
  throw new InputError('ota-provenance-key', text, { facts: { path } });
}

/**
 * Holds the statement against what bundle.json lists, by path and SHA-256.
 * @param files of the bundle, without the model-signing file itself. @param key whose signature it must have.
 * @throws UpdateError `ota-mismatch` (a file is not the one that was signed, or none is), `ota-signature`,
 *   `ota-malformed` (it is no such file)
 */
export function checkProvenance(
  bytes: Uint8Array,
  files: readonly Pick<BundleFile, 'path' | 'sha256'>[],
  key?: KeyObject,
): ProvenanceReport {
  const json = fieldsOf(parse(bytes), WHAT);
  if (json.dsseEnvelope === undefined) throw malformed('has no DSSE envelope');
  const envelope = fieldsOf(json.dsseEnvelope, WHAT);
  const payload = Buffer.from(textIn(envelope, 'payload', WHAT), 'base64');
  if (textIn(envelope, 'payloadType', WHAT) !== PAYLOAD_TYPE) throw malformed('holds no in-toto statement');
  if (key) requireSignature(json, envelope, payload, key);
  const { model, resources } = statementIn(payload);
  const signed = new Map(resources.map(({ name, sha256 }) => [name, sha256]));
  for (const { path, sha256 } of files) {
    const wanted = signed.get(path);
    if (wanted === undefined || wanted === sha256) continue;
    const text = `${path} is not the file that was signed: its SHA-256 is ${sha256}, the statement says ${wanted}`;
    throw new UpdateError('ota-mismatch', text, { facts: { path } });
  }
  const digests = new Set(signed.values());
  // A bundle may name a file otherwise than the folder that was signed.
  const covered = files.filter(({ sha256 }) => digests.has(sha256)).map(({ path }) => path);
  if (covered.length === 0)
    throw new UpdateError('ota-mismatch', `${WHAT} says nothing of any file of this bundle`);
  const uncovered = files.map(({ path }) => path).filter((path) => !covered.includes(path));
  return { model, covered, uncovered, signature: key ? 'verified' : 'unchecked' };
}

/** `model.onnx as signed …`, for a person. */
export function provenanceText({ model, covered, uncovered, signature }: ProvenanceReport): string {
  const by =
    signature === 'verified' ? 'signature verified' : 'signature not checked, since no key was given';
  const rest = uncovered.length > 0 ? `; not part of it: ${uncovered.join(', ')}` : '';
  return `model '${model}', ${covered.join(', ')} as signed (${by})${rest}`;
}

function requireSignature(json: JsonObject, envelope: JsonObject, payload: Buffer, key: KeyObject): void {
  const list = envelope.signatures;
  if (!Array.isArray(list) || list.length === 0 || list.length > MOST_SIGNATURES)
    throw malformed('has no list of signatures');
  const type = Buffer.from(PAYLOAD_TYPE);
  // DSSE's pre-authentication encoding.
  const head = `DSSEv1 ${type.length} ${PAYLOAD_TYPE} ${payload.length} `;
  const data = Buffer.concat([Buffer.from(head), payload]);
  const good = list.some((one) => {
    const signature = Buffer.from(textIn(fieldsOf(one, WHAT), 'sig', WHAT), 'base64');
    return verify(hashOf(key), data, key, signature);
  });
  if (good) return;
  const hint = hintIn(json);
  const own = fingerprint(key);
  const other =
    hint !== undefined && hint !== own ? `: it was made with the key ${hint}, not with ${own}` : '';
  throw new UpdateError('ota-signature', `the signature of ${WHAT} is not of this key${other}`);
}

/** Which key made it, where it says so. */
function hintIn({ verificationMaterial }: JsonObject): string | undefined {
  const { publicKey } = (verificationMaterial ?? {}) as { publicKey?: { hint?: JsonValue } };
  return typeof publicKey?.hint === 'string' ? publicKey.hint : undefined;
}

interface Statement {
  readonly model: string;
  readonly resources: readonly { readonly name: string; readonly sha256: string }[];
}

function statementIn(payload: Uint8Array): Statement {
  const statement = fieldsOf(parse(payload), WHAT);
  if (statement._type !== STATEMENT || statement.predicateType !== PREDICATE)
    throw malformed(`is of another kind than ${PREDICATE}`);
  const { subject } = statement;
  if (!Array.isArray(subject) || subject.length !== 1) throw malformed('has not just one subject');
  const model = fieldsOf(subject[0], WHAT);
  const { resources } = fieldsOf(statement.predicate, WHAT);
  if (!Array.isArray(resources)) throw malformed('lists no files');
  const hash = createHash('sha256');
  const listed = resources.flatMap((one) => {
    const resource = fieldsOf(one, WHAT);
    const digest = textIn(resource, 'digest', WHAT);
    hash.update(Buffer.from(digest, 'hex'));
    // Other hashes say nothing that could be compared.
    if (resource.algorithm !== 'sha256') return [];
    return [{ name: textIn(resource, 'name', WHAT), sha256: digest }];
  });
  const whole = textIn(fieldsOf(model.digest, WHAT), 'sha256', WHAT);
  if (hash.digest('hex') !== whole)
    throw malformed('contradicts itself: its files do not hash to its subject');
  return { model: textIn(model, 'name', WHAT), resources: listed };
}

function parse(bytes: Uint8Array): JsonValue {
  return readStrictJson(bytes, { what: WHAT, mostBytes: MOST_PROVENANCE_BYTES, fractions: true });
}

function hashOf(key: KeyObject): string | undefined {
  return HASHES[key.asymmetricKeyDetails?.namedCurve ?? ''];
}

/** As model signing writes it: of the PEM. */
function fingerprint(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'pem' }))
    .digest('hex');
}

const malformed = (problem: string) => new UpdateError('ota-malformed', `${WHAT} ${problem}`);

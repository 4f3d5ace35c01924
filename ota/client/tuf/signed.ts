/** The envelope of every metadata file (§4.2.1), and whether enough of the right keys signed it. */

import { UpdateError } from '../../../runtime/core/errors.ts';
import { canonicalBytes } from './canonical-json.ts';
import { fieldsOf, objectIn, textIn } from './fields.ts';
import type { PublicKey } from './keys.ts';
import { MOST_BYTES, MOST_VALUES } from './policy.ts';
import { type JsonObject, malformed, readStrictJson } from './strict-json.ts';

/** Read, and nothing more: neither signed by anyone known nor of any shape. */
export interface Envelope {
  readonly what: string;
  readonly signed: JsonObject;
  /** What the signatures are over. */
  readonly canonical: Uint8Array;
  /** By KEYID; hexadecimal, or whatever stood there. */
  readonly signatures: ReadonlyMap<string, string>;
}

/** The keys of a role and how many of them must sign. */
export interface RoleKeys {
  readonly keys: readonly PublicKey[];
  readonly threshold: number;
}

/** @throws UpdateError `ota-malformed` */
export function readEnvelope(bytes: Uint8Array, what: string, kind: keyof typeof MOST_BYTES): Envelope {
  const bounds = { what, mostBytes: MOST_BYTES[kind], mostValues: MOST_VALUES[kind] };
  const envelope = fieldsOf(readStrictJson(bytes, bounds), what);
  const list = envelope.signatures;
  if (!Array.isArray(list)) throw malformed(what, 'has no list of signatures');
  const signatures = new Map<string, string>();
  for (const [i, entry] of list.entries()) {
    const where = `${what} signatures[${i}]`;
    const fields = fieldsOf(entry, where);
    const keyId = textIn(fields, 'keyid', where);
    // §4.2.1: a KEYID stands once in the list.
    if (signatures.has(keyId)) throw malformed(where, 'names a key that signed before');
    signatures.set(keyId, textIn(fields, 'sig', where));
  }
  const signed = objectIn(envelope, 'signed', what);
  return { what, signed, canonical: canonicalBytes(signed), signatures };
}

/**
 * §5.3.4, §5.4.2, §5.5.3, §5.6.3: each key counts once, here by the key itself and not by its KEYID, so that no key
 * listed under two names signs twice. A signature that is wrong or empty does not count and does no harm.
 * @throws UpdateError `ota-signature`
 */
export function requireThreshold(envelope: Envelope, { keys, threshold }: RoleKeys, by: string): void {
  const signers = new Set<string>();
  for (const key of keys) {
    const signature = hexBytes(envelope.signatures.get(key.keyId));
    if (signature && !signers.has(key.identity) && key.verify(envelope.canonical, signature))
      signers.add(key.identity);
  }
  if (signers.size >= threshold) return;
  throw new UpdateError(
    'ota-signature',
    `${envelope.what} is signed by ${signers.size} of the keys that ${by} names for it; ${threshold} must`,
    { facts: { what: envelope.what, signers: signers.size, threshold } },
  );
}

function hexBytes(text: string | undefined): Uint8Array | undefined {
  return text && /^(?:[0-9a-f]{2})+$/.test(text) ? Buffer.from(text, 'hex') : undefined;
}

/** Public keys as TUF writes them (§4.2), and the check of one signature. */

import { constants, createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';
import type { TufPolicy } from './policy.ts';
import { type JsonObject, malformed } from './strict-json.ts';

export interface PublicKey {
  readonly keyId: string;
  /** Equal for equal keys, whatever they are called: a signer under two names is still one signer. */
  readonly identity: string;
  /** False, too, for a signature that is none, and for a key of a scheme that does not count here. */
  verify(data: Uint8Array, signature: Uint8Array): boolean;
}

/** A type, not an interface, so that it is a JsonObject. */
export type KeyJson = {
  readonly keytype: string;
  readonly scheme: string;
  readonly keyval: { readonly public: string };
};

/** What metadata says of an ed25519 key. `key` may be the private one. */
export function ed25519KeyJson(key: KeyObject): KeyJson {
  const x = key.export({ format: 'jwk' }).x ?? '';
  return {
    keytype: 'ed25519',
    scheme: 'ed25519',
    keyval: { public: Buffer.from(x, 'base64url').toString('hex') },
  };
}

/** §4.1: the SHA-256 of the key's canonical form, in lower-case hexadecimal. */
export function keyIdOf(key: JsonObject): string {
  return createHash('sha256').update(canonicalJson(key)).digest('hex');
}

/** @throws UpdateError `ota-malformed` */
export function readKey(keyId: string, json: JsonObject, policy: TufPolicy, where: string): PublicKey {
  const { keytype, scheme, keyval } = json as Partial<KeyJson>;
  const material = keyval?.public;
  if (typeof keytype !== 'string' || typeof scheme !== 'string' || typeof material !== 'string')
    throw malformed(where, 'is a key without keytype, scheme or keyval.public');
  // §4.3: clients calculate each KEYID.
  if (policy.checkKeyIds && keyIdOf(json) !== keyId)
    throw malformed(where, `is a key that is not the one its KEYID stands for`);
  const counts = policy.schemes === 'all' || scheme === 'ed25519';
  const check = counts ? SCHEMES.get(`${keytype} ${scheme}`)?.(material) : undefined;
  return {
    keyId,
    identity: check?.identity ?? `unusable ${keytype} ${material}`,
    verify: check?.verify ?? (() => false),
  };
}

type Check = Pick<PublicKey, 'identity' | 'verify'>;

const ecdsa256 = (pem: string) => fromPem(pem, { curve: 'prime256v1', hash: 'sha256' });
const ecdsa384 = (pem: string) => fromPem(pem, { curve: 'secp384r1', hash: 'sha384' });

/** By keytype and scheme. The longer key types are those of repositories from before the specification named `ecdsa`. */
const SCHEMES: ReadonlyMap<string, (material: string) => Check | undefined> = new Map([
  ['ed25519 ed25519', ed25519],
  ['rsa rsassa-pss-sha256', (pem: string) => fromPem(pem, { hash: 'sha256' })],
  ['ecdsa ecdsa-sha2-nistp256', ecdsa256],
  ['ecdsa-sha2-nistp256 ecdsa-sha2-nistp256', ecdsa256],
  ['ecdsa ecdsa-sha2-nistp384', ecdsa384],
  ['ecdsa-sha2-nistp384 ecdsa-sha2-nistp384', ecdsa384],
]);

function ed25519(material: string): Check | undefined {
  if (!/^[0-9a-f]{64}$/.test(material)) return undefined;
  const x = Buffer.from(material, 'hex').toString('base64url');
  return checkWith(null, createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }));
}

const LEAST_RSA_BITS = 2048;

/** ECDSA where a curve is named, RSA-PSS otherwise; undefined for a key that is none, or of another kind. */
function fromPem(pem: string, { curve, hash }: { curve?: string; hash: string }): Check | undefined {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    return undefined;
  }
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const fits = curve
    ? namedCurve === curve
    : key.asymmetricKeyType === 'rsa' && modulusLength >= LEAST_RSA_BITS;
  return fits ? checkWith(hash, key) : undefined;
}

function checkWith(hash: string | null, key: KeyObject): Check {
  const pss =
    key.asymmetricKeyType === 'rsa'
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
      : {};
  return {
    identity: key.export({ type: 'spki', format: 'der' }).toString('base64'),
    verify(data, signature) {
      try {
        return verify(hash, data, { key, ...pss }, signature);
      } catch {
        return false;
      }
    },
  };
}

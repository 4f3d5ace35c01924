/**
 * Private signing keys as files: ed25519 under AES-256-GCM, by a key that scrypt makes of a passphrase. Node's own
 * encrypted PKCS#8 is not used: it is PBKDF2 with 2048 rounds, which a stolen file would not outlast.
 */

import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  scrypt,
  sign,
} from 'node:crypto';
import { InputError, UpdateError } from '../../../runtime/core/errors.ts';
import { canonicalBytes } from '../../client/tuf/canonical-json.ts';
import { ed25519KeyJson, type KeyJson, keyIdOf } from '../../client/tuf/keys.ts';

/** Who can sign, and what metadata says of the key. */
export interface Signer {
  /** Lower-case hexadecimal. */
  readonly keyId: string;
  readonly key: KeyJson;
  readonly privateKey: KeyObject;
}

// A type, not an interface, so that it is a JsonObject.
type Sealing = {
  readonly type: 'vigie-ota-key';
  readonly v: 1;
  readonly keyid: string;
  readonly public: string;
  readonly kdf: {
    readonly name: 'scrypt';
    readonly N: number;
    readonly r: 8;
    readonly p: 1;
    readonly salt: string;
  };
  readonly cipher: { readonly name: 'aes-256-gcm'; readonly iv: string };
};
/** Seed and tag, in hexadecimal; the rest of the file is bound to them as associated data. */
export type KeyFile = Sealing & { readonly sealed: string };

/** scrypt's N: 128 MiB and about 0.3 s for each guess at a passphrase. */
export const SCRYPT_COST = 2 ** 17;
const LEAST_COST = 2 ** 10;
const MOST_COST = 2 ** 20;
const BLOCK_SIZE = 8;
const SEED_BYTES = 32;
const TAG_BYTES = 16;
const IV_BYTES = 12;
const SALT_BYTES = 32;
const CIPHER_KEY_BYTES = 32;
const LEAST_PASSPHRASE = 8;

export function newSigner(): Signer {
  return signerOf(generateKeyPairSync('ed25519').privateKey);
}

function signerOf(privateKey: KeyObject): Signer {
  const key = ed25519KeyJson(privateKey);
  return { keyId: keyIdOf(key), key, privateKey };
}

/** Of ed25519, hexadecimal. */
export function signatureOf({ privateKey }: Signer, data: Uint8Array): string {
  return sign(null, data, privateKey).toString('hex');
}

/**
 * @param cost scrypt's N; below SCRYPT_COST in tests alone.
 * @throws InputError `ota-passphrase-short`
 */
export async function sealKey(signer: Signer, passphrase: string, cost = SCRYPT_COST): Promise<KeyFile> {
  if (passphrase.length < LEAST_PASSPHRASE)
    throw new InputError('ota-passphrase-short', `a passphrase has at least ${LEAST_PASSPHRASE} characters`);
  const salt = randomBytes(SALT_BYTES);
  const iv = randomBytes(IV_BYTES);
  const sealing: Sealing = {
    type: 'vigie-ota-key',
    v: 1,
    keyid: signer.keyId,
    public: signer.key.keyval.public,
    kdf: { name: 'scrypt', N: cost, r: BLOCK_SIZE, p: 1, salt: salt.toString('hex') },
    cipher: { name: 'aes-256-gcm', iv: iv.toString('hex') },
  };
  const cipher = createCipheriv('aes-256-gcm', await derive(passphrase, salt, cost), iv);
  cipher.setAAD(canonicalBytes(sealing));
  const seed = Buffer.from(signer.privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');
  const sealed = Buffer.concat([cipher.update(seed), cipher.final(), cipher.getAuthTag()]);
  return { ...sealing, sealed: sealed.toString('hex') };
}

/**
 * @param from what the file is called in errors.
 * @throws UpdateError `ota-passphrase`: not the passphrase of this key, or the file was changed.
 */
export async function unsealKey(file: KeyFile, passphrase: string, from: string): Promise<Signer> {
  const { sealed, ...sealing } = file;
  const { kdf, cipher } = sealing;
  const bytes = Buffer.from(sealed, 'hex');
  const iv = Buffer.from(cipher.iv, 'hex');
  const secret = await derive(passphrase, Buffer.from(kdf.salt, 'hex'), kdf.N);
  const decipher = createDecipheriv('aes-256-gcm', secret, iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(canonicalBytes(sealing));
  decipher.setAuthTag(bytes.subarray(SEED_BYTES));
  let seed: Buffer;
  try {
    seed = Buffer.concat([decipher.update(bytes.subarray(0, SEED_BYTES)), decipher.final()]);
  } catch {
    // The cause would say 'unable to authenticate data', and no more.
    throw new UpdateError('ota-passphrase', `${from}: wrong passphrase, or the file was changed`, {
      facts: { file: from },
    });
  }
  const jwk = { kty: 'OKP', crv: 'Ed25519', d: seed.toString('base64url'), x: base64url(sealing.public) };
  const signer = signerOf(createPrivateKey({ key: jwk, format: 'jwk' }));
  if (signer.keyId === sealing.keyid) return signer;
  throw new InputError('ota-key-invalid', `${from}: its public key is not that of its private key`);
}

/** Checks all of the file's shape, and that scrypt's cost is in bounds. @throws InputError `ota-key-invalid` */
export function parseKeyFile(text: string, from: string): KeyFile {
  const refuse = (why: string) => new InputError('ota-key-invalid', `${from} is no key file: ${why}`);
  let file: KeyFile;
  try {
    file = JSON.parse(text) as KeyFile;
  } catch {
    throw refuse('it is not JSON');
  }
  if (file?.type !== 'vigie-ota-key') throw refuse(`its type is not 'vigie-ota-key'`);
  if (file.v !== 1) throw refuse('it is of a version that this vigie does not read');
  const { kdf, cipher } = file;
  const costs = Number.isSafeInteger(kdf?.N) && kdf.N >= LEAST_COST && kdf.N <= MOST_COST;
  if (!costs || !Number.isInteger(Math.log2(kdf.N)) || kdf.r !== BLOCK_SIZE || kdf.p !== 1)
    throw refuse(`its scrypt parameters are not N from ${LEAST_COST} to ${MOST_COST}, r ${BLOCK_SIZE}, p 1`);
  if (kdf.name !== 'scrypt' || cipher?.name !== 'aes-256-gcm') throw refuse('it is sealed in another way');
  const digits: readonly (readonly [value: unknown, bytes: number])[] = [
    [file.keyid, 32],
    [file.public, 32],
    [kdf.salt, SALT_BYTES],
    [cipher.iv, IV_BYTES],
    [file.sealed, SEED_BYTES + TAG_BYTES],
  ];
  for (const [value, bytes] of digits)
    if (typeof value !== 'string' || !/^[0-9a-f]+$/.test(value) || value.length !== bytes * 2)
      throw refuse('one of its numbers is cut short');
  return file;
}

const base64url = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');

/** Off the JavaScript thread: a hub unlocks its keys while it serves. */
function derive(passphrase: string, salt: Uint8Array, cost: number): Promise<Buffer> {
  // The memory that scrypt needs, and what it takes beside.
  const maxmem = 128 * cost * BLOCK_SIZE + 2 ** 20;
  const options = { N: cost, r: BLOCK_SIZE, p: 1, maxmem };
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, CIPHER_KEY_BYTES, options, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

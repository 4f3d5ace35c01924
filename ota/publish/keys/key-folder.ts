/** Key files on disk: `NAME.key` (private, sealed, mode 0600) and beside it `NAME.pub`, which may go anywhere. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { writeFileAtomic } from '../../../runtime/core/atomic-file.ts';
import { InputError } from '../../../runtime/core/errors.ts';
import { type KeyJson, keyIdOf } from '../../client/tuf/keys.ts';
import { type KeyFile, newSigner, parseKeyFile, type Signer, sealKey, unsealKey } from './key-file.ts';

const PRIVATE = '.key';
const PUBLIC = '.pub';
const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;
const MOST_BYTES = 16_384;

export interface NamedKey {
  /** `root-1` of `root-1.pub`. */
  readonly name: string;
  readonly keyId: string;
  readonly key: KeyJson;
}

/** @param path of the private file, ending in `.key` or not. @throws InputError `ota-key-exists`: keys are never overwritten. */
export async function makeKey(path: string, passphrase: string, cost?: number): Promise<NamedKey> {
  const stem = path.endsWith(PRIVATE) ? path.slice(0, -PRIVATE.length) : path;
  refuseExisting(stem);
  const signer = newSigner();
  const file = await sealKey(signer, passphrase, cost);
  // Again: the passphrase took its time.
  refuseExisting(stem);
  writeFileAtomic(stem + PRIVATE, `${JSON.stringify(file, undefined, 2)}\n`, SECRET_MODE);
  const shown = { keyid: signer.keyId, ...signer.key };
  writeFileAtomic(stem + PUBLIC, `${JSON.stringify(shown, undefined, 2)}\n`, PUBLIC_MODE);
  return { name: basename(stem), keyId: signer.keyId, key: signer.key };
}

/** @throws InputError `ota-key-exists`. Asked before a passphrase is. */
export function refuseExisting(path: string): void {
  const stem = path.endsWith(PRIVATE) ? path.slice(0, -PRIVATE.length) : path;
  for (const file of [stem + PRIVATE, stem + PUBLIC]) {
    if (!existsSync(file)) continue;
    const text = `${file} exists, and a key is never overwritten: name another file`;
    throw new InputError('ota-key-exists', text, { facts: { file } });
  }
}

/** @throws InputError `ota-key-missing`, `ota-key-invalid` */
export function readKeyFile(path: string): KeyFile {
  return parseKeyFile(readBounded(path), path);
}

/**
 * The public side of a `.pub` or a `.key` file.
 * @throws InputError `ota-key-missing`, `ota-key-invalid`
 */
export function readPublicKey(path: string): NamedKey {
  const name = basename(path).replace(/\.(pub|key)$/, '');
  if (path.endsWith(PRIVATE)) {
    const { public: material } = readKeyFile(path);
    return named(name, material, path);
  }
  let json: { readonly keytype?: unknown; readonly keyval?: { readonly public?: unknown } } | null;
  try {
    json = JSON.parse(readBounded(path));
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError('ota-key-invalid', `${path} is no public key: it is not JSON`);
  }
  const material = json?.keyval?.public;
  if (json?.keytype !== 'ed25519' || typeof material !== 'string' || !/^[0-9a-f]{64}$/.test(material))
    throw new InputError('ota-key-invalid', `${path} is no public key of ed25519`);
  return named(name, material, path);
}

/** All files of one kind that `paths` name: files as they are, of folders what ends in `.key` or `.pub`, by name. */
export function keyPaths(paths: readonly string[], kind: 'key' | 'pub'): string[] {
  return paths.flatMap((path) => {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [path];
    const files = readdirSync(path).filter((file) => file.endsWith(`.${kind}`));
    return files.sort().map((file) => join(path, file));
  });
}

/** @throws UpdateError `ota-passphrase`; InputError `ota-key-missing`, `ota-key-invalid` */
export async function openSigner(path: string, passphrase: string): Promise<Signer> {
  return unsealKey(readKeyFile(path), passphrase, path);
}

function named(name: string, material: string, path: string): NamedKey {
  const key = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: material } };
  return { name: name || basename(dirname(path)), keyId: keyIdOf(key), key };
}

function readBounded(path: string): string {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (!facts?.isFile())
    throw new InputError('ota-key-missing', `there is no key file ${path}`, { facts: { path } });
  if (facts.size > MOST_BYTES) throw new InputError('ota-key-invalid', `${path} is too long to be a key`);
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new InputError('ota-key-missing', `cannot read ${path}`, { cause, facts: { path } });
  }
}

/** Key files: sealed for good, never overwritten, and damaged ones are told from wrong passphrases. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { keyIdOf } from '../../../ota/client/tuf/keys.ts';
import {
  newSigner,
  parseKeyFile,
  SCRYPT_COST,
  sealKey,
  signatureOf,
  unsealKey,
} from '../../../ota/publish/keys/key-file.ts';
import { makeKey, openSigner, readPublicKey } from '../../../ota/publish/keys/key-folder.ts';
import { rejection, thrown } from '../../support/thrown.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-keys-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const CHEAP = 1024;
const WORDS = 'correct horse battery';

test('what was sealed signs as before, and only with its passphrase', async () => {
  const signer = newSigner();
  const file = await sealKey(signer, WORDS, CHEAP);
  const back = await unsealKey(file, WORDS, 'a.key');
  assert.is(back.keyId, signer.keyId);
  assert.is(signatureOf(back, Buffer.from('data')), signatureOf(signer, Buffer.from('data')));
  const error = await rejection(unsealKey(file, `${WORDS}!`, 'a.key'));
  assert.is(error.code, 'ota-passphrase');
  assert.match(error.message, /a\.key: wrong passphrase/);
  assert.not.match(JSON.stringify(error.facts) + error.message, /horse/);
});

test('sealed for good by default: scrypt with N = 2^17', async () => {
  assert.is(SCRYPT_COST, 131_072);
  const { path } = await made('real', undefined);
  const file = parseKeyFile(readFileSync(path, 'utf8'), path);
  assert.equal([file.kdf.name, file.kdf.N, file.cipher.name], ['scrypt', 131_072, 'aes-256-gcm']);
  assert.not.match(readFileSync(path, 'utf8'), /horse/);
});

test('private files are for their owner alone, and no file is overwritten', async () => {
  const { path } = await made('mine', CHEAP);
  assert.is(statSync(path).mode & 0o777, 0o600);
  const before = readFileSync(path);
  assert.is((await rejection(makeKey(join(folder, 'mine'), WORDS, CHEAP))).code, 'ota-key-exists');
  rmSync(path);
  assert.is((await rejection(makeKey(join(folder, 'mine'), WORDS, CHEAP))).code, 'ota-key-exists');
  assert.is(before.length > 0, true);
  assert.equal(
    readdirSync(folder).filter((name) => name.endsWith('.new')),
    [],
  );
});

test('a short passphrase is refused', async () => {
  assert.is((await rejection(sealKey(newSigner(), 'short', CHEAP))).code, 'ota-passphrase-short');
});

test('any changed byte of a key file is noticed', async () => {
  const file = await sealKey(newSigner(), WORDS, CHEAP);
  const text = JSON.stringify(file);
  await fc.assert(
    fc.asyncProperty(
      fc.nat(text.length - 1),
      fc.constantFrom('0', 'f', 'x', '"', '}'),
      async (at, letter) => {
        const changed = text.slice(0, at) + letter + text.slice(at + 1);
        if (changed === text) return;
        let parsed: ReturnType<typeof parseKeyFile>;
        try {
          parsed = parseKeyFile(changed, 'a.key');
        } catch (error) {
          assert.is((error as { code?: string }).code, 'ota-key-invalid');
          return;
        }
        // A key that nobody knows beside the known ones, or the case of a digit, changes nothing that is read.
        const { code } = await rejection(unsealKey(parsed, WORDS, 'a.key'));
        assert.ok(code === 'ota-passphrase' || code === 'ota-key-invalid', code);
      },
    ),
    { numRuns: 60 },
  );
});

test('a cost that would take all memory is refused before any is taken', async () => {
  const file = await sealKey(newSigner(), WORDS, CHEAP);
  for (const N of [2 ** 30, 2 ** 21, 3000, 0, -1, 1.5]) {
    const hostile = JSON.stringify({ ...file, kdf: { ...file.kdf, N } });
    assert.is(thrown(() => parseKeyFile(hostile, 'a.key')).code, 'ota-key-invalid', String(N));
  }
});

test('public keys are read from both files, and are the same', async () => {
  const { path, key } = await made('both', CHEAP);
  const open = readPublicKey(join(folder, 'both.pub'));
  assert.equal([open.keyId, open.name], [key.keyId, 'both']);
  assert.is(readPublicKey(path).keyId, key.keyId);
  assert.is(keyIdOf(open.key), key.keyId);
  assert.is((await openSigner(path, WORDS)).keyId, key.keyId);
  writeFileSync(join(folder, 'odd.pub'), '{"keytype":"rsa","keyval":{"public":"00"}}');
  assert.is(thrown(() => readPublicKey(join(folder, 'odd.pub'))).code, 'ota-key-invalid');
  assert.is(thrown(() => readPublicKey(join(folder, 'absent.pub'))).code, 'ota-key-missing');
});

async function made(name: string, cost: number | undefined) {
  const key = await makeKey(join(folder, name), WORDS, cost);
  return { key, path: join(folder, `${name}.key`) };
}

test.run();

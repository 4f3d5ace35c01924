/** Keys and signatures of every scheme, and whose count. */

import { constants, createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalJson } from '../../../../ota/client/tuf/canonical-json.ts';
import { ed25519KeyJson, type KeyJson, keyIdOf, readKey } from '../../../../ota/client/tuf/keys.ts';
import { ANY_REPOSITORY, OWN_REPOSITORY, type TufPolicy } from '../../../../ota/client/tuf/policy.ts';
import { signer } from '../../../support/tuf-repository.ts';
import { refusal } from './support.ts';

const DATA = Buffer.from('what is signed');
const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
const read = (json: KeyJson, policy: TufPolicy = ANY_REPOSITORY) =>
  readKey(keyIdOf(json), json, policy, 'root.json');
const json = (keytype: string, scheme: string, material: string): KeyJson => ({
  keytype,
  scheme,
  keyval: { public: material },
});

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const ed = signer('ed');
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING };

for (const [name, material, signature] of [
  ['ed25519', ed.json, sign(null, DATA, ed.key)],
  [
    'RSA-PSS',
    json('rsa', 'rsassa-pss-sha256', pem(rsa.publicKey)),
    sign('sha256', DATA, { key: rsa.privateKey, ...pss, saltLength: 32 }),
  ],
  [
    'RSA-PSS with the longest salt',
    json('rsa', 'rsassa-pss-sha256', pem(rsa.publicKey)),
    sign('sha256', DATA, { key: rsa.privateKey, ...pss }),
  ],
  [
    'ECDSA P-256',
    json('ecdsa', 'ecdsa-sha2-nistp256', pem(p256.publicKey)),
    sign('sha256', DATA, p256.privateKey),
  ],
  [
    'ECDSA P-256, as older repositories name it',
    json('ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256', pem(p256.publicKey)),
    sign('sha256', DATA, p256.privateKey),
  ],
  [
    'ECDSA P-384',
    json('ecdsa', 'ecdsa-sha2-nistp384', pem(p384.publicKey)),
    sign('sha384', DATA, p384.privateKey),
  ],
] as const)
  test(`${name}: its signature counts, another does not`, () => {
    const key = read(material);
    assert.is(key.verify(DATA, signature), true);
    assert.is(key.verify(Buffer.from('else'), signature), false);
    assert.is(key.verify(DATA, signature.subarray(1)), false);
    assert.is(key.verify(DATA, new Uint8Array()), false);
    assert.is(key.verify(DATA, Buffer.alloc(signature.length)), false);
    const own = read(material, OWN_REPOSITORY);
    assert.is(own.verify(DATA, signature), name === 'ed25519');
  });

test('a signature of the right key by another scheme does not count', () => {
  const pkcs1 = sign('sha256', DATA, rsa.privateKey);
  assert.is(read(json('rsa', 'rsassa-pss-sha256', pem(rsa.publicKey))).verify(DATA, pkcs1), false);
  const sha512 = sign('sha512', DATA, p256.privateKey);
  assert.is(read(json('ecdsa', 'ecdsa-sha2-nistp256', pem(p256.publicKey))).verify(DATA, sha512), false);
});

test('a key that is none, too short, or of another kind than it says never counts', () => {
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
  for (const [key, signature] of [
    [
      json('rsa', 'rsassa-pss-sha256', pem(small.publicKey)),
      sign('sha256', DATA, { key: small.privateKey, ...pss }),
    ],
    [json('ecdsa', 'ecdsa-sha2-nistp384', pem(p256.publicKey)), sign('sha384', DATA, p256.privateKey)],
    [json('rsa', 'rsassa-pss-sha256', pem(p256.publicKey)), sign('sha256', DATA, p256.privateKey)],
    [
      json('ecdsa', 'ecdsa-sha2-nistp256', pem(rsa.publicKey)),
      sign('sha256', DATA, { key: rsa.privateKey, ...pss }),
    ],
    [json('ecdsa', 'ecdsa-sha2-nistp256', 'no PEM'), Buffer.alloc(70)],
    [json('ed25519', 'ed25519', ed.json.keyval.public.toUpperCase()), sign(null, DATA, ed.key)],
    [json('ed25519', 'ed25519', 'ab'), Buffer.alloc(64)],
    [json('rsa', 'ed25519', ed.json.keyval.public), sign(null, DATA, ed.key)],
    [json('constructor', '', ''), Buffer.alloc(64)],
  ] as const)
    assert.is(read(key).verify(DATA, signature), false, JSON.stringify(key));
});

test('equal keys have one identity, under whatever name', () => {
  const longer = { ...ed.json, 'x-owner': 'somebody' };
  assert.is.not(keyIdOf(longer), ed.keyId);
  assert.is(read(longer).identity, read(ed.json).identity);
  const crlf = json('rsa', 'rsassa-pss-sha256', pem(rsa.publicKey).replaceAll('\n', '\r\n'));
  assert.is(read(crlf).identity, read(json('rsa', 'rsassa-pss-sha256', pem(rsa.publicKey))).identity);
  assert.is.not(read(ed.json).identity, read(signer('other').json).identity);
});

test('a KEYID is the SHA-256 of the canonical key, and asked for where the policy says so', async () => {
  assert.is(ed.keyId, createHash('sha256').update(canonicalJson(ed.json)).digest('hex'));
  readKey('anything', ed.json, ANY_REPOSITORY, 'root.json');
  for (const keyId of ['anything', ed.keyId.toUpperCase(), signer('other').keyId])
    await refusal('ota-malformed', () => readKey(keyId, ed.json, OWN_REPOSITORY, 'root.json'));
});

test('the private key tells the same public one', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  assert.equal(ed25519KeyJson(privateKey), ed25519KeyJson(publicKey));
  assert.match(ed25519KeyJson(publicKey).keyval.public, /^[0-9a-f]{64}$/);
});

test('what is no key object is refused', async () => {
  for (const odd of [
    {},
    { keytype: 'ed25519' },
    { ...ed.json, keyval: {} },
    { ...ed.json, scheme: 1 },
    { ...ed.json, keyval: null },
  ])
    await refusal('ota-malformed', () => readKey('x', odd as never, ANY_REPOSITORY, 'root.json'));
});

test.run();

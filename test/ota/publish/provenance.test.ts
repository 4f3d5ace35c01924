/** OpenSSF model-signing files: what they say is held against a bundle's files, and their signature against a key. */

import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  checkProvenance,
  provenanceText,
  readProvenanceKey,
} from '../../../ota/publish/bundle/provenance.ts';
import { modelSignature } from '../../support/model-signing.ts';
import { thrown } from '../../support/thrown.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-provenance-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const model = Buffer.from('weights');
const labels = Buffer.from('labels');
const files = [
  { path: 'manifest.json', sha256: sha256(Buffer.from('{}')) },
  { path: 'model.onnx', sha256: sha256(model) },
  { path: 'data/labels.txt', sha256: sha256(labels) },
];
const signed = { 'model.onnx': model, 'data/labels.txt': labels, 'README.md': Buffer.from('read me') };

/** A key pair, its public half as a file. */
function pair(namedCurve: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
  const path = join(folder, `${namedCurve}-${Math.random()}.pem`);
  const pem = publicKey.export({ type: 'spki', format: 'pem' });
  writeFileSync(path, pem);
  return { privateKey, path, hint: sha256(Buffer.from(pem)) };
}

const first = pair('prime256v1');

test('what was signed and is in the bundle is covered; the rest is named', () => {
  const report = checkProvenance(modelSignature({ ...first, files: signed }), files);
  assert.equal(report, {
    model: 'pump-model',
    covered: ['model.onnx', 'data/labels.txt'],
    uncovered: ['manifest.json'],
    signature: 'unchecked',
  });
  assert.match(provenanceText(report), /not checked, since no key was given.*not part of it: manifest\.json/);
});

test('the signature of each curve is verified by its key alone', () => {
  for (const [curve, hash] of [
    ['prime256v1', 'sha256'],
    ['secp384r1', 'sha384'],
    ['secp521r1', 'sha512'],
  ] as const) {
    const own = pair(curve);
    const bytes = modelSignature({ ...own, files: signed, hash });
    assert.is(checkProvenance(bytes, files, readProvenanceKey(own.path)).signature, 'verified', curve);
    const other = thrown(() => checkProvenance(bytes, files, readProvenanceKey(pair(curve).path)));
    assert.is(other.code, 'ota-signature');
    assert.match(other.message, new RegExp(`made with the key ${own.hint}`));
  }
});

test('a statement that was changed after it was signed is refused', () => {
  const json = JSON.parse(modelSignature({ ...first, files: signed }).toString());
  const payload = Buffer.from(json.dsseEnvelope.payload, 'base64')
    .toString()
    .replace('pump-model', 'bump-model');
  json.dsseEnvelope.payload = Buffer.from(payload).toString('base64');
  const bytes = Buffer.from(JSON.stringify(json));
  assert.is(checkProvenance(bytes, files).model, 'bump-model', 'nobody asked for its signature');
  const { code } = thrown(() => checkProvenance(bytes, files, readProvenanceKey(first.path)));
  assert.is(code, 'ota-signature');
});

test('a file that is another one than was signed, or none that was, is refused', () => {
  const bytes = modelSignature({
    ...first,
    files: { ...signed, 'model.onnx': Buffer.from('other weights') },
  });
  const error = thrown(() => checkProvenance(bytes, files));
  assert.is(error.code, 'ota-mismatch');
  assert.match(error.message, /model\.onnx is not the file that was signed/);
  const foreign = modelSignature({ ...first, files: { 'x.bin': Buffer.from('x') } });
  assert.match(thrown(() => checkProvenance(foreign, files)).message, /nothing of any file/);
});

test('files that are no model signing, contradict themselves or are hostile are refused with a code', () => {
  const with_ = (change: (statement: Record<string, unknown>) => void) =>
    modelSignature({
      ...first,
      files: signed,
      statement: (statement) => {
        change(statement);
        return statement;
      },
    });
  const cases = [
    Buffer.from(''),
    Buffer.from('{"provenance":true}'),
    Buffer.from('['.repeat(100_000)),
    Buffer.from('{"dsseEnvelope":{"payload":5}}'),
    Buffer.from('{"dsseEnvelope":{"payload":"AAAA","payloadType":"application/vnd.in-toto+json"}}'),
    with_((statement) => {
      statement.predicateType = 'https://slsa.dev/provenance/v1';
    }),
    with_((statement) => {
      statement.subject = [{ name: 'x', digest: { sha256: 'ab'.repeat(32) } }];
    }),
    with_((statement) => {
      statement.predicate = { resources: 'all' };
    }),
  ];
  for (const bytes of cases) assert.is(thrown(() => checkProvenance(bytes, files)).code, 'ota-malformed');
  const unsigned = JSON.parse(modelSignature({ ...first, files: signed }).toString());
  unsigned.dsseEnvelope.signatures = [];
  const key = readProvenanceKey(first.path);
  assert.is(
    thrown(() => checkProvenance(Buffer.from(JSON.stringify(unsigned)), files, key)).code,
    'ota-malformed',
  );
});

test('keys of other kinds are refused when they are read', () => {
  const path = join(folder, 'other.pem');
  writeFileSync(path, generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }));
  assert.match(thrown(() => readProvenanceKey(path)).message, /curves P-256, P-384 and P-521/);
  writeFileSync(path, 'no key');
  assert.is(thrown(() => readProvenanceKey(path)).code, 'ota-provenance-key');
});

test.run();

/** bundle.json: what is read, and everything that is not. */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { VerifiedBundle } from '../../../ota/bundle/bundle.ts';
import { readBundle } from '../../../ota/bundle/read-bundle.ts';
import { canonicalBytes } from '../../../ota/client/tuf/canonical-json.ts';
import { thrown } from '../../support/thrown.ts';

const HASH = 'ab'.repeat(32);
const file = (path: string) => ({ path, sha256: HASH, length: 70_000, blocks: HASH });
const GOOD = {
  _type: 'vigie-bundle',
  v: 1,
  name: 'pump-score',
  version: '1.0.3',
  release: 3,
  requires: {
    runtime: '>=0.4 <1',
    boards: ['raspberry-pi-5'],
    architectures: ['arm64'],
    ramBytes: 1,
    diskBytes: 0,
  },
  files: [file('manifest.json'), file('models/score.onnx'), file('selftest.vec'), file('model.sig')],
  deltas: [{ ...file('models/score.onnx'), from: 'cd'.repeat(32), algorithm: 'bsub1+gzip' }],
  selftest: { vectors: 'selftest.vec', tolerance: 0.02 },
  health: {
    ...{ windowSeconds: 300, minInferences: 20, maxErrorRate: 0.01 },
    ...{ latencyP95Ms: 180, maxRssBytes: 4e8, maxOutputShift: 0.2 },
  },
  trial: { attempts: 3 },
  provenance: 'model.sig',
};
type Good = typeof GOOD;
const bytesOf = (value: unknown) => canonicalBytes(JSON.parse(JSON.stringify(value)));
const read = (value: unknown): VerifiedBundle => readBundle(bytesOf(value));
const codeOf = (value: unknown): string => thrown(() => read(value)).code;
const withPath = (path: string) => ({ ...GOOD, files: [...GOOD.files, file(path)] });

test('all that a bundle may say is read as it stands', () => {
  assert.equal(read(GOOD), GOOD);
  const { provenance: _, selftest: __, ...less } = GOOD;
  const small = {
    ...less,
    requires: {},
    deltas: [],
    health: { windowSeconds: 0, minInferences: 0, maxErrorRate: 1 },
  };
  assert.equal(read(small), { ...small, selftest: undefined });
});

test('case 40: no path leaves the bundle, is absolute, holds a NUL, or differs from another in case alone', () => {
  for (const path of [
    ...[
      '../x',
      'a/../b',
      'a/..',
      '..',
      '.',
      './a',
      '/etc/passwd',
      '//x',
      'a//b',
      'a/',
      '',
      'a\\b',
      'C:\\x',
      '~/x',
    ],
    ...[
      'a\0b',
      'a\nb',
      'a b',
      'ä',
      '.hidden',
      'a/.b',
      '-rf',
      'a/b/c/d/e',
      'x'.repeat(65),
      `${'x'.repeat(299)}/y`,
    ],
  ])
    assert.is(codeOf(withPath(path)), 'ota-malformed', JSON.stringify(path));
  assert.is(codeOf(withPath('Manifest.JSON')), 'ota-malformed');
  assert.is(codeOf(withPath('manifest.json')), 'ota-malformed');
  assert.is(read(withPath('a/b/c/d')).files.length, 5);
  const deep = { ...GOOD, selftest: { vectors: '../../etc/passwd', tolerance: 0 } };
  assert.is(codeOf(deep), 'ota-malformed');
});

test('what one part names, another lists', () => {
  assert.is(codeOf({ ...GOOD, files: GOOD.files.slice(1) }), 'ota-malformed');
  assert.is(codeOf({ ...GOOD, selftest: { vectors: 'absent', tolerance: 0 } }), 'ota-malformed');
  assert.is(codeOf({ ...GOOD, provenance: 'absent' }), 'ota-malformed');
  assert.is(codeOf({ ...GOOD, deltas: [{ ...GOOD.deltas[0], path: 'absent' }] }), 'ota-malformed');
  assert.is(codeOf({ ...GOOD, deltas: [GOOD.deltas[0], GOOD.deltas[0]] }), 'ota-malformed');
});

test('numbers are in bounds', () => {
  const lengths = [0, -1, 1.5, 2 ** 31 + 1, 1e300, '4', null];
  for (const length of lengths)
    assert.is(
      codeOf({ ...GOOD, files: [{ ...file('manifest.json'), length }] }),
      'ota-malformed',
      String(length),
    );
  for (const release of [0, -1, 1.5, 2 ** 53, '1'])
    assert.is(codeOf({ ...GOOD, release }), 'ota-malformed', String(release));
  for (const attempts of [0, 101]) assert.is(codeOf({ ...GOOD, trial: { attempts } }), 'ota-malformed');
  assert.is(codeOf({ ...GOOD, selftest: { vectors: 'selftest.vec', tolerance: 1.1 } }), 'ota-malformed');
  for (const maxErrorRate of [-0.1, 1.1])
    assert.is(codeOf({ ...GOOD, health: { ...GOOD.health, maxErrorRate } }), 'ota-malformed');
});

test('hashes are lower case and whole, algorithms are known', () => {
  for (const sha256 of [HASH.toUpperCase(), HASH.slice(1), `${HASH}0`, '', 7])
    assert.is(codeOf({ ...GOOD, files: [{ ...file('manifest.json'), sha256 }] }), 'ota-malformed');
  assert.is(codeOf({ ...GOOD, deltas: [{ ...GOOD.deltas[0], algorithm: 'bsdiff' }] }), 'ota-malformed');
});

test('a key that is missing, or that nobody knows, is an error that names its place', () => {
  for (const key of Object.keys(GOOD) as (keyof Good)[]) {
    if (key === 'selftest' || key === 'provenance') continue;
    const { [key]: _, ...less } = GOOD;
    assert.is(codeOf(less), 'ota-malformed', key);
  }
  const extra = thrown(() => read({ ...GOOD, files: [{ ...file('manifest.json'), mode: 511 }] }));
  assert.match(extra.message, /files\[0\] mode/);
  assert.is(codeOf({ ...GOOD, hook: 'rm' }), 'ota-malformed');
});

test('a later format says to update, not that it is broken', () => {
  assert.is(codeOf({ ...GOOD, v: 2 }), 'ota-incompatible');
});

test('only the canonical form is read: no other bytes have the same meaning', () => {
  const bytes = Buffer.from(bytesOf(GOOD));
  const text = bytes.toString();
  for (const other of [
    ...[`${text}\n`, ` ${text}`, `\ufeff${text}`, JSON.stringify(GOOD)],
    ...[
      text.replace('"v":1', '"v":1.0'),
      text.replace('"v":1', '"v":1,"v":1'),
      text.replace('vigie', '\\u0076igie'),
    ],
  ])
    assert.is(thrown(() => readBundle(Buffer.from(other))).code, 'ota-malformed', other.slice(0, 40));
  assert.is(thrown(() => readBundle(Buffer.concat([bytes, Buffer.from([0xff])]))).code, 'ota-malformed');
});

test('too long, too deep, too many', () => {
  const many = (count: number) => ({
    ...GOOD,
    files: [
      ...GOOD.files,
      ...Array.from({ length: count }, (_, at) => ({ ...file(`f${at}`), sha256: HASH })),
    ],
  });
  assert.is(read(many(200)).files.length, 204);
  assert.is(codeOf(many(253)), 'ota-malformed');
  assert.is(thrown(() => readBundle(Buffer.alloc(65_537, 0x20))).code, 'ota-malformed');
  const deep = Buffer.from('['.repeat(30_000) + ']'.repeat(30_000));
  assert.is(thrown(() => readBundle(deep)).code, 'ota-malformed');
});

test('property: any change to a bundle is read as something else, or refused with a code', () => {
  const bytes = Buffer.from(bytesOf(GOOD));
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
      const changed = Buffer.from(bytes);
      changed[at] = value;
      if (changed.equals(bytes)) return;
      try {
        assert.not.equal(readBundle(changed), GOOD);
      } catch (error) {
        assert.match(String((error as { code?: string }).code), /^ota-(malformed|incompatible)$/);
      }
    }),
    { numRuns: 2000 },
  );
});

test.run();

/** Which nodes a bundle is for, which of them are in a wave, and what a group's assignment says. */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Assignment } from '../../../ota/bundle/assignment.ts';
import {
  BlobHash,
  blobFacts,
  blockCount,
  blockLength,
  blockMapLength,
  isBlock,
} from '../../../ota/bundle/block-map.ts';
import { readAssignment } from '../../../ota/bundle/read-assignment.ts';
import { inRange, type NodeFacts, unmetRequirements } from '../../../ota/bundle/requirements.ts';
import { assignedTo, inWave, placeOf } from '../../../ota/bundle/wave.ts';
import { canonicalBytes } from '../../../ota/client/tuf/canonical-json.ts';
import { thrown } from '../../support/thrown.ts';

const NODE: NodeFacts = {
  ...{ runtime: '0.4.1', board: 'raspberry-pi-5', architecture: 'arm64', ramBytes: 1000, diskBytes: 1000 },
};

test('case 39: wrong board, architecture, version, memory, disk: each is named', () => {
  assert.equal(unmetRequirements({}, NODE), []);
  const fits = {
    runtime: '>=0.4 <1',
    boards: ['x', 'raspberry-pi-5'],
    architectures: ['arm64'],
    ramBytes: 1000,
    diskBytes: 1000,
  };
  assert.equal(unmetRequirements(fits, NODE), []);
  const none = {
    runtime: '>=2',
    boards: ['jetson-nano'],
    architectures: ['x64'],
    ramBytes: 1001,
    diskBytes: 1001,
  };
  const unmet = unmetRequirements(none, NODE);
  assert.is(unmet.length, 5);
  assert.match(unmet[0]!, /it is for vigie >=2, this is 0\.4\.1/);
  assert.equal(unmetRequirements({ boards: [] }, NODE).length, 1);
});

test('ranges of versions', () => {
  const cases: readonly (readonly [version: string, range: string, holds: boolean])[] = [
    ...([
      ['1.2.3', '1.2.3', true],
      ['1.2.3', '=1.2.4', false],
      ['1.2.3', '1.2', true],
      ['1.3.0', '1.2', false],
      ['1.2.3', '*', true],
    ] as const),
    ...([
      ['1.2.3', '>=1.2.3', true],
      ['1.2.2', '>=1.2.3', false],
      ['1.2.3', '>1.2', false],
      ['1.3.0', '>1.2', true],
    ] as const),
    ...([
      ['1.2.9', '<=1.2', true],
      ['1.3.0', '<=1.2', false],
      ['1.9.9', '<2', true],
      ['2.0.0', '<2', false],
    ] as const),
    ...([
      ['1.9.0', '^1.2.3', true],
      ['2.0.0', '^1.2.3', false],
      ['0.2.9', '^0.2.3', true],
      ['0.3.0', '^0.2.3', false],
      ['0.0.4', '^0.0.3', false],
    ] as const),
    ...([
      ['1.2.9', '~1.2.3', true],
      ['1.3.0', '~1.2.3', false],
      ['1.5.0', '>= 1.2 < 2', true],
      ['3.0.0', '<1 || >=3', true],
      ['2.0.0', '<1 || >=3', false],
    ] as const),
    ...([
      ['0.5.0-rc.1', '>=0.5', true],
      ['0.5.0+build', '0.5.0', true],
      ['1.2.3', 'latest', false],
      ['1.2.3', '', false],
      ['nonsense', '*', false],
    ] as const),
  ];
  for (const [version, range, holds] of cases)
    assert.is(inRange(version, range), holds, `${version} in '${range}'`);
});

test('property: waves grow, and a wave of p percent holds about p percent of the nodes', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(100), fc.nat(100), (node, one, other) => {
      const release = (percent: number) => ({ name: 'score', release: 1, percent, offlineOk: false });
      const [few, many] = [Math.min(one, other), Math.max(one, other)];
      assert.ok(!inWave(node, release(few)) || inWave(node, release(many)));
      assert.ok(inWave(node, release(100)) && !inWave(node, release(0)));
    }),
  );
  const places = Array.from({ length: 4000 }, (_, at) => placeOf(`node-${at}`, 'score', 2));
  assert.ok(Math.abs(places.filter((place) => place < 10).length / 40 - 10) < 2);
  const other = Array.from({ length: 4000 }, (_, at) => placeOf(`node-${at}`, 'score', 3));
  const both = places.filter((place, at) => place < 10 && other[at]! < 10).length;
  assert.ok(both < 100, 'the same nodes would always go first');
});

test('while a release is rolled out, the others keep to the one before', () => {
  const entry = (release: number, percent: number) => ({ name: 'score', release, percent, offlineOk: false });
  const assignment: Assignment = {
    _type: 'vigie-assignment',
    v: 1,
    group: 'g',
    releases: [entry(1, 100), entry(2, 30)],
    blocked: [],
  };
  for (let at = 0; at < 50; at++) {
    const [chosen, ...more] = assignedTo(assignment, `node-${at}`);
    assert.is(more.length, 0);
    assert.is(chosen?.release, placeOf(`node-${at}`, 'score', 2) < 30 ? 2 : 1);
  }
});

test('case 43: an assignment of another group, or of no shape, is refused', () => {
  const good = {
    _type: 'vigie-assignment',
    v: 1,
    group: 'pumps',
    releases: [{ name: 'score', release: 2, percent: 12.5, offlineOk: true, window: { from: 22, to: 5 } }],
    blocked: ['ab'.repeat(32)],
    configuration: { sha256: 'cd'.repeat(32), length: 100 },
  };
  const read = (value: object, group = 'pumps') => readAssignment(canonicalBytes(value as never), group);
  assert.equal(read(good), good);
  assert.is(thrown(() => read(good, 'fans')).code, 'ota-mismatch');
  assert.is(thrown(() => read({ ...good, v: 2 })).code, 'ota-incompatible');
  const [release] = good.releases;
  for (const wrong of [
    ...[
      { ...good, more: 1 },
      { ...good, releases: [{ ...release, percent: 101 }] },
      { ...good, blocked: ['AB'.repeat(32)] },
    ],
    ...[
      { ...good, releases: [release, release] },
      { ...good, releases: [{ ...release, release: 0 }] },
    ],
    ...[
      { ...good, configuration: { sha256: 'cd'.repeat(32), length: 2 ** 20 + 1 } },
      { ...good, releases: [{ ...release, window: { from: 0, to: 25 } }] },
    ],
  ])
    assert.is(thrown(() => read(wrong)).code, 'ota-malformed', JSON.stringify(wrong));
});

test('property: a block map is the hash of each block, however the bytes come', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200_000 }), fc.integer({ min: 1, max: 90_000 }), (length, step) => {
      const bytes = Buffer.alloc(length, 'abcdefg');
      const hash = new BlobHash();
      for (let at = 0; at < length; at += step) hash.update(bytes.subarray(at, at + step));
      const facts = hash.facts();
      assert.equal(facts, blobFacts(bytes));
      assert.is(facts.map.length, blockMapLength(length));
      for (let block = 0; block < blockCount(length); block++) {
        const piece = bytes.subarray(block * 65_536, block * 65_536 + blockLength(length, block));
        assert.ok(isBlock(facts.map, block, piece));
        assert.not.ok(isBlock(facts.map, block, piece.subarray(1)));
      }
    }),
    { numRuns: 60 },
  );
});

test.run();

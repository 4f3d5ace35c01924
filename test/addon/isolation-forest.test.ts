import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type PlainTree, readSavedForest, referenceScore } from '../../bench/trees/saved-forest.ts';
import { IsolationForest } from '../../runtime/addon/isolation-forest.ts';
import { TreeEnsemble } from '../../runtime/addon/tree-ensemble.ts';
import { InputError, ModelError } from '../../runtime/core/errors.ts';
import { bruteForceShapley, coverOf, randomRows } from './support.ts';

const WIDTH = 6;
const rows = randomRows(500, WIDTH, 1);
const row = (at: number, width = WIDTH, from = rows) => from.subarray(at * width, (at + 1) * width);

test('the score is the definition, computed slowly from the saved trees', () => {
  const forest = IsolationForest.fit({ rows, width: WIDTH, seed: 42 });
  const saved = readSavedForest(forest.serialize());
  assert.is(saved.trees.length, 50);
  assert.is(saved.sampleSize, 256);
  for (let i = 0; i < 500; i++) {
    const expected = referenceScore(saved, row(i));
    assert.ok(Math.abs(forest.score(row(i)) - expected) < 1e-12);
    assert.ok(Math.abs(IsolationForest.anomalyScore(forest.score(row(i))) - 2 ** expected) < 1e-12);
  }
});

test('trees hold their sample, stop at their depth and split where rows differ', () => {
  const forest = IsolationForest.fit({ rows, width: WIDTH, seed: 1, trees: 20, samples: 100 });
  const check = (tree: PlainTree, depth: number): void => {
    if ('value' in tree) {
      assert.ok(depth === 7 || tree.cover === 1);
      return;
    }
    assert.ok(coverOf(tree.left) > 0 && coverOf(tree.right) > 0);
    assert.is(tree.missingLeft, coverOf(tree.left) >= coverOf(tree.right), 'NaN follows the larger cover');
    check(tree.left, depth + 1);
    check(tree.right, depth + 1);
  };
  for (const tree of readSavedForest(forest.serialize()).trees) {
    assert.is(coverOf(tree), 100);
    check(tree, 0);
  }
  assert.is(forest.facts.depth, 7);
});

test('a seed decides every byte, on every platform', () => {
  const bytes = (seed: number) => IsolationForest.fit({ rows, width: WIDTH, seed }).serialize();
  assert.equal(bytes(9), bytes(9));
  assert.not.equal(bytes(9), bytes(10));
  const whole = Float64Array.from({ length: 300 * 3 }, (_, i) => (i * 7919) % 1009);
  const digest = createHash('sha256')
    .update(IsolationForest.fit({ rows: whole, width: 3, seed: 2 ** 53 - 1 }).serialize())
    .digest('hex');
  assert.is(digest.slice(0, 16), '0a7bbb76c220551f');
});

test('planted outliers come out on top and their cause is explained', () => {
  const width = 8;
  // Some of the trained rows are planted too, as real recordings have them: isolation needs something to cut off.
  const plant = (data: Float64Array, at: number) => {
    data[at * width + (at % width)] = at % 3 ? 8 : -5;
    data[at * width + ((at + 3) % width)] = at % 3 ? -5 : 8;
  };
  const data = randomRows(2000, width, 5);
  for (let i = 0; i < 2000; i += 37) plant(data, i);
  const forest = IsolationForest.fit({ rows: data, width, seed: 3, trees: 100 });
  const fresh = randomRows(1000, width, 6);
  for (let i = 0; i < 500; i++) plant(fresh, i);
  const ordinary = Array.from({ length: 500 }, (_, i) => forest.score(row(500 + i, width, fresh)));
  const limit = ordinary.sort((a, b) => a - b)[475]!;
  const out = new Float64Array(width);
  let above = 0;
  let named = 0;
  for (let i = 0; i < 500; i++) {
    if (forest.explain(row(i, width, fresh), out) > limit) above++;
    const top = [...out.keys()].sort((a, b) => out[b]! - out[a]!).slice(0, 2);
    if (top.includes(i % width) && top.includes((i + 3) % width)) named++;
  }
  assert.ok(above >= 490, `${above} of 500 above the 95th percentile`);
  assert.ok(named >= 490, `the contributions of ${named} of 500 name both planted columns`);
});

test('contributions of a fitted forest equal enumeration', () => {
  const forest = IsolationForest.fit({ rows, width: WIDTH, seed: 8, trees: 10, samples: 64 });
  const { trees, scale } = readSavedForest(forest.serialize());
  const out = new Float64Array(WIDTH);
  for (const at of [0, 10, 20]) {
    const probe = Float64Array.from(row(at));
    probe[1] = at === 10 ? Number.NaN : probe[1]!;
    forest.explain(probe, out);
    bruteForceShapley(trees, probe).forEach((phi, f) => {
      assert.ok(Math.abs(out[f]! - scale * phi) < 1e-12);
    });
  }
});

test('missing and infinite values are learned from and scored', () => {
  const holes = Float64Array.from(rows, (value, i) =>
    i % 5 === 0 ? Number.NaN : i % 97 === 0 ? Infinity : value,
  );
  const forest = IsolationForest.fit({ rows: holes, width: WIDTH, seed: 4 });
  for (let i = 0; i < 100; i++) assert.ok(Number.isFinite(forest.score(row(i, WIDTH, holes))));
  assert.ok(Number.isFinite(forest.score(new Float64Array(WIDTH).fill(Number.NaN))));
  const saved = readSavedForest(forest.serialize());
  for (const tree of saved.trees) assert.is(coverOf(tree), 256);
});

test('rows that cannot teach are refused', () => {
  const failing = (data: Float64Array, width: number) => {
    try {
      IsolationForest.fit({ rows: data, width, seed: 0 });
    } catch (error) {
      return (error as ModelError).code;
    }
    return 'fitted';
  };
  assert.is(failing(new Float64Array(6), 6), 'fit-failed');
  assert.is(failing(new Float64Array(), 6), 'fit-failed');
  assert.is(failing(new Float64Array(600).fill(3), 6), 'fit-failed');
  assert.is(failing(new Float64Array(600).fill(Number.NaN), 6), 'fit-failed');
  assert.is(failing(Float64Array.of(1, 2), 1), 'fitted');
  // Differ in float64 alone: what the trees cannot see, they cannot learn.
  assert.is(failing(Float64Array.of(1, 1 + 1e-12), 1), 'fit-failed');
  assert.is(failing(randomRows(3, 127, 1), 127), 'fitted');
});

test('a saved forest comes back the same', () => {
  const forest = IsolationForest.fit({ rows, width: WIDTH, seed: 11 });
  const bytes = forest.serialize();
  const back = IsolationForest.deserialize(new Uint8Array(bytes));
  assert.equal(back.facts, forest.facts);
  assert.equal(back.serialize(), bytes);
  assert.is(back.score(row(7)), forest.score(row(7)));
  // From the middle of a larger buffer, at an odd offset.
  const padded = Buffer.concat([Buffer.from('x'), bytes]);
  assert.is(TreeEnsemble.deserialize(padded.subarray(1)).score(row(7)), forest.score(row(7)));
});

const withChecksum = (body: Uint8Array): Buffer => {
  const out = Buffer.alloc(body.length + 4);
  out.set(body);
  out.writeUInt32LE(crc32(body), body.length);
  return out;
};

/** Loads or refuses with `bad-model`; what loads must score and explain. */
function survives(bytes: Uint8Array): void {
  try {
    const ensemble = TreeEnsemble.deserialize(bytes);
    if (ensemble.facts.width > 1000) return;
    const probe = new Float64Array(ensemble.width).fill(0.5);
    ensemble.explain(probe, new Float64Array(ensemble.width));
  } catch (error) {
    assert.ok(error instanceof ModelError && error.code === 'bad-model', String(error));
  }
}

test('foreign and damaged bytes are refused or harmless', () => {
  const small = IsolationForest.fit({ rows, width: WIDTH, seed: 2, trees: 3, samples: 16 }).serialize();
  const body = small.subarray(0, -4);
  for (let length = 0; length < body.length; length++) survives(withChecksum(body.subarray(0, length)));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), survives), { numRuns: 300, seed: 1 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => survives(withChecksum(bytes))),
    { numRuns: 300, seed: 1 },
  );
  const edit = fc.tuple(fc.nat(body.length - 1), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff));
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      const copy = Buffer.from(body);
      for (const [at, value] of edits) copy[at] = value;
      survives(withChecksum(copy));
    }),
    { numRuns: 3000, seed: 1 },
  );
});

test('a flipped bit, another version and another kind are told apart', () => {
  const bytes = IsolationForest.fit({ rows, width: WIDTH, seed: 2, trees: 2 }).serialize();
  const flipped = Buffer.from(bytes);
  flipped[100]! ^= 1;
  assert.throws(() => IsolationForest.deserialize(flipped), /checksum/);
  const newer = Buffer.from(bytes.subarray(0, -4));
  newer.writeUInt32LE(2, 4);
  assert.throws(() => IsolationForest.deserialize(withChecksum(newer)), /format 2/);
  const general = Buffer.from(bytes.subarray(0, -4));
  general.writeUInt32LE(0, 12);
  assert.throws(() => IsolationForest.deserialize(withChecksum(general)), /no isolation forest/);
  assert.ok(TreeEnsemble.deserialize(withChecksum(general)));
  assert.throws(
    () => IsolationForest.deserialize('text' as unknown as Uint8Array),
    (error: Error) => error instanceof InputError,
  );
});

test.run();

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PlainTree } from '../../bench/trees/saved-forest.ts';
import { TreeEnsemble } from '../../runtime/addon/tree-ensemble.ts';
import { VigieError } from '../../runtime/core/errors.ts';
import {
  bruteForceShapley,
  leafValue,
  randomGridRow,
  randomSource,
  randomTree,
  toArrays,
} from './support.ts';

const sum = (values: Iterable<number>) => Iterator.from(values).reduce((a, b) => a + b, 0);

function assertNear(actual: number, expected: number, tolerance: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what}: ${actual} instead of ${expected}`);
}

test('scores and explanations equal the definition by enumeration, NaN and ties included', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 31 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 1, max: 11 }),
      (seed, width, depth, count) => {
        const random = randomSource(seed);
        const trees = Array.from({ length: count }, () => randomTree(random, width, depth));
        const ensemble = ensembleOrRefusal(trees, width);
        if (!ensemble) return;
        for (let i = 0; i < 3; i++) {
          const row = randomGridRow(random, width);
          const plain = sum(trees.map((tree) => leafValue(tree, row)));
          assertNear(ensemble.score(row), 0.25 - 1.5 * plain, 1e-9, 'score');
          const out = new Float64Array(width);
          assert.is(ensemble.explain(row, out), ensemble.score(row));
          assertNear(sum(out) + ensemble.expectedValue, ensemble.score(row), 1e-9, 'additivity');
          bruteForceShapley(trees, row).forEach((phi, f) => {
            assertNear(out[f]!, -1.5 * phi, 1e-9, `contribution of ${f}`);
          });
        }
        ensemble.dispose();
      },
    ),
    { numRuns: 60, seed: 7 },
  );
});

/** Random covers may all be 0, which the addon refuses. */
function ensembleOrRefusal(trees: PlainTree[], width: number): TreeEnsemble | undefined {
  try {
    return TreeEnsemble.fromArrays(toArrays(trees, width, 0.25, -1.5));
  } catch (error) {
    assert.match((error as Error).message, 'covers of a tree sum to nothing');
    return undefined;
  }
}

/** Right-leaning, a new feature at each level, so that a path of `depth` unique features exists. */
function comb(depth: number, level = 0): PlainTree {
  if (level === depth) return { value: depth, cover: 1 };
  return {
    feature: level,
    threshold: 0.5,
    strict: false,
    missingLeft: false,
    left: { value: level, cover: 2 },
    right: comb(depth, level + 1),
  };
}

test('paths of more unique features than one block of quadrature nodes serves stay exact', () => {
  for (const depth of [9, 10, 12]) {
    const random = randomSource(depth);
    const trees = [comb(depth)];
    const ensemble = TreeEnsemble.fromArrays(toArrays(trees, depth));
    for (let i = 0; i < 3; i++) {
      const row = Float64Array.from({ length: depth }, () => (random() < 0.8 ? 1 : 0));
      const out = new Float64Array(depth);
      ensemble.explain(row, out);
      bruteForceShapley(trees, row).forEach((phi, f) => {
        assertNear(out[f]!, phi, 1e-9, `depth ${depth}, ${f}`);
      });
    }
  }
});

test('bushy trees with repeated features stay exact over several blocks', () => {
  const random = randomSource(21);
  for (const width of [9, 10, 11]) {
    const trees = [randomTree(random, width, 13), randomTree(random, width, 13)];
    const ensemble = ensembleOrRefusal(trees, width);
    const row = randomGridRow(random, width);
    const out = new Float64Array(width);
    ensemble?.explain(row, out);
    bruteForceShapley(trees, row).forEach((phi, f) => {
      assertNear(out[f]!, -1.5 * phi, 1e-9, `width ${width}, ${f}`);
    });
  }
});

test('trees too deep for padding are walked, with the same results', () => {
  const depth = 200;
  const trees = [comb(depth), comb(3)];
  const ensemble = TreeEnsemble.fromArrays(toArrays(trees, depth));
  assert.is(ensemble.facts.depth, depth);
  const random = randomSource(5);
  for (let i = 0; i < 50; i++) {
    const row = Float64Array.from({ length: depth }, () =>
      random() < 0.97 ? 1 : random() < 0.5 ? 0 : Number.NaN,
    );
    const score = sum(trees.map((tree) => leafValue(tree, row)));
    const out = new Float64Array(depth);
    assert.is(ensemble.explain(row, out), score);
    assertNear(sum(out) + ensemble.expectedValue, score, 1e-9, 'additivity');
  }
});

test('infinities compare as numbers and a tree may be a single leaf', () => {
  const stump = (strict: boolean): PlainTree => ({
    ...{ feature: 0, threshold: Number.POSITIVE_INFINITY, strict, missingLeft: false },
    left: { value: 1, cover: 1 },
    right: { value: 2, cover: 1 },
  });
  const score = (tree: PlainTree, value: number) =>
    TreeEnsemble.fromArrays(toArrays([tree, { value: 10, cover: 1 }], 1)).score(Float64Array.of(value));
  assert.is(score(stump(false), Number.POSITIVE_INFINITY), 11);
  assert.is(score(stump(true), Number.POSITIVE_INFINITY), 12);
  assert.is(score(stump(true), 1e300), 12, 'beyond float32 is infinite');
  assert.is(score(stump(true), Number.NEGATIVE_INFINITY), 11);
  assert.is(score(stump(false), Number.NaN), 12);
});

test('batches agree with single rows, on the thread and off it', async () => {
  const random = randomSource(3);
  const trees = Array.from({ length: 13 }, () => randomTree(random, 6, 6));
  const ensemble = TreeEnsemble.fromArrays(toArrays(trees, 6));
  const rows = Float64Array.from(Array.from({ length: 100 }, () => [...randomGridRow(random, 6)]).flat());
  const out = new Float64Array(100);
  ensemble.scoreBatch(rows, out);
  const pending = ensemble.scoreBatchAsync(rows);
  const expected = Float64Array.from({ length: 100 }, (_, i) =>
    ensemble.score(rows.subarray(i * 6, i * 6 + 6)),
  );
  assert.equal(out, expected);
  rows.fill(0);
  ensemble.dispose();
  assert.equal(await pending, expected, 'the job has its own copy and outlives dispose');
});

test('arrays that are no forest are refused, naming the node', () => {
  const good = () => toArrays([comb(2)], 2); // 0 = root, 1 = its right, 2, 3 leaves of 1, 4 = its left
  const refused = (change: Partial<ReturnType<typeof good>>, message: string) => {
    try {
      TreeEnsemble.fromArrays({ ...good(), ...change });
    } catch (error) {
      assert.ok(error instanceof VigieError, String(error));
      assert.match(error.message, message);
      return;
    }
    assert.unreachable(message);
  };
  refused({ left: Int32Array.of(0, 2, 0, 0, 0) }, 'reached twice');
  refused({ left: Int32Array.of(99, 2, 0, 0, 0) }, 'outside the nodes');
  refused({ left: Int32Array.of(-1, 2, 0, 0, 0) }, 'outside the nodes');
  refused({ roots: Int32Array.of(1) }, 'no root leads to');
  refused({ roots: Int32Array.of(0, 0) }, 'reached twice');
  refused({ roots: new Int32Array() }, 'tree count');
  refused({ feature: Int32Array.of(2, 1, -1, -1, -1) }, 'node 0: feature 2 of 2');
  refused({ threshold: Float32Array.of(Number.NaN, 0, 0, 0, 0) }, 'not a number');
  refused(
    { threshold: Float32Array.of(-Infinity, 0, 0, 0, 0), strict: Uint8Array.of(1, 0, 0, 0, 0) },
    'minus infinity',
  );
  refused({ value: new Float64Array(5).fill(Infinity) }, 'not finite');
  refused({ cover: new Float64Array(5).fill(-1) }, 'cover');
  refused({ cover: new Float64Array(5) }, 'sum to nothing');
  refused({ value: new Float64Array(4) }, 'differ in length');
  refused({ width: 0 }, 'width');
  refused({ width: 32_768 }, 'width');
  refused({ base: Number.NaN }, 'base');
  const deep = comb(257);
  assert.throws(() => TreeEnsemble.fromArrays(toArrays([deep], 257)), /deeper than 256/);
});

test.run();

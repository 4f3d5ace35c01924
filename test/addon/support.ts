/** Slow references that share nothing with the native code, and small random inputs. */

import { goesLeft, type PlainTree } from '../../bench/trees/saved-forest.ts';
import type { TreeArrays } from '../../runtime/addon/binding.ts';

/** Mulberry32: tests need the same rows every time. */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function randomRows(count: number, width: number, seed: number): Float64Array {
  const random = randomSource(seed);
  return Float64Array.from({ length: count * width }, () => random() + random() + random());
}

export function coverOf(tree: PlainTree): number {
  return 'value' in tree ? tree.cover : coverOf(tree.left) + coverOf(tree.right);
}

export function leafValue(tree: PlainTree, row: Float64Array): number {
  if ('value' in tree) return tree.value;
  return leafValue(goesLeft(tree, row) ? tree.left : tree.right, row);
}

/** The tree_path_dependent game: known features follow the row, the others split by cover. */
export function expectation(tree: PlainTree, row: Float64Array, known: number): number {
  if ('value' in tree) return tree.value;
  if (known & (1 << tree.feature)) {
    return expectation(goesLeft(tree, row) ? tree.left : tree.right, row, known);
  }
  const total = coverOf(tree);
  const share = total > 0 ? coverOf(tree.left) / total : 0.5;
  return share * expectation(tree.left, row, known) + (1 - share) * expectation(tree.right, row, known);
}

/** Shapley values by enumerating every subset of the features. */
export function bruteForceShapley(trees: readonly PlainTree[], row: Float64Array): Float64Array {
  const width = row.length;
  const game = Array.from({ length: 2 ** width }, (_, known) =>
    trees.reduce((sum, tree) => sum + expectation(tree, row, known), 0),
  );
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
  const out = new Float64Array(width);
  for (let known = 0; known < game.length; known++) {
    const size = known.toString(2).replaceAll('0', '').length;
    for (let i = 0; i < width; i++) {
      if (known & (1 << i)) continue;
      const weight = (factorial(size) * factorial(width - size - 1)) / factorial(width);
      out[i]! += weight * (game[known | (1 << i)]! - game[known]!);
    }
  }
  return out;
}

export function toArrays(trees: readonly PlainTree[], width: number, base = 0, scale = 1): TreeArrays {
  const rows: { feature: number; threshold: number; left: number; right: number; tree: PlainTree }[] = [];
  const add = (tree: PlainTree): number => {
    const at = rows.push({ feature: -1, threshold: 0, left: 0, right: 0, tree }) - 1;
    if ('value' in tree) return at;
    // Right before left: the addon must not rely on any order.
    const right = add(tree.right);
    const left = add(tree.left);
    rows[at] = { feature: tree.feature, threshold: tree.threshold, left, right, tree };
    return at;
  };
  const roots = Int32Array.from(trees, add);
  return {
    width,
    base,
    scale,
    roots,
    feature: Int32Array.from(rows, (row) => row.feature),
    threshold: Float32Array.from(rows, (row) => row.threshold),
    left: Int32Array.from(rows, (row) => row.left),
    right: Int32Array.from(rows, (row) => row.right),
    value: Float64Array.from(rows, ({ tree }) => ('value' in tree ? tree.value : 0)),
    cover: Float64Array.from(rows, ({ tree }) => ('value' in tree ? tree.cover : 0)),
    strict: Uint8Array.from(rows, ({ tree }) => ('value' in tree ? 0 : Number(tree.strict))),
    missingLeft: Uint8Array.from(rows, ({ tree }) => ('value' in tree ? 0 : Number(tree.missingLeft))),
  };
}

/** A tree of at most `depth` levels; thresholds and rows share a grid, so that equality happens. */
export function randomTree(random: () => number, width: number, depth: number): PlainTree {
  if (depth === 0 || random() < 0.15) {
    return { value: random() * 4 - 2, cover: random() < 0.05 ? 0 : Math.ceil(random() * 20) };
  }
  return {
    feature: Math.floor(random() * width),
    threshold: Math.round(random() * 8) / 8,
    strict: random() < 0.3,
    missingLeft: random() < 0.5,
    left: randomTree(random, width, depth - 1),
    right: randomTree(random, width, depth - 1),
  };
}

export function randomGridRow(random: () => number, width: number): Float64Array {
  return Float64Array.from({ length: width }, () =>
    random() < 0.15 ? Number.NaN : Math.round(random() * 8) / 8,
  );
}

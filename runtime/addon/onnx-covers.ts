/** How many training rows reached each leaf of an isolation forest, told from what the leaf is worth. */

import type { TreeArrays } from './binding.ts';

type TreeShape = Pick<TreeArrays, 'roots' | 'feature' | 'left' | 'right'>;

const EULER_GAMMA = 0.5772156649015329;
/** Of a leaf's value, which was rounded to float32. */
const TOLERANCE = 1e-6;
/** Beyond this, c(n) and c(n + 1) are the same float32. */
const MOST_ROWS = 2 ** 16;

interface Leaves {
  /** Edges from the root; -1 in inner nodes. */
  readonly depth: Int32Array;
  /** Index of the tree. */
  readonly tree: Int32Array;
}

/** Nodes that no root leads to (the addon refuses them) count as roots. */
function findLeaves(nodes: TreeShape): Leaves {
  const depth = new Int32Array(nodes.feature.length).fill(-1);
  const tree = new Int32Array(nodes.feature.length);
  const stack = [...nodes.roots];
  nodes.roots.forEach((root, index) => {
    depth[root] = 0;
    tree[root] = index;
  });
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (nodes.feature[at] === -1) continue;
    for (const child of [nodes.left[at]!, nodes.right[at]!]) {
      if (depth[child] !== -1) continue; // met before: no tree, and refused later
      depth[child] = depth[at]! + 1;
      tree[child] = tree[at]!;
      stack.push(child);
    }
  }
  return { depth: depth.map((levels, at) => (nodes.feature[at] === -1 ? Math.max(0, levels) : -1)), tree };
}

/**
 * Solves `value = depth + c(n)` for each leaf's n.
 * @returns undefined when a leaf has no such n or the trees' sums of n differ, so that these are not the path
 * lengths of an isolation forest: each of its trees is grown from as many rows.
 */
export function coversFromPathLengths(value: Float64Array, nodes: TreeShape): Float64Array | undefined {
  const cover = new Float64Array(value.length);
  const { depth, tree } = findLeaves(nodes);
  const sums = new Float64Array(nodes.roots.length);
  for (let i = 0; i < value.length; i++) {
    if (depth[i] === -1) continue;
    const rest = value[i]! - depth[i]!;
    const rows = rowsForPathLength(rest);
    if (Math.abs(averagePathLength(rows) - rest) > TOLERANCE * Math.max(1, value[i]!)) return undefined;
    cover[i] = rows;
    sums[tree[i]!]! += rows;
  }
  return sums.every((sum) => sum === sums[0]) ? cover : undefined;
}

/** c(n): the mean path length of an unsuccessful search among n rows. */
function averagePathLength(n: number): number {
  if (n < 2) return 0;
  return n === 2 ? 1 : 2 * (Math.log(n - 1) + EULER_GAMMA) - (2 * (n - 1)) / n;
}

/** The whole n >= 1 whose c(n) is nearest; c grows with n. */
function rowsForPathLength(length: number): number {
  let low = 1;
  let high = MOST_ROWS;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (averagePathLength(middle) <= length) low = middle;
    else high = middle;
  }
  return length - averagePathLength(low) <= averagePathLength(high) - length ? low : high;
}

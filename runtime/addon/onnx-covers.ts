/** How many training rows reached each leaf of an isolation forest, told from what the leaf is worth. */

import type { TreeArrays } from './binding.ts';

const EULER_GAMMA = 0.5772156649015329;
/** Of a leaf's value, which was rounded to float32 and computed by another program. */
const TOLERANCE = 1e-5;
const MOST_ROWS = 2 ** 24;

/** Edges from the root to each leaf; nodes that no root leads to (the addon refuses them) keep 0. */
export function leafDepths(nodes: Pick<TreeArrays, 'roots' | 'feature' | 'left' | 'right'>): Int32Array {
  const depth = new Int32Array(nodes.feature.length).fill(-1);
  const stack = [...nodes.roots];
  for (const root of nodes.roots) depth[root] = 0;
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (nodes.feature[at] === -1) continue;
    for (const child of [nodes.left[at]!, nodes.right[at]!]) {
      if (depth[child] !== -1) continue; // met before: no tree, and refused later
      depth[child] = depth[at]! + 1;
      stack.push(child);
    }
  }
  return depth.map((levels, at) => (nodes.feature[at] === -1 ? Math.max(0, levels) : -1));
}

/**
 * Solves `value = depth + c(n)` for each leaf's n.
 * @param depths -1 for inner nodes.
 * @returns undefined when a leaf has no such n, so that these are not an isolation forest's path lengths.
 */
export function coversFromPathLengths(value: Float64Array, depths: Int32Array): Float64Array | undefined {
  const cover = new Float64Array(value.length);
  for (let i = 0; i < value.length; i++) {
    if (depths[i] === -1) continue;
    const rest = value[i]! - depths[i]!;
    const rows = rowsForPathLength(rest);
    if (Math.abs(averagePathLength(rows) - rest) > TOLERANCE * Math.max(1, value[i]!)) return undefined;
    cover[i] = rows;
  }
  return cover;
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

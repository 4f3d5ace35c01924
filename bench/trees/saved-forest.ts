/** Reads a saved ensemble by the format's description, independently of the addon, and scores it the slow way. */

export type PlainTree =
  | { readonly value: number; readonly cover: number }
  | {
      readonly feature: number;
      readonly threshold: number;
      /** Left is taken below the threshold, rather than at most at it. */
      readonly strict: boolean;
      readonly missingLeft: boolean;
      readonly left: PlainTree;
      readonly right: PlainTree;
    };

export interface SavedForest {
  readonly width: number;
  readonly sampleSize: number;
  readonly scale: number;
  readonly trees: readonly PlainTree[];
}

const HEADER_BYTES = 40;
const LEAF = 0xffff;

export function readSavedForest(saved: Buffer): SavedForest {
  const treeCount = saved.readUInt32LE(16);
  const sizes = Array.from({ length: treeCount }, (_, i) => saved.readUInt32LE(HEADER_BYTES + 4 * i));
  let at = HEADER_BYTES + 4 * treeCount;
  const trees = sizes.map((size) => {
    const nodes = Array.from({ length: size }, () => {
      const tag = saved.readUInt16LE(at);
      const leaf = tag === LEAF;
      const node = leaf
        ? { value: saved.readDoubleLE(at + 2), cover: saved.readDoubleLE(at + 10) }
        : { feature: tag & 0x7fff, missingLeft: tag >= 0x8000, threshold: saved.readFloatLE(at + 2) };
      at += leaf ? 18 : 6;
      return node;
    });
    return link(nodes);
  });
  return {
    width: saved.readUInt32LE(8),
    sampleSize: saved.readUInt32LE(12),
    scale: saved.readDoubleLE(32),
    trees,
  };
}

type FlatNode =
  | { value: number; cover: number }
  | { feature: number; missingLeft: boolean; threshold: number };

/** Breadth-first: the k-th inner node's children are 1 + 2k and 2 + 2k. */
function link(nodes: readonly FlatNode[]): PlainTree {
  let next = -1;
  const first = nodes.map((node) => {
    if ('value' in node) return 0;
    next += 2;
    return next;
  });
  const build = (i: number): PlainTree => {
    const node = nodes[i]!;
    if ('value' in node) return node;
    return { ...node, strict: false, left: build(first[i]!), right: build(first[i]! + 1) };
  };
  return build(0);
}

export function goesLeft(tree: Exclude<PlainTree, { value: number }>, row: Float64Array): boolean {
  const value = Math.fround(row[tree.feature]!);
  if (Number.isNaN(value)) return tree.missingLeft;
  return tree.strict ? value < tree.threshold : value <= tree.threshold;
}

export function averagePathLength(n: number): number {
  if (n < 2) return 0;
  return n === 2 ? 1 : 2 * (Math.log(n - 1) + 0.5772156649015329) - (2 * (n - 1)) / n;
}

/** Edges passed plus c(rows in the leaf), by the tree's shape and covers alone. */
export function pathLength(tree: PlainTree, row: Float64Array, depth = 0): number {
  if ('value' in tree) return depth + averagePathLength(tree.cover);
  return pathLength(goesLeft(tree, row) ? tree.left : tree.right, row, depth + 1);
}

/** The definition: minus the mean path length over the path length expected of the sample. */
export function referenceScore({ trees, sampleSize }: SavedForest, row: Float64Array): number {
  const sum = trees.reduce((total, tree) => total + pathLength(tree, row), 0);
  return -sum / trees.length / averagePathLength(sampleSize);
}

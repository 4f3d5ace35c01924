/** The attributes of an `ai.onnx.ml` TreeEnsembleRegressor as flat arrays. */

import { ModelError } from '../core/errors.ts';
import type { TreeArrays } from './binding.ts';
import { coversFromPathLengths } from './onnx-covers.ts';
import type { OnnxAttribute, OnnxNode } from './onnx-proto.ts';

/**
 * TreeSHAP weighs the ways at a node by the training rows that took them, which ONNX files seldom carry.
 * - `hit-rates`: the file's nodes_hitrates, where they differ among the leaves.
 * - `path-lengths`: an isolation forest's leaf is worth its depth + c(rows in it), so the rows can be told from it.
 * - `leaf-counts`: neither; every leaf weighs the same, and contributions are relative to that.
 */
export type CoverSource = 'hit-rates' | 'path-lengths' | 'leaf-counts';

export interface RegressorTrees {
  readonly arrays: TreeArrays;
  readonly covers: CoverSource;
}

const MAX_WIDTH = 32_767;
const MAX_TREE_ID = 2 ** 20;

/** @throws ModelError `bad-model` or `unsupported-model`. */
export function readRegressor(node: OnnxNode, declaredWidth: number | undefined): RegressorTrees {
  if (node.domain !== 'ai.onnx.ml' || node.opType !== 'TreeEnsembleRegressor') {
    throw new ModelError(
      'unsupported-model',
      `ONNX node ${node.domain}.${node.opType} (${node.name}) is not a TreeEnsembleRegressor of ai.onnx.ml`,
    );
  }
  const attributes = new Attributes(node);
  attributes.requireText('post_transform', ['NONE']);
  attributes.requireOneTarget();
  const aggregate = attributes.requireText('aggregate_function', ['SUM', 'AVERAGE']);
  const nodes = readNodes(attributes);
  const treeCount = nodes.roots.length;
  const feature = nodes.feature;
  const width = declaredWidth ?? feature.reduce((most, id) => Math.max(most, id), 0) + 1;
  if (width > MAX_WIDTH)
    throw new ModelError(
      'unsupported-model',
      `the ONNX trees read ${width} columns; at most 32,767 are supported`,
    );
  const value = readLeafValues(attributes, nodes);
  const { cover, covers } = readCovers(attributes, nodes, value);
  const base = attributes.floats('base_values', 1, true)[0] ?? 0;
  const scale = aggregate === 'AVERAGE' ? 1 / treeCount : 1;
  const { roots, threshold, left, right, strict, missingLeft } = nodes;
  return {
    arrays: { width, base, scale, roots, feature, threshold, left, right, value, cover, strict, missingLeft },
    covers,
  };
}

type Nodes = Omit<TreeArrays, 'width' | 'base' | 'scale' | 'value' | 'cover'> & {
  readonly index: ReadonlyMap<number, number>;
};

/** Which way is left, and how its test compares: `x > t` is `x <= t` with the ways exchanged. */
const MODES: Readonly<Record<string, { readonly swap: boolean; readonly strict: 0 | 1 }>> = {
  BRANCH_LEQ: { swap: false, strict: 0 },
  BRANCH_LT: { swap: false, strict: 1 },
  BRANCH_GT: { swap: true, strict: 0 },
  BRANCH_GTE: { swap: true, strict: 1 },
};

function readNodes(attributes: Attributes): Nodes {
  const treeIds = attributes.ints('nodes_treeids', undefined);
  const count = treeIds.length;
  if (count === 0) throw new ModelError('bad-model', 'the ONNX trees have no nodes');
  const nodeIds = attributes.ints('nodes_nodeids', count);
  const index = indexNodes(treeIds, nodeIds);
  const modes = attributes.texts('nodes_modes', count);
  const featureIds = attributes.ints('nodes_featureids', count);
  const whenTrue = attributes.ints('nodes_truenodeids', count);
  const whenFalse = attributes.ints('nodes_falsenodeids', count);
  const tracksTrue = attributes.ints('nodes_missing_value_tracks_true', count, true);
  const threshold = Float32Array.from(attributes.floats('nodes_values', count));
  const feature = new Int32Array(count).fill(-1);
  const left = new Int32Array(count);
  const right = new Int32Array(count);
  const strict = new Uint8Array(count);
  const missingLeft = new Uint8Array(count);
  const isChild = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    if (modes[i] === 'LEAF') continue;
    const mode = MODES[modes[i]!];
    if (!mode) throw new ModelError('unsupported-model', `ONNX tree node ${i} has mode ${modes[i]}`);
    if (featureIds[i]! < 0)
      throw new ModelError('bad-model', `ONNX tree node ${i} reads column ${featureIds[i]}`);
    const children = [whenTrue[i]!, whenFalse[i]!].map((id) => {
      const child = index.get(nodeKey(treeIds[i]!, id));
      if (child === undefined)
        throw new ModelError('bad-model', `ONNX tree node ${i} leads to ${id}, which is not in its tree`);
      isChild[child] = 1;
      return child;
    });
    feature[i] = featureIds[i]!;
    strict[i] = mode.strict;
    left[i] = children[mode.swap ? 1 : 0]!;
    right[i] = children[mode.swap ? 0 : 1]!;
    missingLeft[i] = (tracksTrue[i] === 1) === mode.swap ? 0 : 1;
  }
  const roots = Int32Array.from(treeIds.keys().filter((i) => !isChild[i]));
  if (roots.length !== new Set(treeIds).size)
    throw new ModelError('bad-model', 'the ONNX trees do not have one root each');
  return { index, roots, feature, threshold, left, right, strict, missingLeft };
}

function indexNodes(treeIds: readonly number[], nodeIds: readonly number[]): Map<number, number> {
  const index = new Map<number, number>();
  for (let i = 0; i < treeIds.length; i++) {
    if (treeIds[i]! < 0 || treeIds[i]! >= MAX_TREE_ID || nodeIds[i]! < 0) {
      throw new ModelError('bad-model', `ONNX tree node ${i} has ids ${treeIds[i]}, ${nodeIds[i]}`);
    }
    index.set(nodeKey(treeIds[i]!, nodeIds[i]!), i);
  }
  if (index.size !== treeIds.length)
    throw new ModelError('bad-model', 'two ONNX tree nodes have the same ids');
  return index;
}

function nodeKey(treeId: number, nodeId: number): number {
  return treeId * 2 ** 31 + nodeId;
}

function readLeafValues(attributes: Attributes, nodes: Nodes): Float64Array {
  const weights = attributes.floats('target_weights', undefined);
  const treeIds = attributes.ints('target_treeids', weights.length);
  const nodeIds = attributes.ints('target_nodeids', weights.length);
  const targets = attributes.ints('target_ids', weights.length);
  const value = new Float64Array(nodes.feature.length);
  for (let i = 0; i < weights.length; i++) {
    const at = nodes.index.get(nodeKey(treeIds[i]!, nodeIds[i]!));
    if (at === undefined || nodes.feature[at] !== -1) {
      throw new ModelError('bad-model', `ONNX target weight ${i} belongs to no leaf`);
    }
    if (targets[i] !== 0)
      throw new ModelError('unsupported-model', 'the ONNX trees have more than one target');
    value[at]! += weights[i]!;
  }
  return value;
}

function readCovers(
  attributes: Attributes,
  nodes: Nodes,
  value: Float64Array,
): { cover: Float64Array; covers: CoverSource } {
  const rates = attributes.floats('nodes_hitrates', nodes.feature.length, true);
  const leaves = [...nodes.feature.keys()].filter((i) => nodes.feature[i] === -1);
  // Exporters fill the attribute with ones when they do not know.
  if (
    rates.length > 0 &&
    leaves.every((i) => rates[i]! > 0) &&
    leaves.some((i) => rates[i] !== rates[leaves[0]!])
  ) {
    return { cover: Float64Array.from(rates), covers: 'hit-rates' };
  }
  const cover = coversFromPathLengths(value, nodes);
  if (cover) return { cover, covers: 'path-lengths' };
  return { cover: new Float64Array(nodes.feature.length).fill(1), covers: 'leaf-counts' };
}

/** Typed access to a node's attributes, with every length checked before anything is allocated for it. */
class Attributes {
  readonly #byName: ReadonlyMap<string, OnnxAttribute>;

  constructor(node: OnnxNode) {
    this.#byName = new Map(node.attribute.map((attribute) => [attribute.name, attribute]));
    for (const name of this.#byName.keys()) {
      if (name.endsWith('_as_tensor')) {
        throw new ModelError(
          'unsupported-model',
          `ONNX attribute ${name}: trees in float64 are not supported`,
        );
      }
    }
  }

  ints(name: string, length: number | undefined, optional = false): readonly number[] {
    return this.#sized(name, this.#byName.get(name)?.ints ?? [], length, optional);
  }

  floats(name: string, length: number | undefined, optional = false): readonly number[] {
    return this.#sized(name, this.#byName.get(name)?.floats ?? [], length, optional);
  }

  texts(name: string, length: number): readonly string[] {
    const strings = this.#sized(name, this.#byName.get(name)?.strings ?? [], length, false);
    return strings.map((bytes) => Buffer.from(bytes).toString('latin1'));
  }

  /** @returns the text, the first of those supported where the file says nothing. */
  requireText(name: string, supported: readonly string[]): string {
    const attribute = this.#byName.get(name);
    const text = attribute ? Buffer.from(attribute.s).toString('latin1') : supported[0]!;
    if (supported.includes(text)) return text;
    throw new ModelError(
      'unsupported-model',
      `ONNX attribute ${name} is ${text}; supported: ${supported.join(', ')}`,
    );
  }

  requireOneTarget(): void {
    const targets = this.#byName.get('n_targets')?.i ?? 1;
    if (targets !== 1)
      throw new ModelError('unsupported-model', `the ONNX trees have ${targets} targets; one is supported`);
  }

  #sized<T>(name: string, list: readonly T[], length: number | undefined, optional: boolean): readonly T[] {
    if (length === undefined || list.length === length || (optional && list.length === 0)) return list;
    throw new ModelError(
      'bad-model',
      `ONNX attribute ${name} has ${list.length} values instead of ${length}`,
    );
  }
}

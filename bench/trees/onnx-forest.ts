/** Writes an isolation forest as an ONNX TreeEnsembleRegressor, so that ONNX Runtime can score the same trees. */

import { ONNX_DESCRIPTOR } from '../../runtime/addon/onnx-proto.ts';
import type { PlainTree, SavedForest } from './saved-forest.ts';

/** A model with input X [N, width] and output `sum`: the score itself, with the scale inside the leaves. */
export async function encodeForest(forest: SavedForest): Promise<Buffer> {
  const { default: protobuf } = await import('protobufjs/light.js');
  const type = protobuf.Root.fromJSON(ONNX_DESCRIPTOR).lookupType('Model');
  const tensor = (name: string, columns: number) => ({
    name,
    type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'N' }, { dimValue: columns }] } } },
  });
  const model = {
    irVersion: 8,
    opsetImport: [
      { domain: '', version: 17 },
      { domain: 'ai.onnx.ml', version: 3 },
    ],
    graph: {
      name: 'forest',
      node: [
        {
          opType: 'TreeEnsembleRegressor',
          domain: 'ai.onnx.ml',
          name: 'trees',
          input: ['X'],
          output: ['sum'],
          attribute: new AttributeWriter(forest).attributes(),
        },
      ],
      input: [tensor('X', forest.width)],
      output: [tensor('sum', 1)],
    },
  };
  return Buffer.from(type.encode(type.fromObject(model)).finish());
}

const FLOATS = 6;
const INTS = 7;
const STRINGS = 8;

class AttributeWriter {
  readonly #ints: Record<string, number[]> = {};
  readonly #floats: Record<string, number[]> = {};
  readonly #modes: Buffer[] = [];
  readonly #scale: number;
  #nodes = 0;

  constructor({ trees, scale }: SavedForest) {
    this.#scale = scale;
    for (const [id, tree] of trees.entries()) {
      this.#nodes = 0;
      this.#add(tree, id);
    }
  }

  attributes(): object[] {
    return [
      ...Object.entries(this.#ints).map(([name, ints]) => ({ name, ints, type: INTS })),
      ...Object.entries(this.#floats).map(([name, floats]) => ({ name, floats, type: FLOATS })),
      { name: 'nodes_modes', strings: this.#modes, type: STRINGS },
      { name: 'n_targets', i: 1, type: 2 },
    ];
  }

  #add(tree: PlainTree, treeId: number): number {
    const id = this.#nodes++;
    const leaf = 'value' in tree;
    this.#push('nodes_treeids', treeId);
    this.#push('nodes_nodeids', id);
    this.#push('nodes_featureids', leaf ? 0 : tree.feature);
    this.#push('nodes_missing_value_tracks_true', !leaf && tree.missingLeft ? 1 : 0);
    const at = this.#push('nodes_truenodeids', 0);
    this.#push('nodes_falsenodeids', 0);
    append(this.#floats, 'nodes_values', leaf ? 0 : tree.threshold);
    this.#modes.push(Buffer.from(leaf ? 'LEAF' : 'BRANCH_LEQ'));
    if (leaf) {
      this.#push('target_treeids', treeId);
      this.#push('target_nodeids', id);
      this.#push('target_ids', 0);
      append(this.#floats, 'target_weights', tree.value * this.#scale);
    } else {
      this.#ints.nodes_truenodeids![at] = this.#add(tree.left, treeId);
      this.#ints.nodes_falsenodeids![at] = this.#add(tree.right, treeId);
    }
    return id;
  }

  #push(name: string, value: number): number {
    return append(this.#ints, name, value);
  }
}

/** @returns where the value went */
function append(lists: Record<string, number[]>, name: string, value: number): number {
  lists[name] ??= [];
  return lists[name].push(value) - 1;
}

/** Writes small ONNX models with protobufjs, by the message descriptor that the reader uses. */

import protobuf from 'protobufjs/light.js';
import { ONNX_DESCRIPTOR } from '../../runtime/addon/onnx-proto.ts';

type Json = Record<string, unknown>;

export const ints = (name: string, values: number[]): Json => ({ name, ints: values, type: 7 });
export const floats = (name: string, values: number[]): Json => ({ name, floats: values, type: 6 });
export const text = (name: string, value: string): Json => ({ name, s: Buffer.from(value), type: 3 });
export const texts = (name: string, values: string[]): Json => ({
  name,
  strings: values.map((value) => Buffer.from(value)),
  type: 8,
});
export const scalar = (name: string, value: number): Json => ({
  name,
  dims: [],
  dataType: 1,
  floatData: [value],
});
export const operation = (opType: string, input: string[], output: string): Json => ({
  opType,
  input,
  output: [output],
  name: `the-${opType.toLowerCase()}`,
});

/** Two trees over two columns: tree 0 is x0 <= 0.5 ? 1 : (x1 < 2 ? 10 : 20), tree 1 is x1 > 1 ? 100 : 200. */
export function attributes(): Json[] {
  return [
    ints('nodes_treeids', [0, 0, 0, 0, 0, 7, 7, 7]),
    ints('nodes_nodeids', [0, 1, 2, 3, 4, 0, 1, 2]),
    ints('nodes_featureids', [0, 0, 1, 0, 0, 1, 0, 0]),
    texts('nodes_modes', ['BRANCH_LEQ', 'LEAF', 'BRANCH_LT', 'LEAF', 'LEAF', 'BRANCH_GT', 'LEAF', 'LEAF']),
    floats('nodes_values', [0.5, 0, 2, 0, 0, 1, 0, 0]),
    ints('nodes_truenodeids', [1, 0, 3, 0, 0, 1, 0, 0]),
    ints('nodes_falsenodeids', [2, 0, 4, 0, 0, 2, 0, 0]),
    ints('nodes_missing_value_tracks_true', [0, 0, 1, 0, 0, 1, 0, 0]),
    ints('target_treeids', [0, 0, 0, 7, 7]),
    ints('target_nodeids', [1, 3, 4, 1, 2]),
    ints('target_ids', [0, 0, 0, 0, 0]),
    floats('target_weights', [1, 10, 20, 100, 200]),
    { name: 'n_targets', i: 1, type: 2 },
    text('post_transform', 'NONE'),
  ];
}

export interface ModelParts {
  attribute?: Json[];
  /** Nodes after the trees, whose result is called `sum`. */
  after?: Json[];
  initializer?: Json[];
  /** The graph's output. */
  output?: string;
  width?: number;
  trees?: Json;
}

export function encodeModel(parts: ModelParts = {}): Buffer {
  const { attribute = attributes(), after = [], initializer = [], output = 'sum', width = 2 } = parts;
  const tensor = (name: string, columns: number) => ({
    name,
    type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'N' }, { dimValue: columns }] } } },
  });
  const trees = {
    ...{
      opType: 'TreeEnsembleRegressor',
      domain: 'ai.onnx.ml',
      name: 'trees',
      input: ['X'],
      output: ['sum'],
    },
    attribute,
    ...parts.trees,
  };
  const type = protobuf.Root.fromJSON(ONNX_DESCRIPTOR).lookupType('Model');
  const model = {
    irVersion: 8,
    opsetImport: [
      { domain: '', version: 17 },
      { domain: 'ai.onnx.ml', version: 3 },
    ],
    graph: {
      name: 'g',
      node: [trees, ...after],
      initializer,
      input: [tensor('X', width)],
      output: [tensor(output, 1)],
    },
  };
  return Buffer.from(type.encode(type.fromObject(model)).finish());
}

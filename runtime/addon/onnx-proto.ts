/** The few ONNX messages that a tree ensemble needs, read with protobufjs. Field numbers are those of onnx.proto. */

import { ModelError } from '../core/errors.ts';

export interface OnnxTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  readonly floatData: readonly number[];
  readonly doubleData: readonly number[];
  readonly int64Data: readonly number[];
  readonly rawData: Uint8Array;
}

export interface OnnxAttribute {
  readonly name: string;
  readonly f: number;
  readonly i: number;
  readonly s: Uint8Array;
  readonly t: OnnxTensor | null;
  readonly floats: readonly number[];
  readonly ints: readonly number[];
  readonly strings: readonly Uint8Array[];
}

export interface OnnxNode {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly attribute: readonly OnnxAttribute[];
}

export interface OnnxValueInfo {
  readonly name: string;
  readonly type: {
    readonly tensorType: {
      readonly elemType: number;
      readonly shape: { readonly dim: readonly { readonly dimValue: number }[] } | null;
    } | null;
  } | null;
}

export interface OnnxGraph {
  readonly node: readonly OnnxNode[];
  readonly name: string;
  readonly initializer: readonly OnnxTensor[];
  readonly input: readonly OnnxValueInfo[];
  readonly output: readonly OnnxValueInfo[];
}

type Fields = Record<string, { id: number; type: string; rule?: 'repeated' }>;
const one = (id: number, type: string) => ({ id, type });
const many = (id: number, type: string) => ({ id, type, rule: 'repeated' as const });
const message = (fields: Fields) => ({ fields });

/**
 * int64 fields are declared int32: ids and sizes of trees fit, numbers stay plain, and what does not fit fails the
 * checks that follow.
 */
export const ONNX_DESCRIPTOR = {
  nested: {
    Model: message({ irVersion: one(1, 'int32'), graph: one(7, 'Graph'), opsetImport: many(8, 'Opset') }),
    Opset: message({ domain: one(1, 'string'), version: one(2, 'int32') }),
    Graph: message({
      node: many(1, 'Node'),
      name: one(2, 'string'),
      initializer: many(5, 'Tensor'),
      input: many(11, 'ValueInfo'),
      output: many(12, 'ValueInfo'),
    }),
    Node: message({
      input: many(1, 'string'),
      output: many(2, 'string'),
      name: one(3, 'string'),
      opType: one(4, 'string'),
      attribute: many(5, 'Attribute'),
      domain: one(7, 'string'),
    }),
    Attribute: message({
      name: one(1, 'string'),
      f: one(2, 'float'),
      i: one(3, 'int32'),
      s: one(4, 'bytes'),
      t: one(5, 'Tensor'),
      floats: many(7, 'float'),
      ints: many(8, 'int32'),
      strings: many(9, 'bytes'),
      type: one(20, 'int32'),
    }),
    Tensor: message({
      dims: many(1, 'int32'),
      dataType: one(2, 'int32'),
      floatData: many(4, 'float'),
      int64Data: many(7, 'int32'),
      name: one(8, 'string'),
      rawData: one(9, 'bytes'),
      doubleData: many(10, 'double'),
    }),
    ValueInfo: message({ name: one(1, 'string'), type: one(2, 'Type') }),
    Type: message({ tensorType: one(1, 'TensorType') }),
    TensorType: message({ elemType: one(1, 'int32'), shape: one(2, 'Shape') }),
    Shape: message({ dim: many(1, 'Dimension') }),
    Dimension: message({ dimValue: one(1, 'int32'), dimParam: one(2, 'string') }),
  },
};

/** Decoded lists take about ten times their bytes; a forest of thousands of trees is a tenth of this. */
const MAX_MODEL_BYTES = 64 * 1024 ** 2;

/** @throws ModelError `bad-model` when the bytes are no ONNX model. */
export async function decodeGraph(bytes: Uint8Array): Promise<OnnxGraph> {
  if (bytes.length > MAX_MODEL_BYTES) {
    throw new ModelError(
      'bad-model',
      `the ONNX model has ${bytes.length} bytes; trees are read up to 64 MiB`,
    );
  }
  // Only nodes that load such a file pay for the parser.
  const { default: protobuf } = await import('protobufjs/light.js');
  const type = protobuf.Root.fromJSON(ONNX_DESCRIPTOR).lookupType('Model');
  let graph: OnnxGraph | null;
  try {
    graph = (type.decode(bytes) as unknown as { graph: OnnxGraph | null }).graph;
  } catch (cause) {
    throw new ModelError('bad-model', 'the bytes are no ONNX model', { cause });
  }
  if (!graph || graph.node.length === 0) throw new ModelError('bad-model', 'the ONNX model has no graph');
  return graph;
}

/**
 * The messages of onnx.proto as one table: field number, type, and whether the field repeats. The decoder reads by it
 * and its result types come from it.
 */

/** int, long and ulong are int32 (and enums), int64 and uint64. */
export type ScalarType = 'int' | 'long' | 'ulong' | 'float' | 'double' | 'string' | 'bytes';
export type FieldSpec = readonly [number: number, type: string, rule?: 'many'];

export const MESSAGES = {
  Model: {
    irVersion: [1, 'long'],
    producerName: [2, 'string'],
    producerVersion: [3, 'string'],
    graph: [7, 'Graph'],
    opsetImport: [8, 'Opset', 'many'],
    metadata: [14, 'Entry', 'many'],
    functions: [25, 'Function', 'many'],
  },
  Opset: { domain: [1, 'string'], version: [2, 'long'] },
  Entry: { key: [1, 'string'], value: [2, 'string'] },
  Function: { name: [1, 'string'], node: [7, 'Node', 'many'], domain: [10, 'string'] },
  Graph: {
    node: [1, 'Node', 'many'],
    name: [2, 'string'],
    initializer: [5, 'Tensor', 'many'],
    input: [11, 'ValueInfo', 'many'],
    output: [12, 'ValueInfo', 'many'],
    valueInfo: [13, 'ValueInfo', 'many'],
    sparseInitializer: [15, 'SparseTensor', 'many'],
  },
  Node: {
    input: [1, 'string', 'many'],
    output: [2, 'string', 'many'],
    name: [3, 'string'],
    opType: [4, 'string'],
    attribute: [5, 'Attribute', 'many'],
    domain: [7, 'string'],
  },
  Attribute: {
    name: [1, 'string'],
    f: [2, 'float'],
    i: [3, 'long'],
    s: [4, 'bytes'],
    t: [5, 'Tensor'],
    g: [6, 'Graph'],
    floats: [7, 'float', 'many'],
    ints: [8, 'long', 'many'],
    strings: [9, 'bytes', 'many'],
    graphs: [11, 'Graph', 'many'],
    type: [20, 'int'],
  },
  Tensor: {
    dims: [1, 'long', 'many'],
    dataType: [2, 'int'],
    floatData: [4, 'float', 'many'],
    int32Data: [5, 'int', 'many'],
    stringData: [6, 'bytes', 'many'],
    int64Data: [7, 'long', 'many'],
    name: [8, 'string'],
    rawData: [9, 'bytes'],
    doubleData: [10, 'double', 'many'],
    uint64Data: [11, 'ulong', 'many'],
    externalData: [13, 'Entry', 'many'],
    dataLocation: [14, 'int'],
  },
  SparseTensor: { values: [1, 'Tensor'] },
  ValueInfo: { name: [1, 'string'], type: [2, 'Type'] },
  Type: { tensorType: [1, 'TensorType'] },
  TensorType: { elemType: [1, 'int'], shape: [2, 'Shape'] },
  Shape: { dim: [1, 'Dimension', 'many'] },
  Dimension: { value: [1, 'long'], param: [2, 'string'] },
} as const satisfies Record<string, Record<string, FieldSpec>>;

export type MessageName = keyof typeof MESSAGES;

interface Scalars {
  int: number;
  long: bigint;
  ulong: bigint;
  float: number;
  double: number;
  string: string;
  bytes: Uint8Array;
}
interface Lists {
  int: Int32Array;
  long: BigInt64Array;
  ulong: BigUint64Array;
  float: Float32Array;
  double: Float64Array;
  string: readonly string[];
  bytes: readonly Uint8Array[];
}
type One<T> = T extends keyof Scalars ? Scalars[T] : T extends MessageName ? Decoded<T> : never;
type Many<T> = T extends keyof Lists ? Lists[T] : T extends MessageName ? readonly Decoded<T>[] : never;

/** A decoded message. What the file leaves out is undefined, be it a scalar, a message or a list. */
export type Decoded<M extends MessageName> = {
  readonly [F in keyof (typeof MESSAGES)[M]]?: (typeof MESSAGES)[M][F] extends readonly [
    number,
    infer T,
    'many',
  ]
    ? Many<T>
    : (typeof MESSAGES)[M][F] extends readonly [number, infer T]
      ? One<T>
      : never;
};

/** Writes ONNX models for tests: any operator, any type, also models that are wrong on purpose. */

import { encode, type Json } from '../../ota/model/onnx/encode.ts';

export { encode, type Json };

export const DATA_TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
  uint4: 21,
  int4: 22,
} as const;
export type DataType = keyof typeof DATA_TYPES;

type Data = ArrayLike<number> | ArrayLike<bigint>;

/** An attribute that is a float although its value is whole. */
export const float = (value: number): Json => ({ f: value, type: 1 });
/** An attribute of floats although their values are whole. */
export const floats = (values: ArrayLike<number>): Json => ({ floats: values, type: 6 });
/** A tensor attribute. */
export const tensor = (value: Json): Json => ({ t: value, type: 4 });
/** An attribute that is a subgraph. */
export const subgraph = (value: Json): Json => ({ g: value, type: 5 });

/** Whole numbers become ints, others floats; see `float` and `floats` for the rest. */
export type AttributeValue = number | string | readonly number[] | readonly string[] | Json;

/** Dimensions: numbers, names of free ones, or undefined for unknown ones; a shape left out is an unknown rank. */
export function info(name: string, type: DataType, shape?: readonly (number | string | undefined)[]): Json {
  const dim = shape?.map((size) =>
    typeof size === 'number' ? { value: size } : size ? { param: size } : {},
  );
  return {
    name,
    type: { tensorType: { elemType: DATA_TYPES[type], ...(dim && { shape: { dim } }) } },
  };
}

/** An initialiser with raw data. float16 elements are given as their bits. */
export function constant(name: string, type: DataType, dims: readonly number[], data: Data): Json {
  return { name, dataType: DATA_TYPES[type], dims, rawData: rawBytes(type, data) };
}

export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Record<string, AttributeValue> = {},
  name = `the-${output[0]}`,
): Json {
  const attribute = Object.entries(attributes).map(([key, value]) => ({
    name: key,
    ...attributeBody(value),
  }));
  return { opType, input, output, name, attribute };
}

export interface GraphParts {
  readonly inputs?: readonly Json[];
  readonly outputs?: readonly Json[];
  readonly nodes?: readonly Json[];
  readonly initializers?: readonly Json[];
  /** Further fields of the graph, such as valueInfo. */
  readonly more?: Json;
}

export function graph(parts: GraphParts): Json {
  return {
    name: 'g',
    node: parts.nodes ?? [],
    initializer: parts.initializers ?? [],
    input: parts.inputs ?? [],
    output: parts.outputs ?? [],
    ...parts.more,
  };
}

export interface ModelParts extends GraphParts {
  /** Default 17. */
  readonly opset?: number;
  /** Default 8. */
  readonly irVersion?: number;
  /** Further fields of the model. */
  readonly model?: Json;
}

export function onnxModel(parts: ModelParts): Buffer {
  const bytes = encode('Model', {
    irVersion: parts.irVersion ?? 8,
    opsetImport: [{ domain: '', version: parts.opset ?? 17 }],
    graph: graph(parts),
    ...parts.model,
  });
  return Buffer.from(bytes);
}

function attributeBody(value: AttributeValue): Json {
  if (typeof value === 'string') return { s: Buffer.from(value), type: 3 };
  if (typeof value === 'number') return Number.isInteger(value) ? { i: value, type: 2 } : float(value);
  if (!Array.isArray(value)) return value as Json;
  if (value.every((one) => typeof one === 'string')) {
    return { strings: value.map((one) => Buffer.from(one)), type: 8 };
  }
  return value.every((one) => Number.isInteger(one)) ? { ints: value, type: 7 } : floats(value as number[]);
}

const ARRAYS: Partial<Record<DataType, (data: never) => ArrayBufferView>> = {
  float32: (data) => Float32Array.from(data),
  float64: (data) => Float64Array.from(data),
  int8: (data) => Int8Array.from(data),
  uint8: (data) => Uint8Array.from(data),
  bool: (data) => Uint8Array.from(data),
  int16: (data) => Int16Array.from(data),
  uint16: (data) => Uint16Array.from(data),
  float16: (data) => Uint16Array.from(data),
  bfloat16: (data) => Uint16Array.from(data),
  int32: (data) => Int32Array.from(data),
  uint32: (data) => Uint32Array.from(data),
  int64: (data) => BigInt64Array.from(Array.from(data as ArrayLike<number>, BigInt)),
  uint64: (data) => BigUint64Array.from(Array.from(data as ArrayLike<number>, BigInt)),
};

function rawBytes(type: DataType, data: Data): Uint8Array {
  const make = ARRAYS[type];
  if (!make) return Uint8Array.from(data as ArrayLike<number>);
  const view = make(data as never);
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

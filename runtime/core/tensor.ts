/** Tensors as models take and give them. */

/** By the name of the type; in the order of their numbers in golden vectors, which is why new ones go last. */
export const TENSOR_ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;

export type TensorType = keyof typeof TENSOR_ARRAYS;
export const TENSOR_TYPES = Object.keys(TENSOR_ARRAYS) as [TensorType, ...TensorType[]];

/** float16 elements are their bits in a Uint16Array; int64 and uint64 are BigInt arrays; bool is one byte, 0 or 1. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

export interface Tensor {
  readonly type: TensorType;
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: TensorData;
}

/** By the name of the input or output. */
export type Tensors = Readonly<Record<string, Tensor>>;

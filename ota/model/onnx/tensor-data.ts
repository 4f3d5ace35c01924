/** One tensor of an ONNX file: its type, dimensions and bytes, each checked against the other. */

import { ModelError } from '../../../runtime/core/errors.ts';
import type { ElementType } from '../graph.ts';
import type { Decoded } from './messages.ts';

type TensorMessage = Decoded<'Tensor'>;

/** By TensorProto.DataType. */
const TYPES: ReadonlyMap<number, ElementType> = new Map([
  [1, 'float32'],
  [2, 'uint8'],
  [3, 'int8'],
  [4, 'uint16'],
  [5, 'int16'],
  [6, 'int32'],
  [7, 'int64'],
  [9, 'bool'],
  [10, 'float16'],
  [11, 'float64'],
  [12, 'uint32'],
  [13, 'uint64'],
]);
const OTHER_TYPES: ReadonlyMap<number, string> = new Map([
  [8, 'string'],
  [14, 'complex64'],
  [15, 'complex128'],
  [16, 'bfloat16'],
  [17, 'float8e4m3fn'],
  [18, 'float8e4m3fnuz'],
  [19, 'float8e5m2'],
  [20, 'float8e5m2fnuz'],
  [21, 'uint4'],
  [22, 'int4'],
  [23, 'float4e2m1'],
  [24, 'float8e8m0'],
]);

const SIZES: Record<ElementType, number> = {
  float32: 4,
  float64: 8,
  float16: 2,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  bool: 1,
};
const MOST_RANK = 32;
const MOST_BYTES = 2 ** 31;

export const ELEMENT_TYPES: readonly ElementType[] = [...TYPES.values()];

/** The TensorProto.DataType. */
export const dataTypeOf = (type: ElementType): number => [...TYPES].find(([, one]) => one === type)![0];

export const sizeOf = (type: ElementType): number => SIZES[type];

/** @throws ModelError `onnx-type` naming `what` when the number stands for a type that is not read. */
export function elementType(dataType: number | undefined, what: string): ElementType {
  const type = TYPES.get(dataType ?? 0);
  if (type) return type;
  const name = OTHER_TYPES.get(dataType ?? 0);
  throw new ModelError(
    'onnx-type',
    `${what} has element type ${name ?? `number ${dataType ?? 0}, which ONNX does not know`}; ` +
      `read are ${ELEMENT_TYPES.join(', ')}`,
    { facts: { tensor: what } },
  );
}

/** @throws ModelError `onnx-tensor` for a negative or huge dimension, or more than 2 GiB in all. */
export function checkedShape(dims: BigInt64Array | undefined, type: ElementType, what: string): number[] {
  const shape = Array.from(dims ?? [], Number);
  const wrong = (why: string) =>
    new ModelError('onnx-tensor', `${what} has the dimensions [${shape.slice(0, MOST_RANK)}]: ${why}`, {
      facts: { tensor: what },
    });
  if (shape.length > MOST_RANK) throw wrong(`${shape.length} of them; at most ${MOST_RANK} are read`);
  if (shape.some((size) => size < 0)) throw wrong('each must be at least 0');
  let bytes = SIZES[type];
  for (const size of shape.filter((one) => one > 0)) {
    bytes *= size;
    if (bytes > MOST_BYTES) throw wrong('they come to more than 2 GiB');
  }
  return shape;
}

export const elementCount = (shape: readonly number[]): number =>
  shape.reduce((count, size) => count * size, 1);

/** A constant as it is in the graph. */
export interface Constant {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/**
 * @param what how errors name the tensor
 * @param external the bytes of external data, read by the caller
 * @throws ModelError `onnx-type`, `onnx-tensor`
 */
export function readTensor(tensor: TensorMessage, what: string, external?: Uint8Array): Constant {
  const type = elementType(tensor.dataType, what);
  const shape = checkedShape(tensor.dims, type, what);
  const data = external ?? tensor.rawData ?? typedBytes(tensor, type, what);
  const expected = elementCount(shape) * SIZES[type];
  if (data.length === expected) return { type, shape, data };
  throw new ModelError(
    'onnx-tensor',
    `${what} has ${data.length} bytes of data; ${type}[${shape}] takes ${expected}`,
    { facts: { tensor: what } },
  );
}

/** The list of TensorProto that holds the type, as little-endian bytes. */
function typedBytes(tensor: TensorMessage, type: ElementType, what: string): Uint8Array {
  const { floatData, doubleData, int64Data, uint64Data, int32Data } = tensor;
  if (type === 'float32') return bytesOf(floatData);
  if (type === 'float64') return bytesOf(doubleData);
  if (type === 'int64') return bytesOf(int64Data);
  if (type === 'uint64') return bytesOf(uint64Data);
  if (type === 'uint32') return bytesOf(uint64Data && Uint32Array.from(uint64Data, Number));
  if (type === 'int32') return bytesOf(int32Data);
  const values = int32Data ?? new Int32Array(0);
  const [least, most] = RANGES[type];
  const bad = values.find((value) => value < least || value > most);
  if (bad === undefined) return bytesOf(narrow(type, values));
  throw new ModelError('onnx-tensor', `${what} holds ${bad}, which is no ${type}`, {
    facts: { tensor: what },
  });
}

type Narrow = 'int8' | 'uint8' | 'bool' | 'int16' | 'uint16' | 'float16';
const RANGES: Record<Narrow, readonly [number, number]> = {
  int8: [-128, 127],
  uint8: [0, 255],
  bool: [0, 1],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  float16: [0, 65535],
};

function narrow(type: Narrow, values: Int32Array): ArrayBufferView {
  if (type === 'int8') return Int8Array.from(values);
  if (type === 'int16') return Int16Array.from(values);
  return type === 'uint16' || type === 'float16' ? Uint16Array.from(values) : Uint8Array.from(values);
}

function bytesOf(view: ArrayBufferView | undefined): Uint8Array {
  return view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(0);
}

/** The index of the first NaN or infinity; -1 when all are finite or the type has none. */
export function firstNonFinite({ type, data }: Constant): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const width = SIZES[type];
  const finite = FINITE[type];
  if (!finite) return -1;
  for (let at = 0; at < data.length; at += width) if (!finite(view, at)) return at / width;
  return -1;
}

/** An exponent of ones is NaN or infinity. */
const FINITE: Partial<Record<ElementType, (view: DataView, at: number) => boolean>> = {
  float32: (view, at) => (view.getUint32(at, true) & 0x7f800000) !== 0x7f800000,
  float64: (view, at) => Number.isFinite(view.getFloat64(at, true)),
  float16: (view, at) => (view.getUint16(at, true) & 0x7c00) !== 0x7c00,
};

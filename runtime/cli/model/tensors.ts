/** Numbers and bytes from files as tensors of the type a model takes; each error names the file and the input. */

import { InputError } from '../../core/errors.ts';
import { TENSOR_ARRAYS } from '../../core/tensor.ts';
import type { Tensor, TensorData, TensorInfo, TensorType } from '../../pipeline/inference/session.ts';

export const bytesOf = (type: TensorType): number => TENSOR_ARRAYS[type].BYTES_PER_ELEMENT;
export const countOf = (shape: readonly number[]): number => shape.reduce((count, dim) => count * dim, 1);
export const shapeText = (shape: readonly number[]): string =>
  `[${shape.map((dim) => (dim < 0 ? '?' : dim)).join(', ')}]`;

/**
 * The shape a tensor of so many elements has: the one given, else the model's with its one free dimension solved.
 * @throws InputError `tensor-shape` when they do not fit.
 */
export function solveShape(
  info: TensorInfo,
  count: number,
  given: readonly number[] | undefined,
  from: string,
): readonly number[] {
  const wanted = given ?? info.shape;
  const free = wanted.filter((dim) => dim < 0).length;
  const fixed = countOf(wanted.filter((dim) => dim >= 0));
  if (free === 0 && fixed === count) return wanted;
  if (free === 1 && fixed > 0 && count > 0 && count % fixed === 0)
    return wanted.map((dim) => (dim < 0 ? count / fixed : dim));
  const fix = free > 1 ? `; give it: --shape ${info.name}=…` : '';
  const message = `${from} has ${count} elements, input '${info.name}' is ${shapeText(wanted)}${fix}`;
  throw new InputError('tensor-shape', message, { facts: { input: info.name, count, shape: wanted } });
}

/** @throws InputError `tensor-value` for a number that the type cannot hold. */
export function fromNumbers(
  { name, type }: TensorInfo,
  shape: readonly number[],
  numbers: readonly number[],
  from: string,
): Tensor {
  const wrong = (value: number, why: string) =>
    new InputError('tensor-value', `${from}: ${value} ${why} for input '${name}', which is ${type}`);
  if (type === 'float16') throw wrong(numbers[0] ?? 0, 'cannot be converted');
  if (type === 'int64' || type === 'uint64') {
    const odd = numbers.find((value) => !Number.isSafeInteger(value) || (type === 'uint64' && value < 0));
    if (odd !== undefined) throw wrong(odd, 'is no whole number in range');
    const big = numbers.map(BigInt);
    return { type, shape, data: type === 'int64' ? BigInt64Array.from(big) : BigUint64Array.from(big) };
  }
  const data = TENSOR_ARRAYS[type].from(numbers as number[]) as Exclude<
    TensorData,
    BigInt64Array | BigUint64Array
  >;
  if (type !== 'float32' && type !== 'float64') {
    const at = numbers.findIndex((value, index) => data[index] !== value);
    if (at >= 0) throw wrong(numbers[at]!, 'is out of range');
  }
  return { type, shape, data };
}

/** @param bytes little-endian. @throws InputError `tensor-shape` when they are not as many as shape and type ask for. */
export function fromBytes(
  info: TensorInfo,
  bytes: Uint8Array,
  given: readonly number[] | undefined,
  from: string,
): Tensor {
  const { type } = info;
  const each = bytesOf(type);
  if (bytes.length % each !== 0) {
    const message = `${from} has ${bytes.length} bytes, no multiple of the ${each} of ${type}, which input '${info.name}' is`;
    throw new InputError('tensor-shape', message);
  }
  const shape = solveShape(info, bytes.length / each, given, from);
  // Copied: the array's bytes must be aligned to its elements.
  const { buffer } = new Uint8Array(bytes);
  return { type, shape, data: new TENSOR_ARRAYS[type](buffer) };
}

/** Values for people and JSON; 64-bit integers as numbers, float16 as what its bits mean. */
export function toNumbers({ type, data }: Tensor): number[] {
  return Array.from(data as ArrayLike<number | bigint>, (value) =>
    type === 'float16' ? halfToNumber(Number(value)) : Number(value),
  );
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

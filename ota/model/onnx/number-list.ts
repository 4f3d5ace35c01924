/** A list of numbers that grows in a typed array: one million weights cost 4 MB here and tens of MB as objects. */

import type protobuf from 'protobufjs/minimal.js';

type TypedArray = Float32Array | Float64Array | Int32Array | BigInt64Array | BigUint64Array;
export type NumberType = 'int' | 'long' | 'ulong' | 'float' | 'double';

const ARRAYS = {
  int: Int32Array,
  long: BigInt64Array,
  ulong: BigUint64Array,
  float: Float32Array,
  double: Float64Array,
};
const WIDTHS = { float: 4, double: 8 };
const FIRST_LENGTH = 4;

/** Reads one number. int64 come whole: a JavaScript number would lose the low bits of large ones. */
export function readNumber(reader: protobuf.Reader, type: NumberType): number | bigint {
  if (type === 'int') return reader.int32();
  if (type === 'float') return reader.float();
  if (type === 'double') return reader.double();
  const read = type === 'long' ? reader.int64() : reader.uint64();
  if (typeof read === 'number') return BigInt(read);
  const bits = (BigInt(read.high >>> 0) << 32n) | BigInt(read.low >>> 0);
  return type === 'long' ? BigInt.asIntN(64, bits) : bits;
}

export class NumberList {
  readonly #type: NumberType;
  #array: TypedArray;
  #length = 0;

  constructor(type: NumberType) {
    this.#type = type;
    this.#array = new ARRAYS[type](FIRST_LENGTH);
  }

  readOne(reader: protobuf.Reader): void {
    this.#reserve(1);
    this.#array[this.#length++] = readNumber(reader, this.#type);
  }

  /** Reads a packed field that ends at `end`. */
  readPacked(reader: protobuf.Reader, end: number): void {
    this.#reserve(countPacked(reader.buf, reader.pos, end, this.#type));
    while (reader.pos < end) this.#array[this.#length++] = readNumber(reader, this.#type);
  }

  finish(): TypedArray {
    return this.#array.subarray(0, this.#length);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#array.length) return;
    const grown = new ARRAYS[this.#type](Math.max(needed, this.#array.length * 2)) as TypedArray;
    (grown as Float32Array).set(this.#array.subarray(0, this.#length) as Float32Array);
    this.#array = grown;
  }
}

function countPacked(buffer: Uint8Array, start: number, end: number, type: NumberType): number {
  if (type === 'float' || type === 'double') return Math.ceil((end - start) / WIDTHS[type]);
  let count = 0;
  for (let at = start; at < end; at++) if (buffer[at]! < 0x80) count++;
  return count;
}

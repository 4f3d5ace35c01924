/**
 * Golden vectors: inputs, and the outputs that are right for them. A file of its own in the bundle, little-endian:
 *
 *   u8[8] "VIGIEVEC" · u32 version (1) · u32 cases
 *   per case:   u16 inputs · u16 outputs · that many tensors
 *   per tensor: u16 bytes of the name · name (UTF-8) · u8 type · u8 rank · u32[rank] shape · elements, row-major
 *
 * The reader takes bytes that were hashed but whose maker may be careless: every size is checked before memory is taken.
 */

import { InputError } from '../../runtime/core/errors.ts';
import {
  TENSOR_ARRAYS,
  TENSOR_TYPES,
  type Tensor,
  type TensorData,
  type Tensors,
  type TensorType,
} from '../../runtime/core/tensor.ts';

export interface VectorCase {
  readonly inputs: Tensors;
  readonly outputs: Tensors;
}

const MAGIC = 'VIGIEVEC';
const VERSION = 1;
export const MOST_VECTOR_BYTES = 64 * 1024 ** 2;
const MOST_CASES = 64;
const MOST_TENSORS = 256;
const MOST_NAME_BYTES = 1024;
const MOST_RANK = 8;

/** @throws InputError `vectors-invalid` for more or larger parts than the reader takes. */
export function writeVectors(cases: readonly VectorCase[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from(MAGIC), u32(VERSION), u32(cases.length)];
  for (const { inputs, outputs } of cases) {
    parts.push(u16(Object.keys(inputs).length), u16(Object.keys(outputs).length));
    for (const tensors of [inputs, outputs])
      for (const [name, tensor] of Object.entries(tensors)) parts.push(...tensorParts(name, tensor));
  }
  const bytes = Buffer.concat(parts);
  // The bounds stand in one place, in the reader.
  readVectors(bytes);
  return bytes;
}

/** @throws InputError `vectors-invalid` */
export function readVectors(bytes: Uint8Array): VectorCase[] {
  if (bytes.length > MOST_VECTOR_BYTES)
    throw invalid(`${bytes.length} bytes; at most ${MOST_VECTOR_BYTES} are read`);
  const reader = new Reader(bytes);
  if (reader.take(MAGIC.length).toString('latin1') !== MAGIC) throw invalid('it does not begin as one');
  const version = reader.u32();
  if (version !== VERSION) throw invalid(`version ${version}; this version of vigie reads ${VERSION}`);
  const count = bounded(reader.u32(), MOST_CASES, 'cases');
  const cases: VectorCase[] = [];
  for (let at = 0; at < count; at++) {
    const inputs = bounded(reader.u16(), MOST_TENSORS, 'inputs');
    const outputs = bounded(reader.u16(), MOST_TENSORS, 'outputs');
    cases.push({ inputs: readTensors(reader, inputs), outputs: readTensors(reader, outputs) });
  }
  reader.end();
  return cases;
}

function readTensors(reader: Reader, count: number): Tensors {
  const tensors: Record<string, Tensor> = Object.create(null);
  for (let at = 0; at < count; at++) {
    const name = utf8(reader.take(bounded(reader.u16(), MOST_NAME_BYTES, 'bytes of a name')));
    if (name in tensors) throw invalid(`'${name}' comes twice`);
    const type = TENSOR_TYPES[reader.u8()];
    if (type === undefined) throw invalid(`'${name}' is of an unknown type`);
    const rank = reader.u8();
    if (rank > MOST_RANK) throw invalid(`'${name}' has ${rank} dimensions; at most ${MOST_RANK} are read`);
    const shape = Array.from({ length: rank }, () => reader.u32());
    tensors[name] = { type, shape, data: elements(reader, type, shape) };
  }
  return tensors;
}

function elements(reader: Reader, type: TensorType, shape: readonly number[]): TensorData {
  const Elements = TENSOR_ARRAYS[type];
  const length = shape.reduce((product, size) => product * size, 1) * Elements.BYTES_PER_ELEMENT;
  // Copied: typed arrays want an aligned start.
  const own = Uint8Array.from(reader.take(length));
  return new Elements(own.buffer);
}

function* tensorParts(name: string, { type, shape, data }: Tensor): Generator<Uint8Array> {
  const text = Buffer.from(name);
  yield u16(text.length);
  yield text;
  yield Buffer.from([TENSOR_TYPES.indexOf(type), shape.length]);
  for (const size of shape) yield u32(size);
  yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** `length` may be any number that was computed from the file. */
  take(length: number): Buffer {
    if (!(length <= this.#bytes.length - this.#at)) throw invalid('it is cut short');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  u8 = () => this.take(1).readUInt8();
  u16 = () => this.take(2).readUInt16LE();
  u32 = () => this.take(4).readUInt32LE();

  end(): void {
    if (this.#at < this.#bytes.length) throw invalid('it goes on after its end');
  }
}

function u16(value: number): Buffer {
  if (value > 0xffff) throw invalid(`${value} of something; at most 65535 can be written`);
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid('a name is not UTF-8');
  }
}

function bounded(count: number, most: number, what: string): number {
  if (count > most) throw invalid(`${count} ${what}; at most ${most} are read`);
  return count;
}

function invalid(why: string): InputError {
  return new InputError('vectors-invalid', `golden vectors: ${why}`);
}

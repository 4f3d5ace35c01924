/** NumPy's .npy files: one array with its type and shape. */

import { InputError } from '../../core/errors.ts';
import type { TensorType } from '../../pipeline/inference/session.ts';

export interface RawTensor {
  readonly type: TensorType;
  readonly shape: readonly number[];
  /** Little-endian, row-major. */
  readonly bytes: Uint8Array;
}

const MAGIC = '\x93NUMPY';
const TYPES: Readonly<Record<string, TensorType>> = {
  '<f4': 'float32',
  '<f8': 'float64',
  '<f2': 'float16',
  '|i1': 'int8',
  '|u1': 'uint8',
  '<i2': 'int16',
  '<u2': 'uint16',
  '<i4': 'int32',
  '<u4': 'uint32',
  '<i8': 'int64',
  '<u8': 'uint64',
  '|b1': 'bool',
};
/** A header of one array is a line; numpy itself refuses longer ones. */
const MOST_HEADER = 65_536;
const MOST_RANK = 32;

/** @throws InputError `tensor-unreadable`. The caller checks that `bytes` is as long as type and shape say. */
export function parseNpy(file: Uint8Array, name: string): RawTensor {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const refuse = (why: string) =>
    new InputError('tensor-unreadable', `${name} is no .npy file to read: ${why}`);
  if (bytes.length < 12 || bytes.toString('latin1', 0, 6) !== MAGIC) throw refuse('it does not start as one');
  const long = bytes[6]! >= 2;
  const start = long ? 12 : 10;
  const length = long ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  if (length > MOST_HEADER || start + length > bytes.length) throw refuse('its header is cut short');
  const header = bytes.toString('latin1', start, start + length);
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1] ?? '';
  const type = TYPES[descr];
  if (!type) throw refuse(`its type is '${descr}'; save it as one of ${Object.keys(TYPES).join(' ')}`);
  if (/'fortran_order'\s*:\s*True/.test(header)) throw refuse('save it in C order: numpy.ascontiguousarray');
  const dims = /'shape'\s*:\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  const shape = dims?.split(',').flatMap((dim) => (dim.trim() === '' ? [] : [Number(dim)]));
  if (!shape || shape.length > MOST_RANK) throw refuse('its header gives no shape');
  return { type, shape, bytes: bytes.subarray(start + length) };
}

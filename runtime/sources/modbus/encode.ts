/** A value an operator wants to write, to registers. Pure; refuses what the register cannot hold. */

import { InputError } from '../../core/errors.ts';
import type { Value } from '../../core/messages.ts';
import { type Encoding, isBitTable, spanOf, wirePosition } from './decode.ts';

export type Encoded =
  | { readonly kind: 'coil'; readonly on: boolean }
  | { readonly kind: 'words'; readonly words: readonly number[] }
  /** Bits of `mask` take the ones of `bits`, the register's others stay. */
  | { readonly kind: 'bits'; readonly mask: number; readonly bits: number };

const BOUNDS = {
  int16: [-(2 ** 15), 2 ** 15 - 1],
  uint16: [0, 2 ** 16 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
} as const;

/**
 * @param value engineering units.
 * @throws InputError `write-type` when the value is of another kind than the tag, `write-range` when raw value
 * or text does not fit.
 */
export function encode(encoding: Encoding, value: Value): Encoded {
  const { type, bits } = encoding;
  if (isBitTable(encoding.register)) return { kind: 'coil', on: expectBoolean(value) };
  if (bits) return encodeBits(encoding, bits, value);
  if (type === 'string') return { kind: 'words', words: encodeText(encoding, value) };
  const bytes = Buffer.alloc(spanOf(encoding) * 2);
  if (type === 'float32' || type === 'float64') writeFloat(bytes, encoding, value);
  else if (type === 'int64') bytes.writeBigInt64BE(rawBigint(encoding, value));
  else writeInteger(bytes, encoding, type as keyof typeof BOUNDS, value);
  return { kind: 'words', words: toWords(arrange(encoding, bytes)) };
}

/** JSON has no exact number beyond ±2^53: an int64 may be given, as it is published, by its digits. */
export function wholeNumberOf(type: Encoding['type'], value: Value): Value {
  return type === 'int64' && typeof value === 'string' && /^[+-]?\d{1,19}$/.test(value)
    ? BigInt(value)
    : value;
}

function writeInteger(bytes: Buffer, encoding: Encoding, type: keyof typeof BOUNDS, value: Value): void {
  const raw = rawInteger(encoding, value, BOUNDS[type]);
  if (type === 'int16') bytes.writeInt16BE(raw);
  else if (type === 'uint16') bytes.writeUInt16BE(raw);
  else if (type === 'int32') bytes.writeInt32BE(raw);
  else bytes.writeUInt32BE(raw);
}

function writeFloat(bytes: Buffer, encoding: Encoding, value: Value): void {
  const raw = rawNumber(encoding, value);
  if (encoding.type === 'float64') bytes.writeDoubleBE(raw);
  else if (Number.isFinite(Math.fround(raw))) bytes.writeFloatBE(raw);
  else throw outOfRange(value, 'a float32');
}

function encodeBits(encoding: Encoding, [low, count]: readonly [number, number], value: Value): Encoded {
  const signed = encoding.type === 'int16';
  const bounds = signed
    ? ([-(2 ** (count - 1)), 2 ** (count - 1) - 1] as const)
    : ([0, 2 ** count - 1] as const);
  const field =
    encoding.type === 'bool'
      ? expectBoolean(value)
        ? 2 ** count - 1
        : 0
      : rawInteger(encoding, value, bounds) & (2 ** count - 1);
  const swap = encoding.order === 'BADC' || encoding.order === 'DCBA';
  const [mask, bits] = [(2 ** count - 1) << low, field << low].map((n) => (swap ? swapBytes(n) : n));
  return { kind: 'bits', mask: mask!, bits: bits! };
}

function encodeText({ length = 2, order }: Encoding, value: Value): number[] {
  if (typeof value !== 'string') throw wrongType('a text', value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: one byte per character is all a register holds
  if (value.length > length || /[^\x01-\xff]/.test(value)) throw outOfRange(value, `${length} bytes of text`);
  const bytes = Buffer.alloc(Math.ceil(length / 2) * 2);
  bytes.write(value, 'latin1');
  return toWords(order === 'BADC' || order === 'DCBA' ? bytes.swap16() : bytes);
}

function rawNumber({ scale, offset }: Encoding, value: Value): number {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw wrongType('a number', value);
  const raw = (Number(value) - offset) / scale;
  if (!Number.isFinite(raw)) throw outOfRange(value, 'a finite number');
  return raw;
}

function rawInteger(encoding: Encoding, value: Value, [low, high]: readonly [number, number]): number {
  const raw = Math.round(rawNumber(encoding, value));
  if (raw < low || raw > high) throw outOfRange(value, `raw ${low} … ${high}`);
  return raw;
}

function rawBigint(encoding: Encoding, value: Value): bigint {
  const plain = encoding.scale === 1 && encoding.offset === 0;
  const raw = plain && typeof value === 'bigint' ? value : BigInt(Math.round(rawNumber(encoding, value)));
  if (BigInt.asIntN(64, raw) !== raw) throw outOfRange(value, 'an int64');
  return raw;
}

function arrange({ order }: Encoding, bytes: Buffer): Buffer {
  const wire = Buffer.alloc(bytes.length);
  for (let i = 0; i < bytes.length; i++) wire[wirePosition(order, bytes.length, i)] = bytes[i]!;
  return wire;
}

function toWords(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16BE(i * 2));
}

const swapBytes = (word: number) => ((word & 0xff) << 8) | (word >> 8);

function expectBoolean(value: Value): boolean {
  if (typeof value !== 'boolean') throw wrongType('true or false', value);
  return value;
}

function wrongType(expected: string, value: Value): InputError {
  return new InputError('write-type', `expected ${expected}, not ${JSON.stringify(String(value))}`);
}

function outOfRange(value: Value, room: string): InputError {
  return new InputError(
    'write-range',
    `${JSON.stringify(String(value))} does not fit: the tag holds ${room}`,
  );
}

/** Raw bytes of a response to one value. Pure; compiled once per tag so that a poll only runs closures. */

import type { ModbusTagConfig } from '../../config/schema/modbus.ts';
import type { Value } from '../../core/messages.ts';

/** Reads one tag out of a response's data bytes (no header, no checksum). A number may be NaN or infinite. */
export type Reader = (data: Uint8Array) => Value;

export type ByteOrder = ModbusTagConfig['order'];

/** What the encoding of a tag says; a tag's configuration is one. */
export type Encoding = Pick<
  ModbusTagConfig,
  'register' | 'type' | 'order' | 'bits' | 'length' | 'scale' | 'offset'
>;

const REGISTERS = {
  bool: 1,
  int16: 1,
  uint16: 1,
  int32: 2,
  uint32: 2,
  float32: 2,
  int64: 4,
  float64: 4,
} as const;

/** Registers (or coils: always one) a tag takes. */
export function spanOf(encoding: Pick<Encoding, 'type' | 'length'>): number {
  return encoding.type === 'string' ? Math.ceil((encoding.length ?? 2) / 2) : REGISTERS[encoding.type];
}

export function isBitTable(register: Encoding['register']): boolean {
  return register === 'coil' || register === 'discrete';
}

/** @param offset registers (or coils) between the response's first one and the tag's. */
export function compileReader(encoding: Encoding, offset: number): Reader {
  if (isBitTable(encoding.register)) {
    const [byte, mask] = [offset >> 3, 1 << (offset & 7)];
    return (data) => (data[byte]! & mask) !== 0;
  }
  const at = offset * 2;
  if (encoding.type === 'string') return stringReader(encoding, at);
  if (encoding.bits) return bitsReader(encoding, encoding.bits, at);
  if (encoding.type === 'int64') return int64Reader(encoding, at);
  const raw = numberReader(encoding.type, encoding.order, at);
  const { scale, offset: shift } = encoding;
  if (scale === 1 && shift === 0) return raw;
  return (data) => raw(data) * scale + shift;
}

/**
 * Where byte i of the big-endian value lies on the wire: words are swapped for CDAB and DCBA, the bytes within
 * each word for BADC and DCBA.
 */
export function wirePosition(order: ByteOrder, size: number, i: number): number {
  const word = order === 'CDAB' || order === 'DCBA' ? size / 2 - 1 - (i >> 1) : i >> 1;
  const byte = order === 'BADC' || order === 'DCBA' ? 1 - (i & 1) : i & 1;
  return word * 2 + byte;
}

/** Shared by all readers: they are synchronous and take the value out before they return. */
const scratch = Buffer.alloc(8);

function gather(data: Uint8Array, at: number, positions: readonly number[]): Buffer {
  for (let i = 0; i < positions.length; i++) scratch[i] = data[at + positions[i]!]!;
  return scratch;
}

function positionsOf(order: ByteOrder, size: number): number[] {
  return Array.from({ length: size }, (_, i) => wirePosition(order, size, i));
}

function numberReader(type: string, order: ByteOrder, at: number): (data: Uint8Array) => number {
  const positions = positionsOf(order, type === 'float64' ? 8 : type.endsWith('32') ? 4 : 2);
  switch (type) {
    case 'int16':
      return (data) => gather(data, at, positions).readInt16BE(0);
    case 'int32':
      return (data) => gather(data, at, positions).readInt32BE(0);
    case 'uint32':
      return (data) => gather(data, at, positions).readUInt32BE(0);
    case 'float32':
      return (data) => gather(data, at, positions).readFloatBE(0);
    case 'float64':
      return (data) => gather(data, at, positions).readDoubleBE(0);
    default: {
      const [high, low] = [at + positions[0]!, at + positions[1]!];
      return (data) => (data[high]! << 8) | data[low]!;
    }
  }
}

/** Unscaled values beyond ±2^53 stay exact as bigint; a scaled one is a measurement and may lose its last digits. */
function int64Reader({ order, scale, offset }: Encoding, at: number): Reader {
  const positions = positionsOf(order, 8);
  const plain = scale === 1 && offset === 0;
  return (data) => {
    const raw = gather(data, at, positions).readBigInt64BE(0);
    const value = Number(raw);
    if (!plain) return value * scale + offset;
    return Number.isSafeInteger(value) ? value : raw;
  };
}

function bitsReader(encoding: Encoding, [low, count]: readonly [number, number], at: number): Reader {
  const word = numberReader('uint16', encoding.order, at);
  const mask = 2 ** count - 1;
  const { type, scale, offset } = encoding;
  if (type === 'bool') return (data) => ((word(data) >> low) & mask) !== 0;
  const sign = type === 'int16' ? 2 ** (count - 1) : 0;
  return (data) => {
    const field = (word(data) >> low) & mask;
    return (sign !== 0 && field >= sign ? field - 2 * sign : field) * scale + offset;
  };
}

/** Words of a text are never swapped, whatever the order: only the bytes within each register can be. */
function stringReader({ order, length = 2 }: Encoding, at: number): Reader {
  const flip = order === 'BADC' || order === 'DCBA' ? 1 : 0;
  return (data) => {
    let text = '';
    for (let i = 0; i < length; i++) {
      const code = data[at + (i ^ flip)]!;
      if (code === 0) break;
      text += String.fromCharCode(code);
    }
    return text.trimEnd();
  };
}

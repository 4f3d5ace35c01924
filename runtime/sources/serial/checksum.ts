/** Checks and strips the checksum at the end of a frame. */

import type { SerialSourceConfig } from '../../config/schema/serial.ts';

export type Checksum = SerialSourceConfig['checksum'];

/**
 * @returns the frame without its checksum, or undefined when the checksum is wrong or does not fit in the frame.
 * `xor`: last byte is the XOR of all before it. `nmea`: `$…*hh`, XOR of what stands between `$` and `*`, in hex.
 * `crc16-modbus`: last two bytes, low byte first. `crc16-ccitt` (polynomial 0x1021, start 0xFFFF): high byte first.
 */
export function verifyChecksum(frame: Uint8Array, checksum: Checksum): Uint8Array | undefined {
  switch (checksum) {
    case 'none':
      return frame;
    case 'xor':
      return trailing(frame, 1, (body, tail) => xor(body) === tail[0]);
    case 'nmea':
      return nmea(frame);
    case 'crc16-modbus':
      return trailing(frame, 2, (body, tail) => crc16Modbus(body) === (tail[0]! | (tail[1]! << 8)));
    case 'crc16-ccitt':
      return trailing(frame, 2, (body, tail) => crc16Ccitt(body) === ((tail[0]! << 8) | tail[1]!));
  }
}

export function xor(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum ^ byte, 0);
}

/** CRC-16/MODBUS: reflected polynomial 0xA001, start 0xFFFF. */
export function crc16Modbus(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return crc;
}

/** CRC-16/CCITT-FALSE (also called IBM-3740): polynomial 0x1021, start 0xFFFF. */
export function crc16Ccitt(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

function trailing(
  frame: Uint8Array,
  size: number,
  matches: (body: Uint8Array, tail: Uint8Array) => boolean,
): Uint8Array | undefined {
  if (frame.length <= size) return undefined;
  const body = frame.subarray(0, -size);
  return matches(body, frame.subarray(-size)) ? body : undefined;
}

const DOLLAR = 0x24;
const STAR = 0x2a;

function nmea(frame: Uint8Array): Uint8Array | undefined {
  const star = frame.length - 3;
  if (star < 1 || frame[star] !== STAR) return undefined;
  const digits = Buffer.from(frame.subarray(star + 1)).toString('latin1');
  const from = frame[0] === DOLLAR ? 1 : 0;
  const right =
    /^[0-9A-Fa-f]{2}$/.test(digits) && Number.parseInt(digits, 16) === xor(frame.subarray(from, star));
  return right ? frame.subarray(0, star) : undefined;
}

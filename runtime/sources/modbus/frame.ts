/**
 * Frames as bytes: unit, function, body and, on a serial line, two bytes of CRC. Pure. Both links hold answers
 * against what was asked here, before modbus-serial sees them.
 */

import { createRequire } from 'node:module';

const crc16 = createRequire(import.meta.url)('modbus-serial/utils/crc16.js') as (data: Uint8Array) => number;

const CRC_BYTES = 2;
const EXCEPTION_BYTES = 3;

/** What the answer to one request must look like. Lengths in bytes without the CRC. */
export interface Expected {
  readonly unit: number;
  readonly fn: number;
  readonly length: number;
  /** Data bytes a read must bring; undefined for a write. */
  readonly byteCount: number | undefined;
  /** What a write must repeat of the request, from the unit on. */
  readonly echo: Uint8Array | undefined;
}

/** @param request a whole RTU frame. */
export function expectedAnswer(request: Buffer): Expected {
  const [unit, fn] = [request[0]!, request[1]!];
  if (fn <= 4) {
    const count = request.readUInt16BE(4);
    const byteCount = fn <= 2 ? Math.ceil(count / 8) : count * 2;
    return { unit, fn, length: 3 + byteCount, byteCount, echo: undefined };
  }
  const length = fn === 22 ? 8 : 6;
  return { unit, fn, length, byteCount: undefined, echo: Uint8Array.from(request.subarray(0, length)) };
}

/** Whether `frame` (without CRC) answers the request, with data or an exception. */
export function isAnswer(frame: Uint8Array, expected: Expected): boolean {
  if (frame[0] !== expected.unit) return false;
  if (frame[1] === (expected.fn | 0x80)) return frame.length === EXCEPTION_BYTES;
  if (frame[1] !== expected.fn || frame.length !== expected.length) return false;
  if (expected.byteCount !== undefined) return frame[2] === expected.byteCount;
  return expected.echo === undefined || expected.echo.every((byte, i) => frame[i] === byte);
}

/** The frame as modbus-serial's client takes it: with its CRC. */
export function withCrc(frame: Uint8Array): Buffer {
  const whole = Buffer.allocUnsafe(frame.length + CRC_BYTES);
  whole.set(frame);
  whole.writeUInt16LE(crc16(frame), frame.length);
  return whole;
}

export type Scan =
  /** Bytes `from … to` are the answer, CRC included; `foreign` whole frames before it were not. */
  | { readonly kind: 'answer'; readonly from: number; readonly to: number; readonly foreign: number }
  /** Nothing yet; the bytes before `keep` belong to frames that answer something else. */
  | { readonly kind: 'more'; readonly keep: number; readonly foreign: number };

/** Looks for the answer among the bytes of a serial line: after noise, echoes and other units' late answers. */
export function scan(received: Uint8Array, expected: Expected): Scan {
  let [keep, foreign] = [0, 0];
  // Once the answer may have begun, what looks like a frame inside of it is most likely its own data.
  let begun = false;
  for (let at = 0; at + EXCEPTION_BYTES + CRC_BYTES <= received.length; at++) {
    const length = lengthAt(received, at);
    const end = at + length + CRC_BYTES;
    if (length === 0) continue;
    if (end > received.length) {
      begun ||= received[at] === expected.unit && received[at + 1] === expected.fn;
      continue;
    }
    const frame = received.subarray(at, end - CRC_BYTES);
    if (crc16(frame) !== (received[end - 2]! | (received[end - 1]! << 8))) continue;
    if (isAnswer(frame, expected)) return { kind: 'answer', from: at, to: end, foreign };
    if (begun) continue;
    foreign += 1;
    keep = end;
    at = end - 1;
  }
  return { kind: 'more', keep, foreign };
}

/** Whether the bytes look like the whole answer and only its CRC is wrong. */
export function isCorrupted(received: Uint8Array, expected: Expected): boolean {
  return (
    received.length >= expected.length + CRC_BYTES &&
    received[0] === expected.unit &&
    received[1] === expected.fn
  );
}

/** Length (without CRC) of the answer that may begin at `at`, by its function code; 0 when none can. */
function lengthAt(received: Uint8Array, at: number): number {
  const fn = received[at + 1]!;
  if (fn >= 1 && fn <= 4) return 3 + received[at + 2]!;
  if (fn === 5 || fn === 6 || fn === 15 || fn === 16) return 6;
  if (fn === 22) return 8;
  return fn > 0x80 && fn <= 0x96 ? EXCEPTION_BYTES : 0;
}

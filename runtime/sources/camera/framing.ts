/**
 * Messages on a socket between the node and a vision process. Each is a header of 12 bytes (`VG`, version, 0, length of the
 * JSON, length of the bytes, big-endian), a JSON text and bytes. Nothing longer than the limits is ever held: the other
 * side may have gone mad.
 */

import { DeviceError } from '../../core/errors.ts';
import { PROTOCOL_VERSION } from './messages.ts';

const HEADER = 12;
const MAGIC = 0x5647;
export const MOST_JSON = 256 * 1024;
/** A JPEG of the largest camera in best quality. */
export const MOST_BYTES = 16 * 1024 * 1024;

export interface Framed<T> {
  readonly message: T;
  /** Empty for most kinds. */
  readonly bytes: Uint8Array;
}

/** @throws DeviceError `vision-protocol` when it is longer than the other side takes. */
export function encodeMessage(message: object, bytes: Uint8Array = new Uint8Array()): Buffer[] {
  const json = JSON.stringify(message);
  const length = Buffer.byteLength(json);
  if (length > MOST_JSON || bytes.length > MOST_BYTES) {
    throw broken(`a message of ${length} and ${bytes.length} bytes is too long to send`);
  }
  // One piece: each is a call of the system here, and wakes the other side.
  const head = Buffer.allocUnsafe(HEADER + length);
  head.writeUInt16BE(MAGIC, 0);
  head.writeUInt8(PROTOCOL_VERSION, 2);
  head.writeUInt8(0, 3);
  head.writeUInt32BE(length, 4);
  head.writeUInt32BE(bytes.length, 8);
  head.write(json, HEADER);
  return bytes.length > 0 ? [head, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)] : [head];
}

/** Puts messages together from the pieces in which they arrive. */
export class MessageReader<T> {
  #pieces: Buffer[] = [];
  #held = 0;

  /** @returns the messages that are whole now. @throws DeviceError `vision-protocol`; the stream is of no use then. */
  read(piece: Buffer): Framed<T>[] {
    this.#pieces.push(piece);
    this.#held += piece.length;
    const messages: Framed<T>[] = [];
    for (let next = this.#next(); next; next = this.#next()) messages.push(next);
    return messages;
  }

  #next(): Framed<T> | undefined {
    if (this.#held < HEADER) return undefined;
    const header = this.#peek(HEADER);
    const [magic, version] = [header.readUInt16BE(0), header.readUInt8(2)];
    if (magic !== MAGIC) throw broken('what came is no message');
    if (version !== PROTOCOL_VERSION)
      throw broken(`it speaks version ${version}, expected ${PROTOCOL_VERSION}`);
    const [json, bytes] = [header.readUInt32BE(4), header.readUInt32BE(8)];
    if (json > MOST_JSON || bytes > MOST_BYTES) {
      throw broken(
        `a message of ${json} and ${bytes} bytes: at most ${MOST_JSON} and ${MOST_BYTES} are taken`,
      );
    }
    if (this.#held < HEADER + json + bytes) return undefined;
    const whole = this.#take(HEADER + json + bytes);
    return {
      message: parsed(whole.subarray(HEADER, HEADER + json)) as T,
      bytes: whole.subarray(HEADER + json),
    };
  }

  #peek(length: number): Buffer {
    const [first] = this.#pieces;
    if (first && first.length >= length) return first;
    this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0]!;
  }

  #take(length: number): Buffer {
    const all = this.#peek(length);
    this.#held -= length;
    if (all.length === length) this.#pieces.shift();
    else this.#pieces[0] = all.subarray(length);
    return all.subarray(0, length);
  }
}

function parsed(json: Buffer): object {
  let value: unknown;
  try {
    value = JSON.parse(json.toString());
  } catch (cause) {
    throw broken('a message is no JSON', cause);
  }
  if (typeof value === 'object' && value !== null && 'type' in value) return value;
  throw broken('a message has no type');
}

function broken(why: string, cause?: unknown): DeviceError {
  return new DeviceError('vision-protocol', `vision process: ${why}`, { cause, retryable: true });
}

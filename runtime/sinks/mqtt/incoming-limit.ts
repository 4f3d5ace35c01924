/**
 * Bounds what one message from the broker may take. MQTT 5 lets a client announce a limit; MQTT 3.1.1 does not, and
 * the library gathers whole packets of up to 256 MB before anybody can look at them.
 */

import { Duplex } from 'node:stream';
import { DeliveryError } from '../../core/errors.ts';

const PUBLISH = 3;
const MAX_LENGTH_BYTES = 4;
const NOTHING = Buffer.alloc(0);

/**
 * Cuts a PUBLISH to `limit` bytes behind its fixed header, so that it is still acknowledged and its command refused for
 * its size: closing the connection over it instead would bring it again at each connection.
 */
export class PacketCutter {
  readonly #limit: number;
  /** Of the packet under way: bytes to hand on, and then to leave out. */
  #pass = 0;
  #skip = 0;
  #partialHeader: Buffer = NOTHING;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @returns what to hand on. @throws DeliveryError `packet-too-large` for any other packet above the limit. */
  cut(chunk: Buffer): Buffer {
    const bytes = this.#partialHeader.length > 0 ? Buffer.concat([this.#partialHeader, chunk]) : chunk;
    this.#partialHeader = NOTHING;
    const parts: Buffer[] = [];
    let from = 0;
    let at = 0;
    while (at < bytes.length) {
      if (this.#pass > 0) {
        const count = Math.min(this.#pass, bytes.length - at);
        this.#pass -= count;
        at += count;
      } else if (this.#skip > 0) {
        parts.push(bytes.subarray(from, at));
        const count = Math.min(this.#skip, bytes.length - at);
        this.#skip -= count;
        from = at += count;
      } else {
        const end = headerEnd(bytes, at);
        if (end === undefined) {
          this.#partialHeader = Buffer.from(bytes.subarray(at));
          break;
        }
        if (this.#begin(bytes, at, end)) {
          parts.push(bytes.subarray(from, at), encodeHeader(bytes[at]!, this.#limit));
          from = end;
        }
        at = end;
      }
    }
    if (from === 0 && at === bytes.length) return bytes;
    return Buffer.concat([...parts, bytes.subarray(from, at)]);
  }

  /** @returns true when the packet is to be cut. */
  #begin(bytes: Buffer, at: number, end: number): boolean {
    let length = 0;
    for (let i = end - 1; i > at; i--) length = length * 128 + (bytes[i]! & 127);
    this.#pass = Math.min(length, this.#limit);
    this.#skip = length - this.#pass;
    if (this.#skip === 0) return false;
    if (bytes[at]! >> 4 === PUBLISH) return true;
    throw new DeliveryError('packet-too-large', `a packet of ${length} bytes that is no message`);
  }
}

/** Behind the packet's type and length; undefined where the bytes end before. @throws DeliveryError */
function headerEnd(bytes: Buffer, at: number): number | undefined {
  for (let i = at + 1; i < bytes.length; i++) {
    if (bytes[i]! < 128) return i + 1;
    if (i - at >= MAX_LENGTH_BYTES)
      throw new DeliveryError('malformed-packet', 'a packet length without an end');
  }
  return undefined;
}

function encodeHeader(type: number, length: number): Buffer {
  const bytes = [type];
  for (let rest = length; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}

/** The stream under MQTT with what comes in bounded; destroys it with the error where the broker misbehaves. */
export function limitIncoming(stream: Duplex, limit: number): Duplex {
  const cutter = new PacketCutter(limit);
  const limited = new Duplex({
    read: () => void stream.resume(),
    write: (chunk, encoding, done) => void stream.write(chunk, encoding, done),
    writev: (chunks, done) => {
      stream.cork();
      const last = chunks.length - 1;
      chunks.forEach(
        ({ chunk, encoding }, i) => void stream.write(chunk, encoding, i === last ? done : undefined),
      );
      stream.uncork();
    },
    final: (done) => void stream.end(done),
    destroy: (error, done) => {
      stream.destroy();
      done(error);
    },
  });
  stream.on('data', (chunk: Buffer) => {
    try {
      if (!limited.push(cutter.cut(chunk))) stream.pause();
    } catch (error) {
      limited.destroy(error as Error);
    }
  });
  stream.once('end', () => limited.push(null));
  stream.once('error', (error) => limited.destroy(error));
  stream.once('close', () => limited.destroy());
  return limited;
}

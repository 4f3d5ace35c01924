/** Cuts a byte stream into frames. Pure: bytes and time are arguments, what could not be framed is counted. */

import type { FramingConfig } from '../../config/schema/serial.ts';
import type { Millis } from '../../core/units.ts';
import { unescapeBytes } from './escapes.ts';

export interface Framer {
  /** @returns the frames completed by these bytes; each a copy of its own. */
  push(bytes: Uint8Array, now: Millis): Uint8Array[];
  /** For framing by silence: the frame that ended because nothing came. Undefined when none did. */
  idle(now: Millis): Uint8Array | undefined;
  /** Forgets a frame begun, as after a port was opened again. */
  reset(): void;
  /** Bytes thrown away since the start: noise before a start byte, frames over the limit, halves at a reset. */
  readonly droppedBytes: number;
}

/**
 * @param maxFrame longest frame in bytes; longer input is dropped up to the next beginning.
 * @param whole whether a frame is what its checksum says: with a fixed length the only sign of having begun amid one.
 */
export function createFramer(
  config: FramingConfig,
  maxFrame: number,
  whole: (frame: Uint8Array) => boolean = () => true,
): Framer {
  switch (config.type) {
    case 'line':
      return new LineFramer(unescapeBytes(config.end), maxFrame);
    case 'fixed':
      return new FixedFramer(config.length, config.start, whole);
    case 'delimited':
      return new DelimitedFramer(config.start, config.end, maxFrame);
    case 'gap':
      return new GapFramer(config.gap, maxFrame);
  }
}

/** A frame in the making: bounded, and counting what it had to drop. */
class Pending {
  readonly #bytes: Uint8Array;
  length = 0;
  dropped = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** @returns false, and forgets the frame, when it is longer than allowed. */
  push(byte: number): boolean {
    if (this.length === this.#bytes.length) {
      this.drop(1);
      return false;
    }
    this.#bytes[this.length] = byte;
    this.length += 1;
    return true;
  }

  /** The frame without its last `trim` bytes; the next one begins. */
  take(trim = 0): Uint8Array {
    const frame = this.#bytes.slice(0, this.length - trim);
    this.length = 0;
    return frame;
  }

  /** A view of what is there so far. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  /** Drops the first bytes. */
  shift(count: number): void {
    this.#bytes.copyWithin(0, count, this.length);
    this.length -= count;
    this.dropped += count;
  }

  drop(more = 0): void {
    this.dropped += this.length + more;
    this.length = 0;
  }
}

abstract class BaseFramer implements Framer {
  protected readonly pending: Pending;

  constructor(capacity: number) {
    this.pending = new Pending(capacity);
  }

  get droppedBytes(): number {
    return this.pending.dropped;
  }

  push(bytes: Uint8Array, now: Millis): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (const byte of bytes) {
      const frame = this.accept(byte, now);
      if (frame) frames.push(frame);
    }
    return frames;
  }

  idle(_now: Millis): Uint8Array | undefined {
    return undefined;
  }

  reset(): void {
    this.pending.drop();
  }

  protected abstract accept(byte: number, now: Millis): Uint8Array | undefined;
}

const CARRIAGE_RETURN = 0x0d;

class LineFramer extends BaseFramer {
  readonly #end: Uint8Array;
  /** The last bytes seen, to find the line end also in input that is being dropped. */
  readonly #tail: Uint8Array;
  /** The rest of a line that was too long must not pass for a line of its own. */
  #skipping = false;

  constructor(end: Uint8Array, maxFrame: number) {
    super(maxFrame + end.length);
    this.#end = end;
    this.#tail = new Uint8Array(end.length);
  }

  protected accept(byte: number): Uint8Array | undefined {
    if (!this.pending.push(byte)) this.#skipping = true;
    this.#tail.copyWithin(0, 1);
    this.#tail[this.#tail.length - 1] = byte;
    if (!this.#end.every((expected, index) => this.#tail[index] === expected)) return undefined;
    this.#tail.fill(0);
    return this.#skipping ? this.reset() : this.#takeLine();
  }

  override reset(): undefined {
    this.pending.drop();
    this.#tail.fill(0);
    this.#skipping = false;
  }

  #takeLine(): Uint8Array | undefined {
    const line = this.pending.take(this.#end.length);
    const text = line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
    return text.length > 0 ? text : undefined;
  }
}

class FixedFramer extends BaseFramer {
  readonly #length: number;
  readonly #start: number | undefined;
  readonly #whole: (frame: Uint8Array) => boolean;
  /** Bytes to go until another broken frame is handed on: one per length is enough to count them. */
  #quietFor = 0;

  constructor(length: number, start: number | undefined, whole: (frame: Uint8Array) => boolean) {
    super(length);
    this.#length = length;
    this.#start = start;
    this.#whole = whole;
  }

  override reset(): void {
    super.reset();
    this.#quietFor = 0;
  }

  protected accept(byte: number): Uint8Array | undefined {
    if (this.#quietFor > 0) this.#quietFor -= 1;
    if (this.pending.length === 0 && this.#start !== undefined && byte !== this.#start) {
      this.pending.drop(1);
      return undefined;
    }
    this.pending.push(byte);
    if (this.pending.length < this.#length) return undefined;
    if (!this.#whole(this.pending.bytes)) return this.#slide();
    this.#quietFor = 0;
    return this.pending.take();
  }

  /** The frame may begin at any later byte of this one. */
  #slide(): Uint8Array | undefined {
    const { bytes } = this.pending;
    const broken = this.#quietFor === 0 ? bytes.slice() : undefined;
    if (broken) this.#quietFor = this.#length;
    const next = this.#start === undefined ? 1 : bytes.indexOf(this.#start, 1);
    this.pending.shift(next < 0 ? bytes.length : next);
    return broken;
  }
}

/** The frame holds both its start and its end byte: checksums may cover them. */
class DelimitedFramer extends BaseFramer {
  readonly #start: number;
  readonly #end: number;

  constructor(start: number, end: number, maxFrame: number) {
    super(maxFrame);
    this.#start = start;
    this.#end = end;
  }

  protected accept(byte: number): Uint8Array | undefined {
    if (this.pending.length === 0 && byte !== this.#start) {
      this.pending.drop(1);
      return undefined;
    }
    // Where the two bytes differ a second start means that the end was lost.
    if (byte === this.#start && this.#start !== this.#end) this.pending.drop();
    if (!this.pending.push(byte)) return undefined;
    return byte === this.#end && this.pending.length > 1 ? this.pending.take() : undefined;
  }
}

class GapFramer extends BaseFramer {
  readonly #gap: Millis;
  #last = Number.NEGATIVE_INFINITY;
  #overlong = false;

  constructor(gap: Millis, maxFrame: number) {
    super(maxFrame);
    this.#gap = gap;
  }

  override push(bytes: Uint8Array, now: Millis): Uint8Array[] {
    const before = this.idle(now);
    const frames = super.push(bytes, now);
    return before ? [before, ...frames] : frames;
  }

  protected accept(byte: number, now: Millis): undefined {
    this.#last = now;
    if (this.#overlong) this.pending.drop(1);
    else if (!this.pending.push(byte)) this.#overlong = true;
  }

  override idle(now: Millis): Uint8Array | undefined {
    if (now - this.#last < this.#gap) return undefined;
    this.#overlong = false;
    return this.pending.length > 0 ? this.pending.take() : undefined;
  }
}

/** Modbus RTU: one request at a time on a serial line, the answer found by its header, length and CRC. */

import type { SerialLine } from '../../config/schema/port.ts';
import { type Millis, millis } from '../../core/units.ts';
import { openSerialPort, type SerialHandle } from '../port/serial-port.ts';
import { type Expected, expectedAnswer, isCorrupted, scan } from './frame.ts';
import { Link, type LinkEvents } from './link.ts';

/** Silence after which a frame that began is taken as complete: USB adapters pause up to 16 ms inside of one. */
const IDLE = millis(50);
/** The largest frame and an echo of the request before it. */
const MAX_RECEIVED_BYTES = 512;

/** @throws DeviceError as openSerialPort does. */
export async function openRtu(line: SerialLine, events: LinkEvents): Promise<RtuLink> {
  let link: RtuLink | undefined;
  const handle = await openSerialPort(line, {
    data: (chunk) => link?.take(chunk),
    lost: (cause) => link?.lost(cause),
  });
  link = new RtuLink(handle, line, events);
  return link;
}

/** Time of one character on the line: start bit, data, parity, stop. */
export function characterTime({ baudRate, dataBits, parity, stopBits }: SerialLine): Millis {
  return millis(((1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits) * 1000) / baudRate);
}

/** 3.5 characters; above 19200 Bd the standard fixes 1.75 ms. */
export function frameGap(line: SerialLine): Millis {
  return line.baudRate > 19_200 ? millis(1.75) : millis(3.5 * characterTime(line));
}

export class RtuLink extends Link {
  readonly lanes = 1;
  readonly gap: Millis;
  readonly #handle: SerialHandle;
  readonly #line: SerialLine;
  #expected: Expected | undefined;
  #received: Buffer = Buffer.alloc(0);
  #idle: NodeJS.Timeout | undefined;
  #stray = false;

  constructor(handle: SerialHandle, line: SerialLine, events: LinkEvents) {
    super(events);
    this.#handle = handle;
    this.#line = line;
    this.gap = frameGap(line);
  }

  override lineTime(bytes: number): Millis {
    return millis(bytes * characterTime(this.#line));
  }

  override write(frame: Buffer): void {
    this.#expected = expectedAnswer(frame);
    this.#received = Buffer.alloc(0);
    this.#stray = false;
    this.events.sent(frame.length);
    this.#handle.write(frame);
  }

  /** The port itself notices when its device is gone: a line without answers is the units' silence. */
  override worthRenewing(): boolean {
    return false;
  }

  override async close(): Promise<void> {
    this.#end();
    await this.#handle.close();
  }

  protected override forget(): boolean {
    clearTimeout(this.#idle);
    const waited = this.#expected !== undefined;
    this.#expected = undefined;
    return waited;
  }

  /** Bytes from the line. */
  take(chunk: Buffer): void {
    this.events.received(chunk.length);
    if (!this.#expected) {
      // Nobody waits: what came too late must not meet the next request. Its pieces count as one frame.
      if (!this.#stray) this.events.discarded(1);
      this.#stray = true;
      return;
    }
    this.#received = Buffer.concat([this.#received, chunk]).subarray(-MAX_RECEIVED_BYTES);
    const found = scan(this.#received, this.#expected);
    if (found.foreign > 0) this.events.discarded(found.foreign);
    if (found.kind === 'answer') {
      const answer = this.#received.subarray(found.from, found.to);
      this.forget();
      this.deliver(0, answer);
      return;
    }
    this.#received = this.#received.subarray(found.keep);
    clearTimeout(this.#idle);
    if (this.#received.length > 0) this.#idle = setTimeout(() => this.#giveUp(), Math.max(this.gap, IDLE));
  }

  lost(cause: Parameters<LinkEvents['lost']>[0]): void {
    if (!this.isOpen) return;
    this.#end();
    this.events.lost(cause);
  }

  /** Silence after bytes that are no answer: no need to wait for the time-out. */
  #giveUp(): void {
    const expected = this.#expected;
    if (expected) this.fail(0, isCorrupted(this.#received, expected) ? 'checksum' : 'bad-frame');
  }

  #end(): void {
    this.isOpen = false;
    this.failAll('disconnected');
    clearTimeout(this.#idle);
  }
}

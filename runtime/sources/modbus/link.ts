/**
 * The port under modbus-serial's client. The client builds requests and takes answers apart; what lies below it
 * is ours, because its own ports let a poller down where it matters (8.0.25): TcpPort checks neither the
 * protocol id nor the length of a header, so that one bad byte stalls the connection for good, and it never
 * reports a close that follows an error; RTUBufferedPort keeps the bytes of a late answer for the next request,
 * gives up on a frame after noise and never completes function 22. And neither can end a pending request.
 */

import { EventEmitter } from 'node:events';
import type { DeviceError } from '../../core/errors.ts';
import { type Millis, millis } from '../../core/units.ts';
import type { Fault } from './exchange.ts';

export interface LinkEvents {
  /** The connection is gone; every pending request has ended as `disconnected`. Called once. */
  lost(cause: DeviceError): void;
  sent(bytes: number): void;
  received(bytes: number): void;
  /** A whole frame nobody waited for: a late answer, or another unit's. */
  discarded(frames: number): void;
}

export abstract class Link extends EventEmitter {
  /** modbus-serial's client keeps one transaction per id; ours are the lanes 0 … lanes − 1. */
  _transactionIdRead = 0;
  _transactionIdWrite = 0;
  isOpen = true;
  /** How many requests may be under way at once. */
  abstract readonly lanes: number;
  /** Silence to keep between an answer and the next request. */
  abstract readonly gap: Millis;
  protected readonly events: LinkEvents;
  readonly #faults: (Fault | undefined)[] = [];

  constructor(events: LinkEvents) {
    super();
    this.events = events;
  }

  /** The client's way to ask for an open port; links are born open. */
  open(callback: (error: null) => void): void {
    callback(null);
  }

  /** The client sends a request on lane `_transactionIdWrite`. */
  abstract write(frame: Buffer): void;
  abstract close(): Promise<void>;
  /** Whether `lane` waits for its answer; afterwards it does not. */
  protected abstract forget(lane: number): boolean;

  /** How long request and answer take on the line itself. */
  lineTime(_bytes: number): Millis {
    return millis(0);
  }

  /** Units fall silent: whether opening the connection anew can help. */
  abstract worthRenewing(): boolean;

  /** Ends the request pending on a lane, if there is one. */
  fail(lane: number, fault: Fault): void {
    if (!this.forget(lane)) return;
    this.#faults[lane] = fault;
    this._transactionIdRead = lane;
    // The client's only way to end a request early is an answer it must refuse: one that is too short.
    this.emit('data', NOTHING);
  }

  takeFault(lane: number): Fault | undefined {
    const fault = this.#faults[lane];
    this.#faults[lane] = undefined;
    return fault;
  }

  /** @param frame with CRC. */
  protected deliver(lane: number, frame: Buffer): void {
    this._transactionIdRead = lane;
    this.emit('data', frame);
  }

  protected failAll(fault: Fault): void {
    for (let lane = 0; lane < this.lanes; lane++) this.fail(lane, fault);
  }
}

const NOTHING = Buffer.alloc(0);

/** One blob over MQTT: a window of blocks that are asked for, and whatever a broadcast brings meanwhile. */

import { DeliveryError } from '../../../runtime/core/errors.ts';
import { type Millis, millis } from '../../../runtime/core/units.ts';
import { BLOCK_BYTES, type BlobSink, type BlockOutcome } from '../blob-source.ts';
import type { TransferCounters } from './counters.ts';
import { Asked, type Exchange, type Question } from './exchange.ts';
import type { TransferTiming } from './limits.ts';
import type { Pace } from './pace.ts';
import { pause } from './pause.ts';

export interface TransferOptions {
  readonly sink: BlobSink;
  readonly exchange: Exchange;
  readonly pace: Pace;
  readonly timing: TransferTiming;
  readonly counters: TransferCounters;
  readonly now: () => Millis;
  /** Whether a broadcast of this blob is expected: the first request then waits for it. */
  readonly announced: boolean;
  /** @throws what ends the transfer before its time: the allowed hours are over. */
  readonly mayAsk: () => void;
}

const FIRST_WINDOW = 2;
/** Broadcast blocks that wait for the disk. */
const MOST_WAITING = 32;
/** A blob that is only judged as a whole can be spoilt again and again: so many times its length is enough. */
const MOST_TIMES_WRITTEN = 4;

export class Transfer {
  readonly #options: TransferOptions;
  readonly #flights = new Map<number, Asked>();
  readonly #failed = new Map<number, unknown>();
  readonly #end = new AbortController();
  #window = FIRST_WINDOW;
  #cursor = 0;
  #written = 0;
  #waiting = 0;
  #lastWrite: Promise<unknown> = Promise.resolve();
  #holdUntil: number;
  #shrunkAt = Number.NEGATIVE_INFINITY;

  constructor(options: TransferOptions) {
    this.#options = options;
    const { now, timing, announced } = options;
    this.#holdUntil = announced ? now() + timing.announcedHold : Number.NEGATIVE_INFINITY;
  }

  /** @throws as BlobSource.fetch does */
  async run(signal: AbortSignal): Promise<void> {
    const { sink } = this.#options;
    signal.throwIfAborted();
    const aborted = () => this.#end.abort(signal.reason);
    signal.addEventListener('abort', aborted);
    const watch = this.#watchRate();
    try {
      while (sink.missing > 0) {
        const before = this.#written;
        await this.#round();
        const failure = [...this.#failed].find(([index]) => sink.wants(index));
        if (failure) throw failure[1];
        this.#failed.clear();
        // Nothing came and nothing failed: asking again would change nothing.
        if (sink.missing > 0 && this.#written === before) throw spoilt(sink);
      }
    } finally {
      clearInterval(watch);
      signal.removeEventListener('abort', aborted);
      this.#end.abort();
      await this.#lastWrite.catch(() => undefined);
    }
  }

  /** A block that came by broadcast. Nobody waits for it: what cannot be kept now is asked for later. */
  offer(index: number, bytes: Uint8Array): void {
    const { sink, counters } = this.#options;
    counters.bytesBroadcast += bytes.length;
    if (this.#end.signal.aborted) return;
    if (index >= sink.count || bytes.length !== this.#lengthOf(index)) counters.framesIgnored += 1;
    else if (!sink.wants(index)) counters.blocksDuplicate += 1;
    else if (this.#waiting >= MOST_WAITING) counters.blocksDropped += 1;
    else void this.#offered(index, bytes);
  }

  async #offered(index: number, bytes: Uint8Array): Promise<void> {
    const { now, timing, counters, exchange } = this.#options;
    try {
      const outcome = await this.#write(index, bytes);
      if (outcome === 'bad') counters.blocksBad += 1;
      if (outcome !== 'written') return;
      // A block with the right hash cannot be made up: the broadcast goes on, so nothing is asked for.
      this.#holdUntil = now() + timing.broadcastQuiet;
      exchange.progressed();
      this.#flights.get(index)?.settle();
      if (this.#options.sink.missing === 0) for (const asked of this.#flights.values()) asked.settle();
    } catch (error) {
      this.#end.abort(error);
    }
  }

  /** Asks for every block that is wanted, a window at a time. */
  async #round(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const pump = () => {
      while (this.#flights.size < this.#window) {
        const index = this.#next();
        if (index === undefined) break;
        const before = this.#written;
        this.#fetch(index).then(pump, (error) => {
          this.#failed.set(index, error);
          const progress = this.#written > before && isNoAnswer(error);
          // One block that never comes must not keep the others from coming; none at all is the end.
          if (progress && !this.#end.signal.aborted) pump();
          else reject(error);
        });
      }
      if (this.#flights.size === 0) resolve();
    };
    pump();
    await promise.catch(async (error) => {
      this.#end.abort(error);
      throw error;
    });
  }

  async #fetch(index: number): Promise<void> {
    const asked = new Asked(this.#question(index));
    this.#flights.set(index, asked);
    try {
      await this.#options.exchange.ask(asked, this.#end.signal);
      this.#window = Math.min(this.#options.timing.window, this.#window + 1);
    } finally {
      this.#flights.delete(index);
    }
  }

  #question(index: number): Question {
    const { sink, counters } = this.#options;
    return {
      subject: { blob: sink.sha256 },
      offset: index * BLOCK_BYTES,
      length: this.#lengthOf(index),
      turn: (signal) => this.#turn(index, this.#flights.get(index)!, signal),
      onTimeout: () => this.#shrink(),
      take: async ({ total, bytes }) => {
        if (total !== sink.length) return false;
        const outcome = await this.#write(index, bytes);
        if (outcome === 'already-there') counters.blocksDuplicate += 1;
        return outcome !== 'bad';
      },
    };
  }

  async #turn(index: number, asked: Asked, signal: AbortSignal): Promise<void> {
    const { now, pace, mayAsk, sink } = this.#options;
    for (let left = this.#holdUntil - now(); left > 0 && !asked.settled; left = this.#holdUntil - now())
      await asked.woken(left, signal);
    if (!sink.wants(index)) asked.settle();
    if (asked.settled) return;
    mayAsk();
    const wait = pace.take(this.#lengthOf(index), now());
    if (wait > 0) await pause(wait, signal);
  }

  /** A link that loses is given less, once per wait. */
  #shrink(): void {
    const { now, timing } = this.#options;
    if (now() - this.#shrunkAt < timing.shortestWait) return;
    this.#shrunkAt = now();
    this.#window = Math.max(1, this.#window >> 1);
  }

  /** One at a time, in the order they came. */
  #write(index: number, bytes: Uint8Array): Promise<BlockOutcome> {
    const { sink, counters } = this.#options;
    this.#waiting += 1;
    const written = this.#lastWrite.then(async () => {
      this.#end.signal.throwIfAborted();
      const outcome = await sink.write(index, bytes);
      if (outcome === 'written') {
        counters.bytesKept += bytes.length;
        this.#written += bytes.length;
        if (this.#written > MOST_TIMES_WRITTEN * sink.length) throw spoilt(sink);
      }
      return outcome;
    });
    this.#lastWrite = written.catch(() => undefined);
    return written.finally(() => {
      this.#waiting -= 1;
    });
  }

  #next(): number | undefined {
    const { sink } = this.#options;
    for (let tried = 0; tried < sink.count; tried++) {
      const index = this.#cursor;
      this.#cursor = (index + 1) % sink.count;
      if (sink.wants(index) && !this.#flights.has(index) && !this.#failed.has(index)) return index;
    }
    return undefined;
  }

  #lengthOf(index: number): number {
    return Math.min(BLOCK_BYTES, this.#options.sink.length - index * BLOCK_BYTES);
  }

  #watchRate(): NodeJS.Timeout {
    const { now, timing, sink } = this.#options;
    let from = { at: Math.max(now(), this.#holdUntil), written: 0 };
    return setInterval(
      () => {
        if (now() - from.at < timing.rateWindow) return;
        const rate = ((this.#written - from.written) * 1000) / (now() - from.at);
        from = { at: now(), written: this.#written };
        if (rate < timing.leastBytesPerSecond) this.#end.abort(tooSlow(sink, rate));
      },
      millis(Math.min(1000, timing.rateWindow / 4)),
    );
  }
}

const isNoAnswer = (error: unknown) => error instanceof DeliveryError && error.code === 'ota-transport';

function spoilt({ sha256 }: BlobSink): DeliveryError {
  const text = `blob ${sha256} came complete several times, and never with its hash`;
  return new DeliveryError('ota-transport', text, { retryable: true, facts: { sha256 } });
}

function tooSlow({ sha256 }: BlobSink, rate: number): DeliveryError {
  const text = `blob ${sha256} comes too slowly: ${rate.toFixed(0)} bytes a second`;
  return new DeliveryError('ota-transport', text, { retryable: true, facts: { sha256, rate } });
}

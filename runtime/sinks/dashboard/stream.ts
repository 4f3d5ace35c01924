/** Server-sent events: what changed, to every page that looks. Costs nothing while none does. */

import type { ServerResponse } from 'node:http';
import type { HttpMetrics } from './metrics.ts';

const MAX_CLIENTS = 16;
/** Unsent bytes at which a reader counts as too slow; a page that comes back starts from a fresh copy. */
const MAX_BUFFERED_BYTES = 512 * 1024;
const TICK_MS = 1000;
/** A page that hears nothing for a while takes the connection for lost. */
const BEAT_EVERY_TICKS = 5;

export interface StreamOptions {
  readonly tagCount: number;
  readonly metrics: HttpMetrics;
  /** JSON-serialisable `[index, value, quality, reason]` of a tag. */
  readonly tagDelta: (index: number) => unknown;
  readonly status: () => Readonly<Record<string, unknown>>;
}

export class Stream {
  readonly #clients = new Set<ServerResponse>();
  readonly #metrics: HttpMetrics;
  readonly #tagDelta: (index: number) => unknown;
  readonly #status: () => Readonly<Record<string, unknown>>;
  readonly #isChanged: Uint8Array;
  readonly #changed: number[] = [];
  #lastStatus = '';
  #quietTicks = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ tagCount, metrics, tagDelta, status }: StreamOptions) {
    this.#isChanged = new Uint8Array(tagCount);
    this.#metrics = metrics;
    this.#tagDelta = tagDelta;
    this.#status = status;
  }

  get watched(): boolean {
    return this.#clients.size > 0;
  }

  /** @returns false when there are too many readers already. */
  add(response: ServerResponse): boolean {
    if (this.#clients.size >= MAX_CLIENTS) {
      this.#metrics.droppedLimit.inc();
      return false;
    }
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    response.socket?.setNoDelay(true);
    response.write('retry: 2000\n\nevent: beat\ndata: {}\n\n');
    this.#clients.add(response);
    this.#metrics.streamClients.set(this.#clients.size);
    response.on('close', () => this.#remove(response));
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
    return true;
  }

  /** A tag has a new reading; call only while `watched`. */
  markTag(index: number): void {
    if (this.#isChanged[index]) return;
    this.#isChanged[index] = 1;
    this.#changed.push(index);
  }

  send(event: string, data: unknown): void {
    if (this.#clients.size === 0) return;
    this.#quietTicks = 0;
    const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    for (const client of this.#clients) {
      if (client.writableLength > MAX_BUFFERED_BYTES) {
        this.#metrics.droppedSlow.inc();
        client.destroy();
        this.#remove(client);
      } else {
        client.write(text);
      }
    }
  }

  close(): void {
    for (const client of this.#clients) {
      client.end();
      this.#remove(client);
    }
  }

  #tick(): void {
    if (this.#changed.length > 0) {
      this.send('values', this.#changed.map(this.#tagDelta));
      for (const index of this.#changed) this.#isChanged[index] = 0;
      this.#changed.length = 0;
    }
    const status = this.#status();
    // Time alone is no news.
    const comparable = JSON.stringify({ ...status, uptime: 0, wall: 0 });
    if (comparable !== this.#lastStatus) {
      this.#lastStatus = comparable;
      this.send('status', status);
    }
    this.#quietTicks += 1;
    if (this.#quietTicks >= BEAT_EVERY_TICKS) this.send('beat', {});
  }

  #remove(client: ServerResponse): void {
    if (!this.#clients.delete(client)) return;
    this.#metrics.streamClients.set(this.#clients.size);
    if (this.#clients.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const index of this.#changed) this.#isChanged[index] = 0;
    this.#changed.length = 0;
    this.#lastStatus = '';
  }
}

/** What a hub says it will broadcast, and the small blobs of it: they come before a node knows that it wants them. */

import { createHash } from 'node:crypto';
import type { Announcement } from '../../protocol/announce.ts';
import type { OtaLink } from '../../protocol/link.ts';
import type { OtaTopics } from '../../protocol/topics.ts';
import { BLOCK_BYTES } from '../blob-source.ts';
import type { TransferCounters } from './counters.ts';

/** Bytes of small blobs that are kept for a while. */
const MOST_KEPT = 1024 * 1024;

export interface BroadcastsOptions {
  readonly link: OtaLink;
  readonly topics: OtaTopics;
  readonly counters: TransferCounters;
}

export class Broadcasts {
  readonly #options: BroadcastsOptions;
  /** By SHA-256: bytes. */
  #announced = new Map<string, number>();
  readonly #kept = new Map<string, Uint8Array>();
  readonly #subscriptions = new Map<string, Promise<() => void>>();
  #keptBytes = 0;

  constructor(options: BroadcastsOptions) {
    this.#options = options;
  }

  /** Listens for what is small enough to be kept, and forgets what is announced no more. */
  announced({ broadcast }: Announcement): void {
    this.#announced = new Map(broadcast.map(({ sha256, length }) => [sha256, length]));
    for (const [sha256, subscription] of this.#subscriptions)
      if (!this.#announced.has(sha256)) this.#leave(sha256, subscription);
    for (const [sha256, bytes] of this.#kept)
      if (!this.#announced.has(sha256)) {
        this.#kept.delete(sha256);
        this.#keptBytes -= bytes.length;
      }
    for (const { sha256, length } of broadcast) if (length <= BLOCK_BYTES) this.#listen(sha256, length);
  }

  isAnnounced(sha256: string): boolean {
    return this.#announced.has(sha256);
  }

  /** A whole blob with this hash that was broadcast lately. */
  kept(sha256: string): Uint8Array | undefined {
    return this.#kept.get(sha256);
  }

  close(): void {
    this.announced({ timestamp: '', broadcast: [] });
  }

  #listen(sha256: string, length: number): void {
    if (this.#subscriptions.has(sha256)) return;
    const { link, topics, counters } = this.#options;
    const receive = (_topic: string, bytes: Uint8Array) => {
      counters.bytesBroadcast += bytes.length;
      if (bytes.length !== length || this.#kept.has(sha256) || this.#keptBytes + length > MOST_KEPT) return;
      if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
        counters.blocksBad += 1;
        return;
      }
      this.#kept.set(sha256, bytes);
      this.#keptBytes += length;
    };
    const subscription = link.subscribe(topics.block(sha256, 0), receive);
    this.#subscriptions.set(sha256, subscription);
    // Without it the blob is asked for like any other.
    subscription.catch(() => this.#subscriptions.delete(sha256));
  }

  #leave(sha256: string, subscription: Promise<() => void>): void {
    this.#subscriptions.delete(sha256);
    subscription.then(
      (leave) => leave(),
      () => undefined,
    );
  }
}

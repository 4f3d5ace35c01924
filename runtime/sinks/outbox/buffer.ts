/** Records that wait in memory for the disk: for the commit under way, or longer while the disk refuses. */

import { StorageError } from '../../core/errors.ts';
import type { RecordClass } from '../../core/messages.ts';
import { costOf, type Entry } from './record.ts';
import { noneByClass, YIELDS_TO } from './store.ts';

export interface Waiting {
  readonly entry: Entry;
  readonly cost: number;
  /** Position in memory, negative so that it is never taken for an id on disk. */
  readonly memoryId: number;
  /** Id on disk once written, though not yet synced. */
  diskId: number | undefined;
  resolve(): void;
  reject(error: unknown): void;
}

export class WaitingRoom {
  readonly #maxBytes: number;
  readonly #onEvict: (waiting: Waiting) => void;
  #items: Waiting[] = [];
  #bytes = 0;
  #lastId = 0;
  /** Records not written yet. */
  readonly unwritten = noneByClass();

  /** @param onEvict called with each record that had to go; its promise is rejected already. */
  constructor(maxBytes: number, onEvict: (waiting: Waiting) => void) {
    this.#maxBytes = maxBytes;
    this.#onEvict = onEvict;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get items(): readonly Waiting[] {
    return this.#items;
  }

  /** Room for one more of this class and size, evicting its own and lesser classes; false when there is none. */
  makeRoom(recordClass: RecordClass, cost: number): boolean {
    for (const victim of YIELDS_TO[recordClass]) {
      while (this.#bytes + cost > this.#maxBytes && this.#evictOldest(victim)) {
        // one at a time
      }
    }
    return this.#bytes + cost <= this.#maxBytes;
  }

  add(entry: Entry): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#lastId -= 1;
    const cost = costOf(entry.bytes.length, entry.topic.length);
    this.#items.push({ entry, cost, memoryId: this.#lastId, diskId: undefined, resolve, reject });
    this.#bytes += cost;
    this.unwritten[entry.class] += 1;
    return promise;
  }

  /** The oldest, up to so many bytes; at least one where there is one. */
  next(maxBytes: number): Waiting[] {
    const batch: Waiting[] = [];
    let bytes = 0;
    for (const waiting of this.#items) {
      if (batch.length > 0 && bytes + waiting.cost > maxBytes) break;
      batch.push(waiting);
      bytes += waiting.cost;
    }
    return batch;
  }

  markWritten(waiting: Waiting, diskId: number): void {
    if (waiting.diskId === undefined) this.unwritten[waiting.entry.class] -= 1;
    waiting.diskId = diskId;
  }

  /** Takes records out; their promises are the caller's to settle. Those that have left already count once. */
  delete(gone: ReadonlySet<Waiting>): void {
    this.#items = this.#items.filter((waiting) => {
      if (!gone.has(waiting)) return true;
      this.#bytes -= waiting.cost;
      if (waiting.diskId === undefined) this.unwritten[waiting.entry.class] -= 1;
      return false;
    });
  }

  /** The outbox stops. @returns how many records were left. */
  rejectAll(): number {
    const left = new Set(this.#items);
    this.delete(left);
    for (const waiting of left) waiting.reject(stoppedError(waiting.entry.topic));
    return left.size;
  }

  #evictOldest(recordClass: RecordClass): boolean {
    // Those written are about to be synced: they no longer depend on this room.
    const victim =
      this.unwritten[recordClass] > 0 &&
      this.#items.find(({ entry, diskId }) => entry.class === recordClass && diskId === undefined);
    if (!victim) return false;
    this.delete(new Set([victim]));
    victim.reject(evictedError(victim.entry.topic));
    this.#onEvict(victim);
    return true;
  }
}

export function evictedError(topic: string): StorageError {
  return new StorageError(
    'outbox-full',
    `the outbox is full and the disk does not take more: a record for '${topic}' was dropped`,
    { retryable: true, facts: { topic } },
  );
}

export function stoppedError(topic: string): StorageError {
  return new StorageError('outbox-stopped', `the outbox has stopped: a record for '${topic}' was not taken`, {
    facts: { topic },
  });
}

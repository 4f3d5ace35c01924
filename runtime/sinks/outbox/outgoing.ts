/** What the sink sees of the queue: which records were handed out, which it is done with. */

import { RECORD_CLASSES, type StoredRecord } from '../../core/messages.ts';
import type { Waiting, WaitingRoom } from './buffer.ts';
import { decodeBody } from './record.ts';
import { type ByClass, noneByClass, type Row, type Store } from './store.ts';
import type { WallTimes } from './wall-time.ts';

/** Bodies handed out by one `take`: a backlog must not fill the memory. */
const TAKE_BYTES = 1024 * 1024;

export class Outgoing {
  readonly #room: WaitingRoom;
  readonly #bootId: string;
  readonly #onDamaged: (id: number) => void;
  /** Done with, still on disk. */
  readonly removed = new Set<number>();
  /** Handed out from memory. */
  readonly #lent = new Map<number, Waiting>();
  #cursor: ByClass = noneByClass();

  /** @param onDamaged told the id of a record that was damaged on the disk; it is dropped. */
  constructor(room: WaitingRoom, bootId: string, onDamaged: (id: number) => void) {
    this.#room = room;
    this.#bootId = bootId;
    this.#onDamaged = onDamaged;
  }

  /** Class by class, oldest first. @throws what SQLite throws. */
  fromDisk(store: Store, times: WallTimes, max: number): StoredRecord[] {
    const records: StoredRecord[] = [];
    let bytes = 0;
    for (const name of RECORD_CLASSES) {
      while (records.length < max && bytes < TAKE_BYTES) {
        const rows = this.#readSome(store, name, max - records.length, TAKE_BYTES - bytes);
        if (rows.length === 0) break;
        for (const row of rows) {
          if (this.removed.has(row.id)) continue;
          const { kernel, cost: _, ...record } = row;
          records.push({ ...record, ...times.correct(row, kernel) });
          bytes += row.body.length;
        }
      }
    }
    return records;
  }

  /** Records the disk does not take at the moment, in the same order. */
  fromMemory(times: WallTimes, max: number): StoredRecord[] {
    const free = this.#room.items.filter(
      ({ memoryId, diskId }) => diskId === undefined && !this.#lent.has(memoryId),
    );
    const sorted = RECORD_CLASSES.flatMap((name) => free.filter(({ entry }) => entry.class === name));
    return sorted.slice(0, Math.max(0, max)).map((waiting) => {
      const { class: recordClass, topic, seq, bytes, compressed } = waiting.entry;
      this.#lent.set(waiting.memoryId, waiting);
      return {
        id: waiting.memoryId,
        class: recordClass,
        topic,
        bootId: this.#bootId,
        seq,
        body: decodeBody(bytes, compressed),
        ...times.correct(waiting.entry),
      };
    });
  }

  /** @returns records that never had to reach the disk; they have left the waiting room. */
  remove(ids: readonly number[]): ReadonlySet<Waiting> {
    const delivered = new Set<Waiting>();
    for (const id of ids) {
      const waiting = this.#lent.get(id);
      this.#lent.delete(id);
      if (id > 0) this.removed.add(id);
      else if (waiting?.diskId !== undefined) this.removed.add(waiting.diskId);
      else if (waiting) delivered.add(waiting);
    }
    this.#room.delete(delivered);
    return delivered;
  }

  giveBack(): void {
    this.#cursor = noneByClass();
    this.#lent.clear();
  }

  #readSome(store: Store, name: keyof ByClass, max: number, bytes: number): Row[] {
    let last = this.#cursor[name];
    const rows = store.read(name, last, max, bytes, (id) => {
      last = Math.max(last, id);
      if (this.removed.has(id)) return;
      this.removed.add(id);
      this.#onDamaged(id);
    });
    this.#cursor[name] = Math.max(last, rows.at(-1)?.id ?? 0);
    return rows;
  }
}

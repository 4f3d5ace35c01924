/** What the sink sees of the queue: which records were handed out, which it is done with. */

import { RECORD_CLASSES, type RecordClass, type StoredRecord } from '../../core/messages.ts';
import type { Waiting, WaitingRoom } from './buffer.ts';
import { decodeBody } from './record.ts';
import { type ByClass, noneByClass, type Row, type Store } from './store.ts';
import type { WallTimes } from './wall-time.ts';

/** Bodies handed out by one `take`: a backlog must not fill the memory. */
const TAKE_BYTES = 1024 * 1024;

/** What one `take` has gathered, and how many bytes of bodies still fit. */
interface Taken {
  readonly records: StoredRecord[];
  readonly max: number;
  room: number;
}

const isFull = ({ records, max, room }: Taken): boolean => records.length >= max || room <= 0;

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

  /**
   * Class by class, oldest first: what is on the disk, then what the disk does not take at the moment.
   * @param store undefined while it cannot be read.
   * @throws what SQLite throws.
   */
  take(store: Store | undefined, times: WallTimes, max: number, withMemory: boolean): StoredRecord[] {
    const taken: Taken = { records: [], max, room: TAKE_BYTES };
    for (const name of RECORD_CLASSES) {
      if (store) this.#takeFromDisk(taken, store, times, name);
      // There may be more of it on the disk: nothing that was accepted later may overtake it.
      if (isFull(taken)) break;
      if (withMemory) this.#takeFromMemory(taken, times, name);
    }
    return taken.records;
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

  #takeFromDisk(taken: Taken, store: Store, times: WallTimes, name: RecordClass): void {
    while (!isFull(taken)) {
      const rows = this.#readSome(store, name, taken.max - taken.records.length, taken.room);
      if (rows.length === 0) return;
      for (const row of rows) {
        if (this.removed.has(row.id)) continue;
        const { kernel, cost: _, ...record } = row;
        taken.records.push({ ...record, ...times.correct(row, kernel) });
        taken.room -= row.body.length;
      }
    }
  }

  #takeFromMemory(taken: Taken, times: WallTimes, name: RecordClass): void {
    for (const waiting of this.#room.items) {
      if (isFull(taken)) return;
      const { class: recordClass, topic, seq, bytes, compressed } = waiting.entry;
      if (recordClass !== name || waiting.diskId !== undefined || this.#lent.has(waiting.memoryId)) continue;
      this.#lent.set(waiting.memoryId, waiting);
      const body = decodeBody(bytes, compressed);
      const id = waiting.memoryId;
      const stamp = times.correct(waiting.entry);
      taken.records.push({ id, class: name, topic, bootId: this.#bootId, seq, body, ...stamp });
      taken.room -= body.length;
    }
  }

  #readSome(store: Store, name: RecordClass, max: number, bytes: number): Row[] {
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

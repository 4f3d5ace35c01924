/** How much waits in the database: counted once in the background after opening, then kept up to date. */

import { RECORD_CLASSES } from '../../core/messages.ts';
import { classOfId } from './record.ts';
import { noneByClass, type Store } from './store.ts';

const SCAN_ROWS = 256;

/**
 * A full count reads every leaf of the tables: seconds on a slow card after days offline. So it is done in
 * steps, and changes to rows the count has not reached yet are left to the count.
 */
export class Totals {
  readonly records = noneByClass();
  bytes = 0;
  readonly #firstNewId: number;
  readonly #reached = noneByClass();

  constructor(store: Store) {
    this.#firstNewId = store.lastId + 1;
  }

  add(id: number, cost: number): void {
    this.#change(id, 1, cost);
  }

  drop(id: number, cost: number): void {
    this.#change(id, -1, -cost);
  }

  /** Counts some more rows; false once all are counted. */
  step(store: Store): boolean {
    for (const recordClass of RECORD_CLASSES) {
      if (this.#reached[recordClass] >= this.#firstNewId) continue;
      const rows = store
        .scan(recordClass, this.#reached[recordClass], SCAN_ROWS)
        .filter(({ id }) => id < this.#firstNewId);
      for (const { cost } of rows) this.bytes += cost;
      this.records[recordClass] += rows.length;
      this.#reached[recordClass] = rows.at(-1)?.id ?? this.#firstNewId;
      return true;
    }
    return false;
  }

  #change(id: number, records: number, cost: number): void {
    const recordClass = classOfId(id);
    if (!recordClass || (id < this.#firstNewId && id > this.#reached[recordClass])) return;
    this.records[recordClass] += records;
    this.bytes += cost;
  }
}

/** The few records between the outbox and the line, in sending order: class, then age. */

import { RECORD_CLASSES, type RecordClass, type StoredRecord } from '../../core/messages.ts';

export class Staging {
  readonly #byClass: Record<RecordClass, StoredRecord[]> = {
    event: [],
    health: [],
    reading: [],
    picture: [],
  };
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(records: readonly StoredRecord[]): void {
    for (const record of records) this.#byClass[record.class].push(record);
    this.#length += records.length;
  }

  peek(): StoredRecord | undefined {
    for (const name of RECORD_CLASSES) if (this.#byClass[name].length > 0) return this.#byClass[name][0];
    return undefined;
  }

  /** Removes what `peek` showed. */
  drop(record: StoredRecord): void {
    this.#byClass[record.class].shift();
    this.#length -= 1;
  }

  clear(): void {
    for (const name of RECORD_CLASSES) this.#byClass[name].length = 0;
    this.#length = 0;
  }
}

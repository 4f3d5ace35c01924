/** An outbox without a disk: the same order and the same rules, for tests of what drains it. */

import {
  type OutboundQueue,
  type OutboxDepth,
  RECORD_CLASSES,
  type RecordClass,
  type StoredRecord,
} from '../../runtime/core/messages.ts';
import { epochMillis, millis } from '../../runtime/core/units.ts';

export class MemoryQueue implements OutboundQueue {
  readonly bootId: string;
  /** In order of acceptance. */
  readonly records: StoredRecord[] = [];
  /** Every id ever removed, in order. */
  readonly removed: number[] = [];
  readonly #taken = new Set<number>();
  #onAvailable: () => void = () => {};
  #lastId = 0;

  constructor(bootId = 'boot-1') {
    this.bootId = bootId;
  }

  push(recordClass: RecordClass, topic: string, body: object, mono = performance.now()): StoredRecord {
    const id = ++this.#lastId;
    const record: StoredRecord = {
      id,
      seq: id,
      class: recordClass,
      topic,
      bootId: this.bootId,
      body: JSON.stringify(body),
      mono: millis(mono),
      wall: epochMillis(Date.now()),
      timeQuality: 'synced',
    };
    this.records.push(record);
    this.#onAvailable();
    return record;
  }

  async take(max: number): Promise<readonly StoredRecord[]> {
    const taken: StoredRecord[] = [];
    for (const name of RECORD_CLASSES) {
      for (const record of this.records) {
        if (taken.length === max) break;
        if (record.class === name && !this.#taken.has(record.id)) taken.push(record);
      }
    }
    for (const { id } of taken) this.#taken.add(id);
    return taken;
  }

  remove(ids: readonly number[]): void {
    for (const id of ids) {
      const at = this.records.findIndex((record) => record.id === id);
      if (at < 0) continue;
      this.records.splice(at, 1);
      this.#taken.delete(id);
      this.removed.push(id);
    }
  }

  giveBack(): void {
    this.#taken.clear();
    if (this.records.length > 0) this.#onAvailable();
  }

  onAvailable(callback: () => void): void {
    this.#onAvailable = callback;
  }

  depth(): OutboxDepth {
    const byClass = { event: 0, health: 0, reading: 0, picture: 0 };
    for (const record of this.records) byClass[record.class] += 1;
    return { records: this.records.length, bytes: 0, byClass, evicted: 0 };
  }
}

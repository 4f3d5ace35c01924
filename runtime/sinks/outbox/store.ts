/**
 * The queue in its database file: synchronous, no clock, no timers, no syncing (durable.ts does that).
 * Rows of a class leave in the order of their ids; a checksum guards each row.
 */

import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { RECORD_CLASSES, type RecordClass, type Stamp, type StoredRecord } from '../../core/messages.ts';
import { epochMillis, millis } from '../../core/units.ts';
import { checksum, classOfId, costOf, decodeBody, type Entry, makeId, positionOfId } from './record.ts';
import { PAGE_BYTES, standInTables, tableOf } from './schema.ts';

/** Classes that may go to make room for a record of the given class, first to go first. */
export const YIELDS_TO: Readonly<Record<RecordClass, readonly RecordClass[]>> = {
  picture: ['picture'],
  reading: ['picture', 'reading'],
  health: ['picture', 'reading', 'health'],
  event: ['picture', 'reading', 'health', 'event'],
};

export interface Boot {
  readonly bootId: string;
  readonly kernel: string;
}

export type ByClass = Record<RecordClass, number>;
export const noneByClass = (): ByClass => ({ event: 0, health: 0, reading: 0, picture: 0 });

/** What one transaction did. */
export interface WriteOutcome {
  /** Id of each entry written, in their order; undefined where not even evicting its own class made room. */
  readonly ids: readonly (number | undefined)[];
  readonly evicted: ByClass;
  readonly removed: number;
}

/** A row as it is read, its checksum verified. */
export interface Row extends StoredRecord {
  readonly kernel: string;
  /** Bytes it counts for. */
  readonly cost: number;
}

type RawRow = Record<string, SQLOutputValue>;

interface TableStatements {
  readonly insert: StatementSync;
  readonly remove: StatementSync;
  readonly after: StatementSync;
  readonly scan: StatementSync;
  readonly evict: StatementSync;
  readonly maxId: StatementSync;
}

export class Store {
  readonly #db: DatabaseSync;
  readonly #tables: Record<RecordClass, TableStatements>;
  readonly #pageCount: StatementSync;
  readonly #freeCount: StatementSync;
  readonly #boots = new Map<number, Boot>();
  readonly #maxPages: number;
  readonly #boot: Boot;
  #bootNumber: number | undefined;
  #nextPosition = 1;

  /** @param maxBytes bound of the database file, without the write-ahead log. */
  constructor(db: DatabaseSync, boot: Boot, maxBytes: number) {
    this.#db = db;
    this.#boot = boot;
    this.#maxPages = Math.floor(maxBytes / PAGE_BYTES);
    standInTables(db);
    this.#tables = {
      event: prepareTable(db, 'event'),
      health: prepareTable(db, 'health'),
      reading: prepareTable(db, 'reading'),
      picture: prepareTable(db, 'picture'),
    };
    this.#pageCount = db.prepare('PRAGMA page_count');
    this.#freeCount = db.prepare('PRAGMA freelist_count');
    for (const row of db.prepare('SELECT n, boot_id, kernel FROM boot').iterate()) {
      this.#boots.set(Number(row.n), { bootId: String(row.boot_id), kernel: String(row.kernel) });
    }
    this.reserveIds(
      Math.max(...RECORD_CLASSES.map((name) => Number(this.#tables[name].maxId.get()?.id ?? 0))),
    );
  }

  /** Ids given from now on are above this one. */
  reserveIds(id: number): void {
    this.#nextPosition = Math.max(this.#nextPosition, positionOfId(id) + 1);
  }

  get lastId(): number {
    return makeId(this.#nextPosition, 'event') - 1;
  }

  /** Offsets between wall and monotonic time of earlier machine starts, by kernel boot id. */
  clockOffsets(): Map<string, number> {
    const rows = this.#db.prepare('SELECT kernel, wall_minus_mono AS offset FROM clock').all();
    return new Map(rows.map((row) => [String(row.kernel), Number(row.offset)]));
  }

  /** Starts of the node whose records are or were here, oldest first. */
  bootIds(): string[] {
    return [...this.#boots.values()].map(({ bootId }) => bootId);
  }

  /** Forgets earlier starts once nothing they wrote is left, so that the list does not grow for years. */
  pruneBoots(): void {
    const empty = RECORD_CLASSES.every((name) => this.#tables[name].maxId.get()?.id === null);
    if (!empty || this.#boots.size === 0) return;
    this.transaction(() => this.#db.exec('DELETE FROM boot; DELETE FROM clock'));
    this.#boots.clear();
  }

  /** Bytes of the file that hold data. */
  usedBytes(): number {
    return this.#usedPages() * PAGE_BYTES;
  }

  /**
   * One transaction: deletions, eviction where the bound asks for it, insertions.
   * @param onRemoved tells the cost of each row that left, by id.
   * @throws what SQLite throws; then nothing of it happened.
   */
  write(
    entries: readonly Entry[],
    removals: Iterable<number>,
    clockOffset: number | undefined,
    onRemoved: (id: number, cost: number) => void,
  ): WriteOutcome {
    const position = this.#nextPosition;
    const bootNumber = this.#bootNumber;
    const left: [id: number, cost: number][] = [];
    const note = (id: number, cost: number) => left.push([id, cost]);
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      let removed = 0;
      for (const id of removals) removed += this.#remove(id, note) ? 1 : 0;
      const evicted = noneByClass();
      const ids = entries.map((entry) => this.#insert(entry, evicted, note));
      if (clockOffset !== undefined) this.#saveClock(clockOffset);
      this.#db.exec('COMMIT');
      for (const [id, cost] of left) onRemoved(id, cost);
      return { ids, evicted, removed };
    } catch (error) {
      this.#nextPosition = position;
      if (bootNumber === undefined) this.#forgetBoot();
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /**
   * Rows of a class after an id, oldest first, until `max` rows or `maxBytes` of bodies are reached (at least one).
   * @param onBad told the id of each row whose checksum does not hold; it is left out.
   */
  read(
    recordClass: RecordClass,
    afterId: number,
    max: number,
    maxBytes: number,
    onBad: (id: number) => void,
  ): Row[] {
    const rows: Row[] = [];
    let size = 0;
    for (const raw of this.#tables[recordClass].after.iterate(afterId)) {
      const row = this.#decode(recordClass, raw);
      if (row) {
        rows.push(row);
        size += row.body.length;
      } else {
        onBad(Number(raw.id));
      }
      if (rows.length >= max || size >= maxBytes) break;
    }
    return rows;
  }

  /** Ids and costs of the next rows of a class, without their bodies. */
  scan(recordClass: RecordClass, afterId: number, max: number): { id: number; cost: number }[] {
    return this.#tables[recordClass].scan
      .all(afterId, max)
      .map((row) => ({ id: Number(row.id), cost: costOf(Number(row.body), Number(row.topic)) }));
  }

  /** Puts back a row saved from a damaged file, under its own id; ids of later records must be above it. */
  restore(row: Row, entry: Entry): void {
    this.#insertRow(row.id, entry, this.#numberOf({ bootId: row.bootId, kernel: row.kernel }));
    this.reserveIds(row.id);
  }

  transaction(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #insert(entry: Entry, evicted: ByClass, note: (id: number, cost: number) => void): number | undefined {
    const pages = Math.ceil(costOf(entry.bytes.length, entry.topic.length) / (PAGE_BYTES - 100)) + 2;
    for (const victim of YIELDS_TO[entry.class]) {
      while (this.#usedPages() + pages > this.#maxPages) {
        const row = this.#tables[victim].evict.get();
        if (!row) break;
        evicted[victim] += 1;
        note(Number(row.id), costOf(Number(row.body), Number(row.topic)));
      }
    }
    if (this.#usedPages() + pages > this.#maxPages) {
      evicted[entry.class] += 1;
      return undefined;
    }
    this.#bootNumber ??= this.#numberOf(this.#boot);
    const id = makeId(this.#nextPosition, entry.class);
    this.#insertRow(id, entry, this.#bootNumber);
    this.#nextPosition += 1;
    return id;
  }

  #insertRow(id: number, entry: Entry, boot: number): void {
    const { seq, mono, wall, topic, compressed, bytes } = entry;
    const crc = checksum(id, boot, seq, wall, topic, bytes);
    const synced = entry.timeQuality === 'synced' ? 1 : 0;
    this.#tables[entry.class].insert.run(
      id,
      boot,
      seq,
      mono,
      wall,
      synced,
      crc,
      topic,
      compressed ? 1 : 0,
      bytes,
    );
  }

  #remove(id: number, note: (id: number, cost: number) => void): boolean {
    const recordClass = classOfId(id);
    const row = recordClass && this.#tables[recordClass].remove.get(id);
    if (row) note(id, costOf(Number(row.body), Number(row.topic)));
    return row !== undefined;
  }

  #decode(recordClass: RecordClass, raw: RawRow): Row | undefined {
    const [id, seq, wall] = [Number(raw.id), Number(raw.seq), Number(raw.wall)];
    const boot = this.#boots.get(Number(raw.boot));
    if (!boot || !(raw.body instanceof Uint8Array) || typeof raw.topic !== 'string') return undefined;
    if (checksum(id, Number(raw.boot), seq, wall, raw.topic, raw.body) !== raw.crc) return undefined;
    const stamp: Stamp = {
      mono: millis(Number(raw.mono)),
      wall: epochMillis(wall),
      timeQuality: raw.synced === 1 ? 'synced' : 'unsynced',
    };
    const cost = costOf(raw.body.length, raw.topic.length);
    try {
      const body = decodeBody(raw.body, raw.compressed === 1);
      return { id, class: recordClass, topic: raw.topic, ...boot, seq, body, cost, ...stamp };
    } catch {
      return undefined;
    }
  }

  #usedPages(): number {
    return Number(this.#pageCount.get()?.page_count) - Number(this.#freeCount.get()?.freelist_count);
  }

  #numberOf(boot: Boot): number {
    for (const [n, known] of this.#boots) if (known.bootId === boot.bootId) return n;
    const insert = this.#db.prepare('INSERT INTO boot (boot_id, kernel) VALUES (?, ?) RETURNING n');
    const n = Number(insert.get(boot.bootId, boot.kernel)?.n);
    this.#boots.set(n, boot);
    return n;
  }

  /** The transaction that introduced this start was undone: its number may go to another one. */
  #forgetBoot(): void {
    if (this.#bootNumber !== undefined) this.#boots.delete(this.#bootNumber);
    this.#bootNumber = undefined;
  }

  #saveClock(offset: number): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO clock (kernel, wall_minus_mono) VALUES (?, ?)')
      .run(this.#boot.kernel, offset);
  }
}

function prepareTable(db: DatabaseSync, recordClass: RecordClass): TableStatements {
  const table = tableOf(recordClass);
  const sizes = 'length(body) AS body, length(topic) AS topic';
  return {
    insert: db.prepare(`INSERT INTO ${table} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
    remove: db.prepare(`DELETE FROM ${table} WHERE id = ? RETURNING ${sizes}`),
    after: db.prepare(`SELECT * FROM ${table} WHERE id > ? ORDER BY id`),
    scan: db.prepare(`SELECT id, ${sizes} FROM ${table} WHERE id > ? ORDER BY id LIMIT ?`),
    evict: db.prepare(
      `DELETE FROM ${table} WHERE id = (SELECT min(id) FROM ${table}) RETURNING id, ${sizes}`,
    ),
    maxId: db.prepare(`SELECT max(id) AS id FROM ${table}`),
  };
}

/** Tables and settings of outbox.db. */

import type { DatabaseSync } from 'node:sqlite';
import { RECORD_CLASSES, type RecordClass } from '../../core/messages.ts';

export const SCHEMA_VERSION = 1;

/** Marks the file as ours (`file` and the command line show it): "Vigi". */
export const APPLICATION_ID = 0x56696769;

/**
 * A commit writes whole pages, and a record changes three or four: small pages write less. Measured with
 * `vigie bench flash` (docs/outbox.md): 34 MB a day with 1 KiB, 58 MB with 4 KiB.
 */
export const PAGE_BYTES = 1024;
/** A frame of the write-ahead log: the page and its header. */
export const FRAME_BYTES = PAGE_BYTES + 24;

/** One table a class, filled at its end and emptied at its start: sending order without an index to write. */
export const tableOf = (recordClass: RecordClass): string => `record_${recordClass}`;

const COLUMNS = `(id INTEGER PRIMARY KEY, boot INTEGER NOT NULL, seq INTEGER NOT NULL,
  mono REAL NOT NULL, wall REAL NOT NULL, synced INTEGER NOT NULL, crc INTEGER NOT NULL, topic TEXT NOT NULL,
  compressed INTEGER NOT NULL, body BLOB NOT NULL)`;

const CREATE = [
  'CREATE TABLE boot (n INTEGER PRIMARY KEY, boot_id TEXT NOT NULL, kernel TEXT NOT NULL)',
  'CREATE TABLE clock (kernel TEXT PRIMARY KEY, wall_minus_mono REAL NOT NULL) WITHOUT ROWID',
  ...RECORD_CLASSES.map((recordClass) => `CREATE TABLE ${tableOf(recordClass)} ${COLUMNS}`),
  `PRAGMA application_id = ${APPLICATION_ID}`,
  `PRAGMA user_version = ${SCHEMA_VERSION}`,
];

/** Settings of every connection that writes. Page size and WAL stick to a new file; the rest is per connection. */
export function configure(db: DatabaseSync): void {
  db.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
  db.exec('PRAGMA journal_mode = WAL');
  // The outbox syncs and checkpoints itself, off the event loop: see durable.ts.
  db.exec('PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0');
  db.exec('PRAGMA cache_size = -256; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY');
}

export function createTables(db: DatabaseSync): void {
  db.exec(`BEGIN IMMEDIATE; ${CREATE.join('; ')}; COMMIT`);
}

/** A file of before a class existed gets its table; older releases pass over tables that they do not know. */
export function addMissingTables(db: DatabaseSync): void {
  const missing = missingTables(db);
  if (missing.length === 0) return;
  const creations = missing.map((table) => `CREATE TABLE ${table} ${COLUMNS}`);
  db.exec(`BEGIN IMMEDIATE; ${creations.join('; ')}; COMMIT`);
}

/** The same for who only reads: empty tables that are never written to the file. */
export function standInTables(db: DatabaseSync): void {
  for (const table of missingTables(db)) db.exec(`CREATE TEMP TABLE IF NOT EXISTS ${table} ${COLUMNS}`);
}

function missingTables(db: DatabaseSync): string[] {
  const rows = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const there = new Set(rows.map(({ name }) => name));
  return RECORD_CLASSES.map(tableOf).filter((table) => !there.has(table));
}

export function schemaVersion(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version ?? 0);
}

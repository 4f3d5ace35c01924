/** Opens outbox.db and sees that it is ours and whole; the lock that keeps every other process away. */

import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { nodeFileSystem } from '../../core/file-system.ts';
import { OutboxFault, toFault } from './fault.ts';
import {
  APPLICATION_ID,
  addMissingTables,
  configure,
  createTables,
  PAGE_BYTES,
  SCHEMA_VERSION,
  schemaVersion,
} from './schema.ts';

/** Above this a full check takes too long for the main thread; damage then shows at the row that has it. */
const CHECK_UP_TO_BYTES = 4 * 1024 * 1024;

export const databasePath = (directory: string): string => join(directory, 'outbox.db');

/** Holds `outbox.lock` until closed; the kernel lets go when the process dies. @throws OutboxFault `locked`. */
export function lockDirectory(directory: string): DatabaseSync {
  const doing = `open the outbox in ${directory}`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o750 });
    const path = join(directory, 'outbox.lock');
    createPrivate(path);
    const lock = new DatabaseSync(path, { timeout: 0 });
    try {
      lock.exec('BEGIN EXCLUSIVE');
      return lock;
    } catch (cause) {
      lock.close();
      throw cause;
    }
  } catch (cause) {
    throw toFault(doing, cause);
  }
}

/**
 * Opens or creates the file and checks it.
 * @throws OutboxFault: `damaged` and `newer` want the file moved aside, the others another try.
 */
export function openDatabase(path: string): DatabaseSync {
  const doing = `open ${path}`;
  let db: DatabaseSync | undefined;
  try {
    // SQLite would take a database cut to nothing for a new one and delete its log.
    if (sizeOf(path) === 0 && sizeOf(`${path}-wal`) > 0) throw new OutboxFault('damaged', doing);
    createPrivate(path);
    db = new DatabaseSync(path, { timeout: 0 });
    // The index of the log lives in this process's memory: as a file it is mapped, and each commit would write its
    // 32 KiB. Before anything is read, or an existing database gets that file all the same.
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    check(db, doing);
    configure(db);
    if (schemaVersion(db) === 0) createTables(db);
    addMissingTables(db);
    return db;
  } catch (cause) {
    closeQuietly(db);
    throw toFault(doing, cause);
  }
}

function check(db: DatabaseSync, doing: string): void {
  const version = schemaVersion(db);
  if (version > SCHEMA_VERSION) throw new OutboxFault('newer', doing);
  const pages = Number(db.prepare('PRAGMA page_count').get()?.page_count);
  const ours = Number(db.prepare('PRAGMA application_id').get()?.application_id) === APPLICATION_ID;
  // A first start that was cut short left an empty database in WAL mode.
  const empty = version === 0 && db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n === 0;
  if (pages > 0 && !empty && (version === 0 || !ours)) throw new OutboxFault('damaged', doing);
  if (pages * PAGE_BYTES > CHECK_UP_TO_BYTES) return;
  const verdict = db.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  if (verdict !== 'ok') throw new OutboxFault('damaged', doing, verdict);
}

/** SQLite itself would let everybody read; its log and index take the mode of the database. */
function createPrivate(path: string): void {
  // A file that exists is not opened: closing it again would drop the locks this process has on it.
  if (!existsSync(path)) closeSync(openSync(path, 'ax', 0o640));
}

/** 0 where there is none. */
export const sizeOf = (path: string): number => nodeFileSystem.size(path) ?? 0;

export function closeQuietly(db: DatabaseSync | undefined): void {
  try {
    db?.close();
  } catch {
    // Nothing can be done about a file that does not even close.
  }
}

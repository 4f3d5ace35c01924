/**
 * The database file and its durability.
 *
 * SQLite runs on the main thread and never syncs; the outbox syncs the files itself through libuv's pool, so a
 * slow card's fsync (hundreds of milliseconds) never stalls polling. A worker thread would do that too, but
 * costs 15 MB of RSS (measured, docs/outbox.md) of the 90 MB the whole process may take; SQLite here costs 2 MB.
 *
 * What SQLite's own syncs would guarantee is kept by order:
 *  1. commit: frames are written to the log, then the log is synced; only then is a record accepted.
 *  2. checkpoint: the log is synced, pages are copied to the database, the database is synced, and only then
 *     may the log be overwritten. Its old header is erased and synced first: else a power cut could keep the
 *     old header with some old and some new frames, and recovery would replay old pages over newer ones.
 * No write happens while a sync or a checkpoint is under way: the caller sees to it.
 */

import {
  closeSync,
  existsSync,
  fdatasync,
  fsync,
  mkdirSync,
  openSync,
  statfs,
  statSync,
  write,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { promisify } from 'node:util';
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

const syncData = promisify(fdatasync);
const syncAll = promisify(fsync);
const writeAt = promisify(write);
const fileSystemOf = promisify(statfs);

const WAL_HEADER_BYTES = 32;
/** Of zeros, which SQLite takes for the end of a log. */
const RESERVE_STEP_BYTES = 64 * 1024;

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

export class DurableFile {
  readonly db: DatabaseSync;
  readonly #path: string;
  readonly #files: { database: number; log: number };
  readonly #walState: StatementSync;

  /**
   * Opens or creates the file and checks it.
   * @throws OutboxFault: `damaged` and `newer` want the file moved aside, the others another try.
   */
  constructor(path: string) {
    this.#path = path;
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
      // A read makes SQLite create the log where the last stop removed it.
      db.prepare('SELECT count(*) FROM boot').get();
      this.#walState = db.prepare('PRAGMA wal_checkpoint(NOOP)');
      this.db = db;
      this.#files = openBoth(path);
    } catch (cause) {
      closeQuietly(db);
      throw toFault(doing, cause);
    }
  }

  /** Once after opening: file, log and their names in the directory reach the disk. */
  async settle(): Promise<void> {
    const directory = openSync(dirname(this.#path), 'r');
    try {
      await syncAll(this.#files.log);
      await syncAll(this.#files.database);
      await syncAll(directory);
    } catch (cause) {
      throw toFault(`sync ${this.#path}`, cause);
    } finally {
      closeSync(directory);
    }
  }

  /**
   * Gives the log its size from the start, as far as the disk has room. A file that grows with each commit makes the file
   * system write its inode, its map of blocks and their journal each time: more than the records (docs/footprint.md).
   * @returns bytes written.
   */
  async reserveLog(bytes: number): Promise<number> {
    const had = sizeOf(`${this.#path}-wal`);
    let size = had;
    try {
      while (size < bytes) {
        const step = Math.min(RESERVE_STEP_BYTES, bytes - size);
        const { bytesWritten } = await writeAt(this.#files.log, new Uint8Array(step), 0, step, size);
        size += bytesWritten;
      }
      await syncAll(this.#files.log);
    } catch (cause) {
      const fault = toFault(`reserve room for ${this.#path}-wal`, cause);
      if (fault.kind !== 'full') throw fault;
    }
    return size - had;
  }

  /** Bytes left to this user on the disk that the file lies on. */
  async roomLeft(): Promise<number> {
    try {
      const { bavail, bsize } = await fileSystemOf(dirname(this.#path));
      return bavail * bsize;
    } catch (cause) {
      throw toFault(`ask for the room left to ${this.#path}`, cause);
    }
  }

  /** Every commit so far survives a power cut once this resolves. */
  async sync(): Promise<void> {
    try {
      await syncData(this.#files.log);
    } catch (cause) {
      throw toFault(`sync ${this.#path}-wal`, cause);
    }
  }

  /** Frames in the write-ahead log since it was last started anew. */
  logFrames(): number {
    return Math.max(0, Number(this.#walState.get()?.log ?? 0));
  }

  /**
   * Moves what is in the log into the database; the log must be synced.
   * @returns bytes written.
   */
  async checkpoint(): Promise<number> {
    const doing = `write the log of ${this.#path} back`;
    try {
      const { log, checkpointed } = this.#checkpoint('PASSIVE');
      const written = Number(checkpointed) * PAGE_BYTES;
      if (checkpointed !== log) return written;
      await syncData(this.#files.database);
      if (this.#checkpoint('RESTART').busy !== 0) {
        // Someone reads the log: SQLite itself will start it anew later, and must then sync its header.
        this.db.exec('PRAGMA synchronous = NORMAL');
        return written;
      }
      this.db.exec('PRAGMA synchronous = OFF');
      await writeAt(this.#files.log, new Uint8Array(WAL_HEADER_BYTES), 0, WAL_HEADER_BYTES, 0);
      await syncData(this.#files.log);
      return written + WAL_HEADER_BYTES;
    } catch (cause) {
      throw toFault(doing, cause);
    }
  }

  /** Leaves one synced database file without a log, where the disk lets it. */
  close(): void {
    try {
      this.db.exec('PRAGMA synchronous = FULL');
    } catch {
      // A damaged file closes all the same.
    }
    closeQuietly(this.db);
    // After SQLite: closing any descriptor of a file drops the process's locks on it.
    closeSync(this.#files.database);
    closeSync(this.#files.log);
  }

  #checkpoint(mode: 'PASSIVE' | 'RESTART'): { busy: number; log: number; checkpointed: number } {
    return this.db.prepare(`PRAGMA wal_checkpoint(${mode})`).get() as {
      busy: number;
      log: number;
      checkpointed: number;
    };
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

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function openBoth(path: string): { database: number; log: number } {
  const log = openSync(`${path}-wal`, 'r+');
  try {
    return { log, database: openSync(path, 'r+') };
  } catch (error) {
    closeSync(log);
    throw error;
  }
}

function closeQuietly(db: DatabaseSync | undefined): void {
  try {
    db?.close();
  } catch {
    // Nothing can be done about a file that does not even close.
  }
}

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

import { closeSync, fdatasync, fsync, openSync, write } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { toFault } from './fault.ts';
import { closeQuietly, openDatabase, sizeOf } from './open-database.ts';
import { PAGE_BYTES } from './schema.ts';

const syncData = promisify(fdatasync);
const syncAll = promisify(fsync);
const writeAt = promisify(write);

const WAL_HEADER_BYTES = 32;
/**
 * Of zeros, which SQLite takes for the end of a log. A page at a time: newer kernels keep a larger piece together in their
 * cache, and count all of it as written whenever a part is (`/proc/PID/io`).
 */
const RESERVE_STEP_BYTES = 4096;

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
    const db = openDatabase(path);
    try {
      // A read makes SQLite create the log where the last stop removed it.
      db.prepare('SELECT count(*) FROM boot').get();
      this.#walState = db.prepare('PRAGMA wal_checkpoint(NOOP)');
      this.db = db;
      this.#files = openBoth(path);
    } catch (cause) {
      closeQuietly(db);
      throw toFault(`open ${path}`, cause);
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

function openBoth(path: string): { database: number; log: number } {
  const log = openSync(`${path}-wal`, 'r+');
  try {
    return { log, database: openSync(path, 'r+') };
  } catch (error) {
    closeSync(log);
    throw error;
  }
}

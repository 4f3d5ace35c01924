/** The outbox on disk, open and in order: lock, file, store and totals together. */

import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import type { OutboxConfig } from '../../config/schema/outbox.ts';
import { nodeFileSystem } from '../../core/file-system.ts';

import { DurableFile } from './durable.ts';
import { OutboxFault, toFault } from './fault.ts';
import { databasePath, lockDirectory } from './open-database.ts';
import { type AsideReason, moveAside, salvage } from './quarantine.ts';
import { type Entry, packBody } from './record.ts';
import { FRAME_BYTES } from './schema.ts';
import { type Boot, type Row, Store, type WriteOutcome } from './store.ts';
import { Totals } from './totals.ts';

/** How `outbox.maxBytes` is shared out. */
export interface Bounds {
  /** The database file. */
  readonly database: number;
  /** The write-ahead log is written back at this size. */
  readonly log: number;
  /** One transaction, so that the log cannot grow far beyond its bound. */
  readonly transaction: number;
  /** One record once compressed. */
  readonly record: number;
}

export function boundsOf({ maxBytes }: OutboxConfig): Bounds {
  const log = Math.min(1024 * 1024, Math.floor(maxBytes / 8));
  return { database: maxBytes - 2 * log, log, transaction: Math.floor(log / 2), record: log };
}

export interface DiskOptions {
  readonly directory: string;
  readonly boot: Boot;
  readonly bounds: Bounds;
  /** Reading the file failed before: move it aside without another look. */
  readonly damaged: boolean;
  /** Told of each file moved aside and how many records were saved from it. */
  readonly onAside: (path: string, reason: AsideReason, salvaged: number) => void;
}

export class Disk {
  readonly #directory: string;
  readonly #lock: DatabaseSync;
  readonly #file: DurableFile;
  readonly #bounds: Bounds;
  readonly store: Store;
  readonly totals: Totals;
  /** Bytes written to the files since opening. */
  written: number;
  #frames: number;

  private constructor(
    { directory, bounds }: DiskOptions,
    lock: DatabaseSync,
    file: DurableFile,
    store: Store,
    written: number,
  ) {
    this.#directory = directory;
    this.#bounds = bounds;
    this.#lock = lock;
    this.#file = file;
    this.written = written;
    this.store = store;
    this.totals = new Totals(store);
    this.#frames = file.logFrames();
  }

  /** Moves a file it cannot work with aside and goes on with a new one. @throws OutboxFault */
  static async open(options: DiskOptions): Promise<Disk> {
    const path = databasePath(options.directory);
    const lock = lockDirectory(options.directory);
    let file: DurableFile | undefined;
    let aside: { path: string; reason: AsideReason } | undefined;
    try {
      try {
        if (options.damaged) throw new OutboxFault('damaged', `open ${path}`);
        file = new DurableFile(path);
      } catch (error) {
        const reason = asideReason(error);
        if (!reason) throw error;
        aside = { path: moveAside(path, reason), reason };
        file = new DurableFile(path);
      }
      await file.settle();
      const reserved = await file.reserveLog(options.bounds.log);
      const store = new Store(file.db, options.boot, options.bounds.database);
      store.pruneBoots();
      if (aside) {
        const salvaged = aside.reason === 'corrupt' ? await restoreFrom(aside.path, store, file) : 0;
        options.onAside(aside.path, aside.reason, salvaged);
      }
      return new Disk(options, lock, file, store, reserved);
    } catch (cause) {
      file?.close();
      lock.close();
      throw toFault(`open ${path}`, cause);
    }
  }

  /** One transaction; durable after `sync`. @throws OutboxFault; then nothing of it happened. */
  write(
    entries: readonly Entry[],
    removals: readonly number[],
    clockOffset: number | undefined,
  ): WriteOutcome {
    try {
      const dropped = (id: number, cost: number) => this.totals.drop(id, cost);
      const outcome = this.store.write(entries, removals, clockOffset, dropped);
      const frames = this.#file.logFrames();
      // A commit that found the log written back started it anew.
      this.written += (frames >= this.#frames ? frames - this.#frames : frames) * FRAME_BYTES;
      this.#frames = frames;
      return outcome;
    } catch (cause) {
      throw toFault('write to the outbox', cause);
    }
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  /** True where writing the log back could fail for want of room. */
  isFull(): boolean {
    try {
      return nodeFileSystem.free(this.#directory) < this.#bounds.log;
    } catch (cause) {
      throw toFault(`ask for the room left in ${this.#directory}`, cause);
    }
  }

  async checkpointWhenDue(): Promise<void> {
    if (this.#frames * FRAME_BYTES < this.#bounds.log) return;
    this.written += await this.#file.checkpoint();
    this.#frames = this.#file.logFrames();
  }

  close(): void {
    this.#file.close();
    this.#lock.close();
  }
}

/** Why a file cannot stay; undefined where another try may help. */
function asideReason(error: unknown): AsideReason | undefined {
  if (!(error instanceof OutboxFault)) return undefined;
  if (error.kind === 'damaged') return 'corrupt';
  return error.kind === 'newer' ? 'newer' : undefined;
}

async function restoreFrom(path: string, store: Store, file: DurableFile): Promise<number> {
  let salvaged = 0;
  for (const rows of salvage(path)) {
    store.transaction(() => {
      for (const row of rows) store.restore(row, entryOf(row));
    });
    salvaged += rows.length;
    await file.sync();
    await file.checkpoint();
    await turn();
  }
  return salvaged;
}

function entryOf(row: Row): Entry {
  return { ...row, ...packBody(Buffer.from(row.body)) };
}

/** Files the node cannot work with are moved aside, what can be read of them is saved, and the node runs on. */

import { readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { RECORD_CLASSES, type RecordClass } from '../../core/messages.ts';
import { toFault } from './fault.ts';
import { type Row, Store } from './store.ts';

/** Damaged files kept for a look; older ones go, so that a bad card does not fill itself with them. */
const KEEP_DAMAGED = 3;

const SALVAGE_BATCH = 50;
const SALVAGE_BATCH_BYTES = 256 * 1024;

/** `corrupt`: damaged; the newest three are kept. `newer`: of a later version; never deleted. */
export type AsideReason = 'corrupt' | 'newer';

export interface AsideFile {
  readonly path: string;
  readonly number: number;
}

/** Files moved aside earlier, oldest first. */
export function listAside(databasePath: string, reason: AsideReason): AsideFile[] {
  const prefix = `${basename(databasePath)}.${reason}-`;
  return readdirSync(dirname(databasePath))
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => ({ path: join(dirname(databasePath), name), number: Number(name.slice(prefix.length)) }))
    .sort((a, b) => a.number - b.number);
}

/**
 * Renames the database and its log to `outbox.db.<reason>-<n>`.
 * @returns the new path. @throws OutboxFault when the directory refuses.
 */
export function moveAside(databasePath: string, reason: AsideReason): string {
  try {
    const earlier = listAside(databasePath, reason);
    const target = `${databasePath}.${reason}-${(earlier.at(-1)?.number ?? 0) + 1}`;
    // The log first: a log without its database would be taken for the new file's.
    renameIfThere(`${databasePath}-wal`, `${target}-wal`);
    renameIfThere(databasePath, target);
    rmSync(`${databasePath}-shm`, { force: true });
    if (reason === 'corrupt') for (const file of earlier.slice(0, 1 - KEEP_DAMAGED)) removeFile(file.path);
    return target;
  } catch (cause) {
    throw toFault(`move ${databasePath} aside`, cause);
  }
}

/** Batches of intact rows, in order within each class; ends early and silently where nothing more can be read. */
export function* salvage(path: string): Generator<Row[]> {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { readOnly: true });
    const store = new Store(db, { bootId: '', kernel: '' }, 0);
    for (const recordClass of RECORD_CLASSES) yield* salvageClass(store, recordClass);
  } catch {
    // Beyond reading: the file itself is kept for those who want to try more.
  } finally {
    try {
      db?.close();
    } catch {
      // See above.
    }
  }
}

function* salvageClass(store: Store, recordClass: RecordClass): Generator<Row[]> {
  let after = 0;
  // Past an unreadable page by growing leaps: another leaf of the tree may still be whole.
  for (let leap = 4; leap < 2 ** 40; ) {
    try {
      let last = after;
      const rows = store.read(recordClass, after, SALVAGE_BATCH, SALVAGE_BATCH_BYTES, (id) => {
        last = Math.max(last, id);
      });
      last = Math.max(last, rows.at(-1)?.id ?? 0);
      if (last === after) return;
      after = last;
      leap = 4;
      yield rows;
    } catch {
      after += leap;
      leap *= 2;
    }
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function removeFile(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
}

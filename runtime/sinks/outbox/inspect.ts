/** A look into a queue from outside, without changing it: the node may run meanwhile. */

import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { InputError } from '../../core/errors.ts';
import { RECORD_CLASSES, type RecordClass, type TimeQuality } from '../../core/messages.ts';
import { Disk } from './disk.ts';
import { OutboxFault, toFault } from './fault.ts';
import { databasePath, lockDirectory, sizeOf } from './open-database.ts';
import { listAside } from './quarantine.ts';
import { SCHEMA_VERSION, schemaVersion } from './schema.ts';
import { type Row, Store } from './store.ts';

const BATCH = 500;
const BATCH_BYTES = 1024 * 1024;

export interface ClassSummary {
  readonly records: number;
  readonly bytes: number;
  readonly oldest?: {
    readonly wall: number;
    readonly timeQuality: TimeQuality;
    readonly bootId: string;
    readonly seq: number;
  };
}

export interface OutboxSummary {
  readonly database: string;
  /** A node has it open. */
  readonly running: boolean;
  readonly classes: Readonly<Record<RecordClass, ClassSummary>>;
  /** Starts of the node that wrote to it, oldest first. */
  readonly bootIds: readonly string[];
  readonly files: { readonly databaseBytes: number; readonly logBytes: number };
  /** Files moved aside: damaged, or of a later version. */
  readonly aside: readonly string[];
}

/**
 * The database for a path that may be a data directory, the outbox's own directory or a database file.
 * @throws InputError `outbox-absent`.
 */
export function findDatabase(path: string): string {
  const places = [path, databasePath(path), databasePath(join(path, 'outbox'))];
  const found = places.find((place) => statSync(place, { throwIfNoEntry: false })?.isFile());
  if (found) return found;
  throw new InputError(
    'outbox-absent',
    `there is no outbox in ${path}; name the node's data directory or a database file`,
    { facts: { path } },
  );
}

export function summarise(database: string): OutboxSummary {
  return withStore(database, (store) => {
    const classes = Object.fromEntries(RECORD_CLASSES.map((name) => [name, summariseClass(store, name)]));
    return {
      database,
      running: isRunning(dirname(database)),
      classes: classes as Record<RecordClass, ClassSummary>,
      bootIds: store.bootIds(),
      files: { databaseBytes: sizeOf(database), logBytes: sizeOf(`${database}-wal`) },
      aside: (['corrupt', 'newer'] as const).flatMap((reason) =>
        listAside(database, reason).map(({ path }) => path),
      ),
    };
  });
}

/**
 * Hands every record to `consume`, in sending order.
 * @returns how many were damaged and left out.
 */
export async function forEachRecord(database: string, consume: (row: Row) => Promise<void>): Promise<number> {
  let damaged = 0;
  await withStore(database, async (store) => {
    for (const name of RECORD_CLASSES) {
      for (let after = 0; ; ) {
        let last = after;
        const rows = store.read(name, after, BATCH, BATCH_BYTES, (id) => {
          damaged += 1;
          last = Math.max(last, id);
        });
        for (const row of rows) await consume(row);
        last = Math.max(last, rows.at(-1)?.id ?? 0);
        if (last === after) break;
        after = last;
      }
    }
  });
  return damaged;
}

/** Deletes what waits, for a node that is stopped. @returns records deleted. @throws OutboxFault `locked`. */
export async function clear(database: string, classes: readonly RecordClass[]): Promise<number> {
  const disk = await Disk.open({
    directory: dirname(database),
    boot: { bootId: '', kernel: '' },
    bounds: { database: Number.MAX_SAFE_INTEGER, log: BATCH_BYTES, transaction: 0, record: 0 },
    damaged: false,
    onAside: () => {},
  });
  try {
    let removed = 0;
    for (const name of classes) {
      for (;;) {
        const rows = disk.store.scan(name, 0, BATCH);
        if (rows.length === 0) break;
        removed += disk.write(
          [],
          rows.map(({ id }) => id),
          undefined,
        ).removed;
        await disk.sync();
        await disk.checkpointWhenDue();
      }
    }
    return removed;
  } finally {
    disk.close();
  }
}

function summariseClass(store: Store, name: RecordClass): ClassSummary {
  let [records, bytes] = [0, 0];
  for (let after = 0; ; ) {
    const rows = store.scan(name, after, BATCH);
    for (const { cost } of rows) bytes += cost;
    records += rows.length;
    if (rows.length === 0) break;
    after = rows.at(-1)!.id;
  }
  const [first] = store.read(name, 0, 1, BATCH_BYTES, () => {});
  if (!first) return { records, bytes };
  const { wall, timeQuality, bootId, seq } = first;
  return { records, bytes, oldest: { wall, timeQuality, bootId, seq } };
}

/** Reads a database nobody uses where it lies, one a node uses from a copy: the node keeps others out of it. */
function withStore<T>(database: string, use: (store: Store) => T): T {
  const doing = `read ${database}`;
  const copy = isRunning(dirname(database)) ? copyLive(database) : undefined;
  let db: DatabaseSync | undefined;
  const close = () => {
    db?.close();
    if (copy) rmSync(copy, { recursive: true, force: true });
  };
  try {
    // A copy has no index of its log yet, and making one is a write.
    db = copy
      ? new DatabaseSync(join(copy, basename(database)))
      : new DatabaseSync(database, { readOnly: true, timeout: 1000 });
    if (schemaVersion(db) > SCHEMA_VERSION) throw new OutboxFault('newer', doing);
    const result = use(new Store(db, { bootId: '', kernel: '' }, 0));
    if (result instanceof Promise) return result.finally(close) as T;
    close();
    return result;
  } catch (cause) {
    close();
    throw toFault(doing, cause);
  }
}

/**
 * The log before the database: what a checkpoint moves between the two copies is then in both.
 * @returns a folder of its own that holds them.
 */
function copyLive(database: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-outbox-'));
  for (const suffix of ['-wal', '']) {
    if (existsSync(database + suffix))
      copyFileSync(database + suffix, join(folder, basename(database) + suffix));
  }
  return folder;
}

function isRunning(directory: string): boolean {
  if (!existsSync(join(directory, 'outbox.lock'))) return false;
  try {
    lockDirectory(directory).close();
    return false;
  } catch (error) {
    return error instanceof OutboxFault && error.kind === 'locked';
  }
}

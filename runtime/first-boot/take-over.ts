/**
 * Several files put in place on the data partition as one: after a power cut at any moment the next start finds all of
 * them, or none. Staged files, then one record that commits, then renames that any later start can repeat.
 */

import { syncDirectory, writeFileAtomic } from '../core/atomic-file.ts';
import { describeError, StorageError } from '../core/errors.ts';
import { type FileSystem, nodeFileSystem } from '../core/file-system.ts';
import { DATA } from './places.ts';
import { readBounded } from './read-bounded.ts';

export interface Change {
  /** Below the data partition. */
  readonly path: string;
  /** Absent: the file goes. */
  readonly bytes?: Uint8Array;
}

const STAGE = `${DATA.own}/incoming`;
const RECORD = `${DATA.own}/take-over.json`;
const RECORD_LIMIT = 1 << 20;
/** Secrets are among them; the node's user is given what it must read when they are in place. */
const MODE = 0o600;

interface Step {
  /** Name in the stage; absent where the file goes. */
  readonly from?: string;
  readonly to: string;
}

/** @throws StorageError `take-over` (retryable): nothing changed, or the next `finishTakeOver` goes on. */
export function takeOver(data: string, changes: readonly Change[], fs: FileSystem = nodeFileSystem): void {
  if (changes.length === 0) return;
  try {
    finishTakeOver(data, fs);
    const steps = stage(data, changes, fs);
    writeFileAtomic(`${data}/${RECORD}`, JSON.stringify({ steps }), MODE, fs);
    finishTakeOver(data, fs);
  } catch (cause) {
    clearStage(data, fs);
    if (cause instanceof StorageError && cause.code === 'take-over') throw cause;
    throw new StorageError('take-over', `cannot write to the data partition: ${describeError(cause)}`, {
      cause,
      retryable: true,
    });
  }
}

/**
 * Goes on with what a power cut interrupted; throws away what was never committed.
 * @throws StorageError `take-over` when the disk refuses, or the record cannot be read.
 */
export function finishTakeOver(data: string, fs: FileSystem = nodeFileSystem): void {
  const stageAt = `${data}/${STAGE}`;
  const steps = readRecord(data, fs);
  for (const { from, to } of steps) {
    const target = `${data}/${to}`;
    if (from === undefined) fs.remove(target);
    // Not there: it was put in place before the power went.
    else if (fs.size(`${stageAt}/${from}`) !== undefined) fs.rename(`${stageAt}/${from}`, target);
  }
  const touched = new Set(steps.map(({ to }) => directoryOf(`${data}/${to}`)));
  for (const directory of touched) syncDirectory(directory, fs);
  if (touched.size > 0) {
    fs.remove(`${data}/${RECORD}`);
    syncDirectory(`${data}/${DATA.own}`, fs);
  }
  for (const left of fs.list(stageAt)) fs.remove(`${stageAt}/${left}`);
}

/** A full disk is not left fuller than it was. What was committed is needed still, and stays. */
function clearStage(data: string, fs: FileSystem): void {
  try {
    if (readRecord(data, fs).length > 0) return;
    for (const left of fs.list(`${data}/${STAGE}`)) fs.remove(`${data}/${STAGE}/${left}`);
  } catch {
    // The next start throws it away.
  }
}

function stage(data: string, changes: readonly Change[], fs: FileSystem): Step[] {
  const stageAt = `${data}/${STAGE}`;
  for (const directory of [stageAt, ...changes.map(({ path }) => directoryOf(`${data}/${path}`))])
    makeDurableDirectory(directory, data, fs);
  return changes.map(({ path, bytes }, index): Step => {
    if (bytes === undefined) return { to: path };
    writeFileAtomic(`${stageAt}/${index}`, bytes, MODE, fs);
    return { from: String(index), to: path };
  });
}

/** Each name on the way is flushed: a rename into a directory that a power cut takes away is lost with it. */
function makeDurableDirectory(path: string, data: string, fs: FileSystem): void {
  fs.makeDirectory(path);
  for (let at = path; at.length > data.length; at = directoryOf(at)) syncDirectory(directoryOf(at), fs);
}

function readRecord(data: string, fs: FileSystem): readonly Step[] {
  const bytes = readBounded(fs, `${data}/${RECORD}`, RECORD_LIMIT);
  if (!bytes) return [];
  try {
    const { steps } = JSON.parse(Buffer.from(bytes).toString()) as { steps: readonly Step[] };
    return steps;
  } catch (cause) {
    throw new StorageError('take-over', `cannot read ${RECORD} on the data partition`, { cause });
  }
}

const directoryOf = (path: string) => path.slice(0, path.lastIndexOf('/'));

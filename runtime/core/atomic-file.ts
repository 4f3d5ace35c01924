/** The one way state is written: after a power cut the file is the old one or the new one, never half of each. */

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { StorageError } from './errors.ts';

/**
 * Temporary file beside `path`, fsync, rename, fsync of the directory.
 * @throws StorageError `state-write` (retryable) when the disk refuses; the old file is untouched.
 */
export function writeFileAtomic(path: string, data: string | Uint8Array, mode = 0o640): void {
  const temporary = `${path}.new`;
  try {
    writeDurably(temporary, typeof data === 'string' ? Buffer.from(data) : data, mode);
    renameSync(temporary, path);
    syncDirectory(dirname(path));
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new StorageError('state-write', `cannot write ${path}`, {
      cause,
      retryable: true,
      facts: { path },
    });
  }
}

/** The parsed content, or undefined when there is no such file. @throws StorageError `state-read` when it is not JSON. */
export function readJsonFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StorageError('state-read', `cannot read ${path}`, { cause, facts: { path } });
  }
}

function writeDurably(path: string, data: Uint8Array, mode: number): void {
  const fd = openSync(path, 'w', mode);
  try {
    for (let done = 0; done < data.length; ) done += writeSync(fd, data, done);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

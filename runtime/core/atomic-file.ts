/** The one way state is written: after a power cut the file is the old one or the new one, never half of each. */

import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { StorageError } from './errors.ts';
import { type FileSystem, nodeFileSystem } from './file-system.ts';

/**
 * Temporary file beside `path`, fsync, rename, fsync of the directory.
 * @throws StorageError `state-write` (retryable) when the disk refuses; the old file is untouched, unless only the last
 *   fsync was refused: then either may be there after a power cut.
 */
export function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  mode = 0o640,
  fs: FileSystem = nodeFileSystem,
): void {
  const temporary = `${path}.new`;
  try {
    writeDurably(fs, temporary, typeof data === 'string' ? Buffer.from(data) : data, mode);
    fs.rename(temporary, path);
    syncDirectory(dirname(path), fs);
  } catch (cause) {
    removeQuietly(temporary, fs);
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

/** Makes names that came into or left a directory outlast a power cut. */
export function syncDirectory(path: string, fs: FileSystem = nodeFileSystem): void {
  const fd = fs.open(path, 'r');
  try {
    fs.sync(fd);
  } finally {
    fs.close(fd);
  }
}

function writeDurably(fs: FileSystem, path: string, data: Uint8Array, mode: number): void {
  const fd = fs.open(path, 'w', mode);
  try {
    for (let done = 0; done < data.length; ) done += fs.write(fd, data.subarray(done), done);
    fs.sync(fd);
  } finally {
    fs.close(fd);
  }
}

/** What is in the way here was in the way before: the first error is the one to tell. */
function removeQuietly(path: string, fs: FileSystem): void {
  try {
    fs.remove(path);
  } catch {}
}

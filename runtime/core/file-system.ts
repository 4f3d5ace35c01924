/**
 * The few operations that durable state needs: the seam behind which tests put a disk that loses power. Operations on
 * small files are synchronous; the flush of a long one is not, since a flash card takes seconds for it.
 */

import {
  closeSync,
  fsync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';

/** `r`: reads, also a directory to be flushed. `r+`: reads and writes a file that is there. `w`: makes or empties it. */
export type OpenMode = 'r' | 'r+' | 'w';

/** Every operation throws what node:fs throws, with its `code`. */
export interface FileSystem {
  open(path: string, how: OpenMode, mode?: number): number;
  close(fd: number): void;
  /** @returns bytes read; 0 at the end. */
  read(fd: number, into: Uint8Array, position: number): number;
  /** @returns bytes written; may be fewer than given. */
  write(fd: number, bytes: Uint8Array, position: number): number;
  /** What was written, or which names a directory has, outlasts a power cut once this returns. */
  sync(fd: number): void;
  /** The same off the event loop. */
  syncAside(fd: number): Promise<void>;
  rename(from: string, to: string): void;
  /** No error when there is none. */
  remove(path: string): void;
  /** With its parents; no error when it is there. */
  makeDirectory(path: string): void;
  /** Names in a directory, in no order; none when it is not there. */
  list(path: string): string[];
  /** Bytes of a file; undefined when there is none. */
  size(path: string): number | undefined;
  /** Bytes that may still be written on the disk where this directory lies. */
  free(path: string): number;
}

const DIRECTORY_MODE = 0o750;

export const nodeFileSystem: FileSystem = {
  open: (path, how, mode) => openSync(path, how, mode),
  close: closeSync,
  read: (fd, into, position) => readSync(fd, into, 0, into.length, position),
  write: (fd, bytes, position) => writeSync(fd, bytes, 0, bytes.length, position),
  sync: fsyncSync,
  syncAside: (fd) =>
    new Promise((resolve, reject) => fsync(fd, (error) => (error ? reject(error) : resolve()))),
  rename: renameSync,
  remove: (path) => rmSync(path, { force: true }),
  makeDirectory: (path) => {
    mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
  },
  list: (path) => absentIs([], () => readdirSync(path)),
  size: (path) => absentIs(undefined, () => statSync(path).size),
  free: (path) => {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  },
};

function absentIs<T, A>(absent: A, read: () => T): T | A {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return absent;
    throw error;
  }
}

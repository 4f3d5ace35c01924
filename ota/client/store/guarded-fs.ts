/** What a disk refuses, as errors of the tree: nothing above the store meets a bare errno. */

import { StorageError, VigieError } from '../../../runtime/core/errors.ts';
import type { FileSystem } from '../../../runtime/core/file-system.ts';
import { diskError } from './disk-error.ts';

/** @returns the same disk; every operation throws StorageError `state-read`, `state-write` or `ota-disk-full`. */
export function guarded(fs: FileSystem): FileSystem {
  const write = <T>(what: string, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw diskError(error, what);
    }
  };
  const read = <T>(what: string, work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      if (cause instanceof VigieError) throw cause;
      throw new StorageError('state-read', `cannot read ${what}`, {
        cause,
        retryable: true,
        facts: { path: what },
      });
    }
  };
  const open = 'an open file';
  return {
    open: (path, how, mode) => (how === 'r' ? read : write)(path, () => fs.open(path, how, mode)),
    close: (fd) => write(open, () => fs.close(fd)),
    read: (fd, into, position) => read(open, () => fs.read(fd, into, position)),
    write: (fd, bytes, position) => write(open, () => fs.write(fd, bytes, position)),
    sync: (fd) => write(open, () => fs.sync(fd)),
    syncAside: (fd) =>
      fs.syncAside(fd).catch((error) => {
        throw diskError(error, open);
      }),
    rename: (from, to) => write(to, () => fs.rename(from, to)),
    remove: (path) => write(path, () => fs.remove(path)),
    makeDirectory: (path) => write(path, () => fs.makeDirectory(path)),
    list: (path) => read(path, () => fs.list(path)),
    size: (path) => read(path, () => fs.size(path)),
    free: (path) => read(path, () => fs.free(path)),
  };
}

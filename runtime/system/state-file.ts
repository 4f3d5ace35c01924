/**
 * Small files on the boot partition. FAT has no atomic rename, so they keep their length and place: what changes lies
 * within one sector, which is written whole or not at all.
 */

import { dirname } from 'node:path';
import { StorageError } from '../core/errors.ts';
import type { FileSystem } from '../core/file-system.ts';

/** No file of a boot loader's choice is longer. */
const MOST = 4096;

/** @returns undefined when there is no such file. @throws StorageError `system-boot-state` */
export function readStateFile(path: string, fs: FileSystem): Uint8Array | undefined {
  try {
    if (fs.size(path) === undefined) return undefined;
    const fd = fs.open(path, 'r');
    try {
      const bytes = new Uint8Array(MOST);
      return bytes.subarray(0, fs.read(fd, bytes, 0));
    } finally {
      fs.close(fd);
    }
  } catch (cause) {
    throw failed('read', path, cause);
  }
}

/** @param bytes as many as the file has, where it is there. @throws StorageError `system-boot-state` */
export function writeStateFile(path: string, bytes: Uint8Array, fs: FileSystem): void {
  try {
    const isThere = fs.size(path) === bytes.length;
    writeInPlace(path, bytes, isThere, fs);
    if (isThere) return;
    const folder = fs.open(dirname(path), 'r');
    try {
      fs.sync(folder);
    } finally {
      fs.close(folder);
    }
  } catch (cause) {
    throw failed('write', path, cause);
  }
}

function writeInPlace(path: string, bytes: Uint8Array, isThere: boolean, fs: FileSystem): void {
  const fd = fs.open(path, isThere ? 'r+' : 'w', 0o644);
  try {
    for (let done = 0; done < bytes.length; ) done += fs.write(fd, bytes.subarray(done), done);
    fs.sync(fd);
  } finally {
    fs.close(fd);
  }
}

function failed(what: 'read' | 'write', path: string, cause: unknown): StorageError {
  const hint = 'is the partition bootconfig mounted, writable and whole (fsck.vfat)?';
  return new StorageError('system-boot-state', `cannot ${what} ${path}: ${hint}`, { cause, facts: { path } });
}

/**
 * A file system of its own for what a benchmark's node writes, so that the kernel's count of sectors written is that
 * node's alone: journal, metadata and partly filled pages included, as a flash card would see them. Needs root.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, InputError } from '../../runtime/core/errors.ts';

const DISK_BYTES = 256 * 1024 ** 2;
/** What images mount `data` with: their fstab says the same. */
export const DATA_OPTIONS = 'noatime,commit=300';
/** In /sys/block/NAME/stat, whatever the disk's own sector size is. */
const SECTOR_BYTES = 512;
const SECTORS_WRITTEN_FIELD = 6;

export class OwnDisk {
  readonly folder: string;
  readonly #device: string;

  /**
   * Makes an ext4 file system in a file of `parent` and mounts it at `parent/disk`, as an image does `data`.
   * @throws InputError `bench-disk` where this user may not, or the tools are missing.
   */
  constructor(parent: string) {
    const image = join(parent, 'disk.img');
    this.folder = join(parent, 'disk');
    try {
      writeFileSync(image, '');
      truncateSync(image, DISK_BYTES);
      // Initialised at once: the kernel would do it later, in the background, and be counted.
      // Blocks as any card's file system has them: on a disk this small mkfs would take smaller ones.
      command('mkfs.ext4', ['-q', '-b', '4096', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image]);
      mkdirSync(this.folder);
      command('mount', ['-o', `loop,${DATA_OPTIONS}`, image, this.folder]);
    } catch (cause) {
      throw new InputError('bench-disk', `no file system of its own: ${describeError(cause)}`, { cause });
    }
    this.#device = command('findmnt', ['-n', '-o', 'SOURCE', this.folder]).replace('/dev/', '');
  }

  /** Bytes written to the device so far, what still waits in memory included: that is written first. */
  written(): number {
    command('sync', ['-f', this.folder]);
    const stat = readFileSync(`/sys/block/${this.#device}/stat`, 'utf8').trim().split(/\s+/);
    return Number(stat[SECTORS_WRITTEN_FIELD]) * SECTOR_BYTES;
  }

  close(): void {
    command('umount', [this.folder]);
  }
}

function command(name: string, args: readonly string[]): string {
  const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
  return execFileSync(name, args, { encoding: 'utf8', env: { ...process.env, PATH: path } }).trim();
}

/** One directory of the update client: metadata, blobs, parts, and one record per model. One process has it at a time. */

import { join } from 'node:path';
import { syncDirectory } from '../../../runtime/core/atomic-file.ts';
import { UpdateError } from '../../../runtime/core/errors.ts';
import type { FileSystem } from '../../../runtime/core/file-system.ts';
import { tryLock } from '../../../runtime/core/lock.ts';
import { BlobStore } from './blob-store.ts';
import { diskError } from './disk-error.ts';
import { guarded } from './guarded-fs.ts';
import { TrustFiles } from './trust-files.ts';

const FOLDERS = ['metadata', 'blobs', 'parts', 'models', 'committed'];

export class UpdateStore {
  readonly fs: FileSystem;
  readonly directory: string;
  readonly blobs: BlobStore;
  readonly trust: TrustFiles;
  readonly #unlock: () => Promise<void>;

  private constructor(disk: FileSystem, directory: string, unlock: () => Promise<void>) {
    const fs = guarded(disk);
    this.fs = fs;
    this.directory = directory;
    this.#unlock = unlock;
    this.blobs = new BlobStore(fs, directory);
    this.trust = new TrustFiles(fs, join(directory, 'metadata'));
  }

  /**
   * Case 35: two updaters at once.
   * @throws UpdateError `ota-store-busy` (retryable) when another process has it; StorageError `state-write`
   */
  static async open(fs: FileSystem, directory: string): Promise<UpdateStore> {
    const unlock = await tryLock(directory);
    if (!unlock) {
      throw new UpdateError(
        'ota-store-busy',
        `another process works on ${directory}; the node itself, most likely`,
        {
          retryable: true,
          facts: { directory },
        },
      );
    }
    try {
      makeFolders(fs, directory);
      return new UpdateStore(fs, directory, unlock);
    } catch (error) {
      await unlock();
      throw diskError(error, directory);
    }
  }

  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  async close(): Promise<void> {
    await this.#unlock();
  }
}

/** Not touched where they are there: a disk that became read-only still serves what it holds. */
function makeFolders(fs: FileSystem, directory: string): void {
  const there = fs.list(directory);
  const missing = FOLDERS.filter((folder) => !there.includes(folder));
  if (missing.length === 0) return;
  for (const folder of missing) fs.makeDirectory(join(directory, folder));
  syncDirectory(directory, fs);
  syncDirectory(join(directory, '..'), fs);
}

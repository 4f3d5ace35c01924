/** Trusted metadata on disk, below `metadata/`. */

import { join } from 'node:path';
import { syncDirectory, writeFileAtomic } from '../../../runtime/core/atomic-file.ts';
import { StorageError } from '../../../runtime/core/errors.ts';
import type { FileSystem } from '../../../runtime/core/file-system.ts';
import type { TrustStore } from '../tuf/parts.ts';
import { diskError } from './disk-error.ts';
import { readSmall } from './hash-file.ts';

const NAME = /^[A-Za-z0-9%][A-Za-z0-9%._-]{0,127}$/;
/** The client caps each file lower; this is against a file that somebody else put there. */
const MOST_BYTES = 1 << 20;

export class TrustFiles implements TrustStore {
  readonly #fs: FileSystem;
  readonly #directory: string;

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs;
    this.#directory = directory;
  }

  read(name: string): Uint8Array | undefined {
    const path = this.#path(name);
    try {
      return readSmall(this.#fs, path, MOST_BYTES);
    } catch (cause) {
      throw new StorageError('state-read', `cannot read ${path}`, { cause, facts: { path } });
    }
  }

  write(name: string, bytes: Uint8Array): void {
    const path = this.#path(name);
    try {
      writeFileAtomic(path, bytes, undefined, this.#fs);
    } catch (error) {
      throw diskError(error, path);
    }
  }

  remove(name: string): void {
    const path = this.#path(name);
    try {
      this.#fs.remove(path);
      syncDirectory(this.#directory, this.#fs);
    } catch (error) {
      throw diskError(error, path);
    }
  }

  #path(name: string): string {
    if (NAME.test(name)) return join(this.#directory, name);
    throw new StorageError(
      'state-write',
      `${JSON.stringify(name.slice(0, 80))} cannot be the name of a metadata file`,
    );
  }
}

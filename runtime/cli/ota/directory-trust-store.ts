/** Trusted metadata as files of one folder, for the conformance client. */

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TrustStore } from '../../../ota/client/tuf/parts.ts';
import { writeFileAtomic } from '../../core/atomic-file.ts';
import { StorageError } from '../../core/errors.ts';

export class DirectoryTrustStore implements TrustStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  read(name: string): Uint8Array | undefined {
    const path = join(this.#folder, name);
    try {
      return readFileSync(path);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new StorageError('state-read', `cannot read ${path}`, { cause, facts: { path } });
    }
  }

  write(name: string, bytes: Uint8Array): void {
    writeFileAtomic(join(this.#folder, name), bytes);
  }

  remove(name: string): void {
    rmSync(join(this.#folder, name), { force: true });
  }
}

/** tuf-js in front of the same repository, for comparison. It knows the clock of the machine alone. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Updater } from 'tuf-js';
import type { TufRepository } from '../../../support/tuf-repository.ts';

const { DownloadHTTPError } = createRequire(import.meta.url)('tuf-js/dist/error.js') as {
  DownloadHTTPError: new (message: string, status: number) => Error;
};

export class OtherClient {
  readonly #folder: string;
  readonly #repository: TufRepository;

  constructor(folder: string, repository: TufRepository) {
    this.#folder = folder;
    this.#repository = repository;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'root.json'), repository.factoryRoot);
  }

  /** @returns the lengths of the targets as it finds them; undefined for one that is not there. @throws what it is refused for */
  async visit(paths: readonly string[]): Promise<(number | undefined)[]> {
    const { served } = this.#repository;
    const updater = new Updater({
      metadataDir: this.#folder,
      metadataBaseUrl: 'ota://metadata',
      fetcher: {
        downloadBytes: async (url: string) => {
          const bytes = served.get(decodeURIComponent(url.slice('ota://metadata/'.length)));
          if (!bytes) throw new DownloadHTTPError('not there', 404);
          return Buffer.from(bytes);
        },
        downloadFile: () => Promise.reject(new Error('no targets here')),
      },
    });
    await updater.refresh();
    const found: (number | undefined)[] = [];
    for (const path of paths) found.push((await updater.getTargetInfo(path))?.length);
    return found;
  }

  version(role: string): number | undefined {
    try {
      return JSON.parse(readFileSync(join(this.#folder, `${role}.json`), 'utf8')).signed.version;
    } catch {
      return undefined;
    }
  }
}

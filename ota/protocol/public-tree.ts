/**
 * The public side of a repository as files: what a hub serves and what lies on a USB stick.
 *
 *   metadata/NAME     as TUF names it with consistent snapshots: timestamp.json, 3.root.json, 7.snapshot.json, 2.release.json
 *   blobs/SHA256      everything else by its hash: targets (bundle.json, assignments), files, block maps, deltas
 *
 * Names from the wire are compared with these two alphabets and never are paths. Links and pipes are not followed.
 */

import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { StorageError } from '../../runtime/core/errors.ts';

export const METADATA_FOLDER = 'metadata';
export const BLOBS_FOLDER = 'blobs';
export const METADATA_NAME = /^(?:[1-9]\d{0,15}\.)?[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.json$/;
export const BLOB_NAME = /^[0-9a-f]{64}$/;

export interface OpenFile {
  /** Bytes, when it was opened. */
  readonly length: number;
  /** @returns how many bytes were read: fewer than asked only at the end. @throws StorageError `ota-repository-read` */
  read(into: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

export class PublicTree {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** @returns undefined where there is none, or the name is none. @throws StorageError `ota-repository-read` */
  metadata(name: string): Promise<OpenFile | undefined> {
    return METADATA_NAME.test(name) ? this.#open(METADATA_FOLDER, name) : Promise.resolve(undefined);
  }

  /** As `metadata`. */
  blob(sha256: string): Promise<OpenFile | undefined> {
    return BLOB_NAME.test(sha256) ? this.#open(BLOBS_FOLDER, sha256) : Promise.resolve(undefined);
  }

  async #open(folder: string, name: string): Promise<OpenFile | undefined> {
    const path = join(this.directory, folder, name);
    let handle: FileHandle | undefined;
    try {
      // Not blocking: a pipe of this name would be waited for.
      handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const facts = await handle.stat();
      if (facts.isFile()) return opened(handle, path, facts.size);
      await handle.close();
      return undefined;
    } catch (cause) {
      await handle?.close();
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR') return undefined;
      throw unreadable(path, cause);
    }
  }
}

function opened(handle: FileHandle, path: string, length: number): OpenFile {
  return {
    length,
    async read(into, position) {
      let done = 0;
      try {
        while (done < into.length) {
          const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
          if (bytesRead === 0) break;
          done += bytesRead;
        }
      } catch (cause) {
        throw unreadable(path, cause);
      }
      return done;
    },
    close: () => handle.close(),
  };
}

function unreadable(path: string, cause: unknown): StorageError {
  const text = `cannot read ${path} of the repository`;
  return new StorageError('ota-repository-read', text, { cause, retryable: true, facts: { path } });
}

/** Content by its hash: `blobs/SHA256`, and `parts/` for what is on its way. A name in `blobs/` means the whole file. */

import { join } from 'node:path';
import { syncDirectory, writeFileAtomic } from '../../../runtime/core/atomic-file.ts';
import { StorageError, UpdateError } from '../../../runtime/core/errors.ts';
import type { FileSystem } from '../../../runtime/core/file-system.ts';
import type { Sha256 } from '../../bundle/bundle.ts';
import type { BlobReader } from '../blob-source.ts';
import { diskError } from './disk-error.ts';
import { hashFile, readFully, readSmall } from './hash-file.ts';
import { sha256Of } from './memory-sink.ts';
import { mapPath, PartFile, partPath } from './part-file.ts';

const SHA256 = /^[0-9a-f]{64}$/;

export class BlobStore {
  readonly #fs: FileSystem;
  readonly #blobs: string;
  readonly #parts: string;

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs;
    this.#blobs = join(directory, 'blobs');
    this.#parts = join(directory, 'parts');
  }

  /** Absolute, whether or not it is there. @throws UpdateError `ota-bad-hash` for a name that is no hash. */
  path(sha256: Sha256): string {
    if (SHA256.test(sha256)) return join(this.#blobs, sha256);
    throw new UpdateError(
      'ota-bad-hash',
      'a blob was named by something other than 64 lower-case hexadecimal digits',
    );
  }

  has(sha256: Sha256, length: number): boolean {
    return this.#fs.size(this.path(sha256)) === length;
  }

  /** A blob of at most `most` bytes, whose hash is checked; undefined when there is none, or it is damaged. */
  read(sha256: Sha256, most: number): Uint8Array | undefined {
    const bytes = readSmall(this.#fs, this.path(sha256), most);
    return bytes && sha256Of(bytes) === sha256 ? bytes : undefined;
  }

  /** Keeps a small blob. @throws UpdateError `ota-mismatch`; StorageError `ota-disk-full`, `state-write` */
  put(sha256: Sha256, bytes: Uint8Array): void {
    if (sha256Of(bytes) !== sha256) throw new UpdateError('ota-mismatch', `these bytes are not ${sha256}`);
    try {
      writeFileAtomic(this.path(sha256), bytes, undefined, this.#fs);
    } catch (error) {
      throw diskError(error, this.path(sha256));
    }
  }

  /** @throws as PartFile.open */
  receive(sha256: Sha256, length: number, hashes: Uint8Array): Promise<PartFile> {
    return PartFile.open({ fs: this.#fs, directory: this.#parts, sha256, length, hashes });
  }

  /** Of a transfer that was not finished: bytes that the disk already holds for it. */
  begun(sha256: Sha256): number {
    return this.#fs.size(partPath({ directory: this.#parts, sha256 })) ?? 0;
  }

  /** Checks the whole file and gives it its name. After a power cut the blob is there whole, or not at all (I-1). */
  async finish(part: PartFile, signal: AbortSignal): Promise<void> {
    await part.verify(signal);
    try {
      this.#fs.rename(part.path, this.path(part.sha256));
      syncDirectory(this.#blobs, this.#fs);
      this.#fs.remove(mapPath({ directory: this.#parts, sha256: part.sha256 }));
      syncDirectory(this.#parts, this.#fs);
    } catch (error) {
      throw diskError(error, this.path(part.sha256));
    }
  }

  /** Reads it back from the disk. */
  async isWhole(sha256: Sha256, length: number, signal?: AbortSignal): Promise<boolean> {
    if (!this.has(sha256, length)) return false;
    const found = await hashFile(this.#fs, this.path(sha256), undefined, signal);
    return found.sha256 === sha256;
  }

  /** A damaged one, to be fetched again. */
  drop(sha256: Sha256): void {
    this.#fs.remove(this.path(sha256));
    syncDirectory(this.#blobs, this.#fs);
  }

  /** @throws StorageError `state-read` */
  reader(sha256: Sha256): BlobReader & { close(): void } {
    const path = this.path(sha256);
    const fs = this.#fs;
    try {
      const fd = fs.open(path, 'r');
      const length = fs.size(path)!;
      return {
        length,
        read: (into, position) => readFully(fs, fd, into, position),
        close: () => fs.close(fd),
      };
    } catch (cause) {
      throw new StorageError('state-read', `cannot read ${path}`, { cause, facts: { path } });
    }
  }

  /** Bytes that may still be written. */
  free(): number {
    return this.#fs.free(this.#blobs);
  }

  /** Removes every blob that is not named, and every transfer that is not. @returns bytes that became free. */
  sweep(keep: ReadonlySet<Sha256>): number {
    let freed = 0;
    for (const directory of [this.#blobs, this.#parts]) {
      const doomed = this.#fs.list(directory).filter((name) => !keep.has(name.replace(/\.(part|map)$/, '')));
      for (const name of doomed) {
        freed += this.#fs.size(join(directory, name)) ?? 0;
        this.#fs.remove(join(directory, name));
      }
      if (doomed.length > 0) syncDirectory(directory, this.#fs);
    }
    return freed;
  }

  /** Every blob's name. */
  list(): Sha256[] {
    return this.#fs.list(this.#blobs).filter((name) => SHA256.test(name));
  }
}

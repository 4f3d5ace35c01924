/**
 * A blob on its way to disk (SPEC.md, S-FETCH): every block is checked before it is written, written once, straight to
 * its place. What is there outlasts a restart, and is believed only when it hashes right (I-9).
 */

import { join } from 'node:path';
import { writeFileAtomic } from '../../../runtime/core/atomic-file.ts';
import { StorageError, UpdateError } from '../../../runtime/core/errors.ts';
import type { FileSystem } from '../../../runtime/core/file-system.ts';
import { blockCount, blockLength, blockMapLength, isBlock } from '../../bundle/block-map.ts';
import type { Sha256 } from '../../bundle/bundle.ts';
import { BLOCK_BYTES, type BlobSink, type BlockOutcome } from '../blob-source.ts';
import { Bitmap, decodeBitmap } from './bitmap.ts';
import { diskError } from './disk-error.ts';
import { hashFile, readFully, readSmall } from './hash-file.ts';

/** Blocks between two flushes: what a power cut costs at most, and how much a card has to take in one go (4 MiB). */
const FLUSH_EVERY = 64;
const MODE = 0o640;

export interface PartOptions {
  readonly fs: FileSystem;
  readonly directory: string;
  readonly sha256: Sha256;
  readonly length: number;
  /** SHA-256 of each block, one after the other. */
  readonly hashes: Uint8Array;
}

export class PartFile implements BlobSink {
  readonly sha256: Sha256;
  readonly length: number;
  readonly count: number;
  readonly path: string;
  readonly #options: PartOptions;
  readonly #fd: number;
  #have: Bitmap;
  #unflushed = 0;
  #flushing: Promise<void> | undefined;
  #closed = false;

  private constructor(options: PartOptions, fd: number, have: Bitmap) {
    this.sha256 = options.sha256;
    this.length = options.length;
    this.count = have.count;
    this.path = partPath(options);
    this.#options = options;
    this.#fd = fd;
    this.#have = have;
  }

  /**
   * Goes on where an earlier transfer ended.
   * @throws UpdateError `ota-bad-block-map` for a block map of another length; StorageError as `write` does.
   */
  static async open(options: PartOptions): Promise<PartFile> {
    const count = blockCount(options.length);
    if (options.hashes.length !== blockMapLength(options.length)) {
      throw new UpdateError(
        'ota-bad-block-map',
        `the block map of ${options.sha256} has ${options.hashes.length} bytes; ${count} blocks take ${blockMapLength(options.length)}`,
      );
    }
    const path = partPath(options);
    try {
      const have = await trusted(options, path, count);
      const fd = options.fs.open(path, have ? 'r+' : 'w', MODE);
      return new PartFile(options, fd, have ?? new Bitmap(count));
    } catch (error) {
      throw diskError(error, path);
    }
  }

  get missing(): number {
    return this.#have.missing;
  }

  wants(index: number): boolean {
    return Number.isInteger(index) && index >= 0 && index < this.count && !this.#have.has(index);
  }

  async write(index: number, bytes: Uint8Array): Promise<BlockOutcome> {
    if (!Number.isInteger(index) || index < 0 || index >= this.count) return 'bad';
    if (this.#have.has(index)) return 'already-there';
    if (!isRight(this.#options, index, bytes)) return 'bad';
    if (this.#closed) throw new StorageError('state-write', `${this.path} is closed`);
    const { fs } = this.#options;
    try {
      const at = index * BLOCK_BYTES;
      for (let done = 0; done < bytes.length; ) done += fs.write(this.#fd, bytes.subarray(done), at + done);
      this.#have.add(index);
      this.#unflushed += 1;
      // Whoever writes waits while the last flush is still under way: memory never holds more than two rounds.
      if (this.#unflushed >= FLUSH_EVERY) await this.flush();
      return 'written';
    } catch (error) {
      throw diskError(error, this.path);
    }
  }

  /** Makes what came so far outlast a power cut: the blocks first, then the map that speaks of them. */
  async flush(): Promise<void> {
    await this.#flushing;
    if (this.#unflushed === 0 || this.#closed) return;
    this.#flushing = this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    await this.#flushing;
  }

  async #flush(): Promise<void> {
    const { fs, sha256 } = this.#options;
    const map = this.#have.encode(sha256);
    this.#unflushed = 0;
    try {
      await fs.syncAside(this.#fd);
      if (this.missing > 0) writeFileAtomic(mapPath(this.#options), map, MODE, fs);
    } catch (error) {
      this.#forget();
      throw diskError(error, this.path);
    }
  }

  /** Ends this transfer and keeps what came, for the next. */
  async suspend(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.flush();
    } finally {
      this.#close();
    }
  }

  /**
   * Flushes, reads the whole file back and hashes it; the caller renames it then.
   * @throws StorageError `ota-disk-lies` (retryable) when the disk gives back other bytes than were written;
   *   UpdateError `ota-mismatch` when all blocks are right and the file is not: block map and hash contradict.
   */
  async verify(signal: AbortSignal): Promise<void> {
    await this.#flushing;
    this.#unflushed = 0;
    try {
      await this.#options.fs.syncAside(this.#fd);
    } catch (error) {
      this.#forget();
      throw diskError(error, this.path);
    }
    this.#close();
    const bad: number[] = [];
    const check = (index: number, bytes: Uint8Array) => {
      if (!isRight(this.#options, index, bytes)) bad.push(index);
    };
    const found = await hashFile(this.#options.fs, this.path, check, signal);
    if (found.sha256 === this.sha256 && found.length === this.length) return;
    this.#forget();
    if (bad.length > 0 || found.length !== this.length) {
      throw new StorageError(
        'ota-disk-lies',
        `the disk gave back other bytes than were written to ${this.path}`,
        {
          retryable: true,
          facts: { path: this.path, blocks: bad },
        },
      );
    }
    throw new UpdateError(
      'ota-mismatch',
      `block map and hash of ${this.sha256} contradict; it can never be whole`,
    );
  }

  /**
   * After a refused flush the kernel may count pages as written that are not (I-10): nothing of this file is believed,
   * and a later transfer starts anew.
   */
  #forget(): void {
    this.#close();
    this.#have = new Bitmap(this.count);
    removeAll(this.#options.fs, [mapPath(this.#options), this.path]);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.fs.close(this.#fd);
  }
}

export function partPath({ directory, sha256 }: { directory: string; sha256: Sha256 }): string {
  return join(directory, `${sha256}.part`);
}

export function mapPath({ directory, sha256 }: { directory: string; sha256: Sha256 }): string {
  return join(directory, `${sha256}.map`);
}

/** Blocks of an earlier transfer that hash right; undefined where there is no such file. */
async function trusted(options: PartOptions, path: string, count: number): Promise<Bitmap | undefined> {
  const { fs, sha256, length } = options;
  const size = fs.size(path);
  if (size === undefined) return undefined;
  // A file longer than the blob is none of ours; to shorten it is to begin anew.
  if (size > length) return undefined;
  const most = new Bitmap(count).encode(sha256).length;
  const map = decodeBitmap(readSmall(fs, mapPath(options), most) ?? new Uint8Array(0), sha256, count);
  const have = new Bitmap(count);
  const buffer = new Uint8Array(BLOCK_BYTES);
  const fd = fs.open(path, 'r');
  try {
    for (let index = 0; index < count && index * BLOCK_BYTES < size; index++) {
      if (map && !map.has(index)) continue;
      const block = buffer.subarray(0, blockLength(length, index));
      const got = readFully(fs, fd, block, index * BLOCK_BYTES);
      if (isRight(options, index, block.subarray(0, got))) have.add(index);
      if (index % 4 === 3) await new Promise((resolve) => setImmediate(resolve));
    }
    return have;
  } finally {
    fs.close(fd);
  }
}

function isRight({ length, hashes }: PartOptions, index: number, bytes: Uint8Array): boolean {
  return bytes.length === blockLength(length, index) && isBlock(hashes, index, bytes);
}

function removeAll(fs: FileSystem, paths: readonly string[]): void {
  for (const path of paths) {
    try {
      fs.remove(path);
    } catch {
      // A disk that refuses to flush refuses this as well; the blocks are hashed again before they are believed.
    }
  }
}

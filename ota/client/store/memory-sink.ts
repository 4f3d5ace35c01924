/** A small blob on its way into memory: bundle.json, an assignment, a block map, a configuration. */

import { createHash } from 'node:crypto';
import { UpdateError } from '../../../runtime/core/errors.ts';
import { blockCount, blockLength, isBlock } from '../../bundle/block-map.ts';
import type { Sha256 } from '../../bundle/bundle.ts';
import { BLOCK_BYTES, type BlobSink, type BlockOutcome } from '../blob-source.ts';
import { Bitmap } from './bitmap.ts';

/** Bytes. A block map of this size describes a file of 2 GiB. */
export const MOST_SMALL_BYTES = 1 << 20;

export interface MemoryOptions {
  /** Bytes that are taken at most. */
  readonly most?: number;
  /** The blob's block map, of the right length. Without it several blocks are judged together: a bad one costs them all. */
  readonly hashes?: Uint8Array;
}

export class MemorySink implements BlobSink {
  readonly sha256: Sha256;
  readonly length: number;
  readonly count: number;
  readonly #bytes: Uint8Array;
  readonly #hashes: Uint8Array | undefined;
  #have: Bitmap;

  /** @throws UpdateError `ota-too-long` before anything is allocated. */
  constructor(sha256: Sha256, length: number, { most = MOST_SMALL_BYTES, hashes }: MemoryOptions = {}) {
    if (!Number.isSafeInteger(length) || length < 1 || length > most) {
      throw new UpdateError('ota-too-long', `a blob of ${length} bytes where 1 to ${most} are taken`, {
        facts: { sha256, length, most },
      });
    }
    this.#hashes = hashes;
    this.sha256 = sha256;
    this.length = length;
    this.count = blockCount(length);
    this.#bytes = new Uint8Array(length);
    this.#have = new Bitmap(this.count);
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
    if (bytes.length !== blockLength(this.length, index)) return 'bad';
    if (this.#hashes && !isBlock(this.#hashes, index, bytes)) return 'bad';
    this.#bytes.set(bytes, index * BLOCK_BYTES);
    this.#have.add(index);
    if (this.missing > 0 || sha256Of(this.#bytes) === this.sha256) return 'written';
    this.#have = new Bitmap(this.count);
    return 'bad';
  }

  /** @throws UpdateError `ota-incomplete` while blocks are missing. */
  bytes(): Uint8Array {
    if (this.missing === 0) return this.#bytes;
    throw new UpdateError('ota-incomplete', `${this.missing} blocks of ${this.sha256} did not come`, {
      retryable: true,
    });
  }
}

export function sha256Of(bytes: Uint8Array): Sha256 {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Block maps: the SHA-256 of each 64 KiB block of a blob, one after the other, 32 bytes each. */

import { createHash } from 'node:crypto';
import { BLOCK_BYTES } from '../client/blob-source.ts';
import { HASH_BYTES } from './bundle-limits.ts';

export const blockCount = (length: number): number => Math.ceil(length / BLOCK_BYTES);

/** Bytes that the block map of a blob of `length` bytes has. */
export const blockMapLength = (length: number): number => blockCount(length) * HASH_BYTES;

/** Bytes of one block of a blob of `length` bytes. */
export const blockLength = (length: number, block: number): number =>
  Math.min(BLOCK_BYTES, length - block * BLOCK_BYTES);

/** The digest that the map holds for a block; a view, not a copy. */
export const blockHash = (map: Uint8Array, block: number): Uint8Array =>
  map.subarray(block * HASH_BYTES, (block + 1) * HASH_BYTES);

export function isBlock(map: Uint8Array, block: number, bytes: Uint8Array): boolean {
  return createHash('sha256').update(bytes).digest().equals(blockHash(map, block));
}

export interface BlobFacts {
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** Bytes. */
  readonly length: number;
  readonly map: Uint8Array;
}

/** Hash, length and block map of a blob that comes in pieces of any length. */
export class BlobHash {
  readonly #whole = createHash('sha256');
  readonly #hashes: Buffer[] = [];
  #block = createHash('sha256');
  #inBlock = 0;
  #length = 0;

  update(bytes: Uint8Array): void {
    this.#whole.update(bytes);
    this.#length += bytes.length;
    for (let done = 0; done < bytes.length; ) {
      const piece = bytes.subarray(done, done + BLOCK_BYTES - this.#inBlock);
      this.#block.update(piece);
      this.#inBlock += piece.length;
      done += piece.length;
      if (this.#inBlock === BLOCK_BYTES) this.#endBlock();
    }
  }

  /** Ends the hash; call once. */
  facts(): BlobFacts {
    if (this.#inBlock > 0) this.#endBlock();
    return { sha256: this.#whole.digest('hex'), length: this.#length, map: Buffer.concat(this.#hashes) };
  }

  #endBlock(): void {
    this.#hashes.push(this.#block.digest());
    this.#block = createHash('sha256');
    this.#inBlock = 0;
  }
}

export function blobFacts(bytes: Uint8Array): BlobFacts {
  const hash = new BlobHash();
  hash.update(bytes);
  return hash.facts();
}

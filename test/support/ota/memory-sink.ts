/** A blob that is fetched into memory and checked by the hashes of its blocks, or as a whole where there are none. */

import { createHash } from 'node:crypto';
import { BLOCK_BYTES, type BlobSink, type BlockOutcome } from '../../../ota/client/blob-source.ts';

export const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export class MemorySink implements BlobSink {
  readonly sha256: string;
  readonly length: number;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly outcomes: BlockOutcome[] = [];
  readonly #have = new Set<number>();
  readonly #hashes: readonly string[] | undefined;

  /** @param content what is to come. @param byBlock whether each block has a hash of its own. */
  constructor(content: Uint8Array, byBlock = true) {
    this.sha256 = sha256Of(content);
    this.length = content.length;
    this.count = Math.ceil(content.length / BLOCK_BYTES);
    this.bytes = new Uint8Array(content.length);
    this.#hashes = byBlock
      ? Array.from({ length: this.count }, (_, i) => sha256Of(blockOf(content, i)))
      : undefined;
  }

  get missing(): number {
    return this.count - this.#have.size;
  }
  wants(index: number): boolean {
    return index < this.count && !this.#have.has(index);
  }

  async write(index: number, bytes: Uint8Array): Promise<BlockOutcome> {
    const outcome = this.#keep(index, bytes);
    this.outcomes.push(outcome);
    return outcome;
  }

  #keep(index: number, bytes: Uint8Array): BlockOutcome {
    if (!this.wants(index)) return 'already-there';
    if (bytes.length !== Math.min(BLOCK_BYTES, this.length - index * BLOCK_BYTES)) return 'bad';
    if (this.#hashes && sha256Of(bytes) !== this.#hashes[index]) return 'bad';
    this.bytes.set(bytes, index * BLOCK_BYTES);
    this.#have.add(index);
    if (this.#hashes || this.missing > 0 || sha256Of(this.bytes) === this.sha256) return 'written';
    this.#have.clear();
    return 'bad';
  }
}

export function blockOf(content: Uint8Array, index: number): Uint8Array {
  return content.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
}

/** Which blocks of a blob are on disk: the `.map` beside a `.part`. A hint only, blocks are hashed again on resume. */

import { createHash } from 'node:crypto';
import type { Sha256 } from '../../bundle/bundle.ts';

const MAGIC = Buffer.from('VMAP');
const HASH_BYTES = 32;
const HEADER_BYTES = MAGIC.length + HASH_BYTES + 4;

export class Bitmap {
  readonly count: number;
  readonly #bits: Uint8Array;
  #set = 0;

  constructor(count: number) {
    this.count = count;
    this.#bits = new Uint8Array(Math.ceil(count / 8));
  }

  get missing(): number {
    return this.count - this.#set;
  }

  has(index: number): boolean {
    return (this.#bits[index >> 3]! & (1 << (index & 7))) !== 0;
  }

  add(index: number): void {
    if (this.has(index)) return;
    this.#bits[index >> 3]! |= 1 << (index & 7);
    this.#set += 1;
  }

  /** Magic, the blob's hash, block count (u32 little-endian), bits, SHA-256 of all before. */
  encode(sha256: Sha256): Uint8Array {
    const head = Buffer.alloc(HEADER_BYTES);
    MAGIC.copy(head);
    head.write(sha256, MAGIC.length, 'hex');
    head.writeUInt32LE(this.count, MAGIC.length + HASH_BYTES);
    const body = Buffer.concat([head, this.#bits]);
    return Buffer.concat([body, createHash('sha256').update(body).digest()]);
  }
}

/** @returns undefined for bytes that are not the whole map of this blob: torn, poisoned, of another one, too long. */
export function decodeBitmap(bytes: Uint8Array, sha256: Sha256, count: number): Bitmap | undefined {
  const bitBytes = Math.ceil(count / 8);
  if (bytes.length !== HEADER_BYTES + bitBytes + HASH_BYTES) return undefined;
  const body = bytes.subarray(0, HEADER_BYTES + bitBytes);
  const bitmap = new Bitmap(count);
  for (let index = 0; index < count; index++) {
    if ((body[HEADER_BYTES + (index >> 3)]! & (1 << (index & 7))) !== 0) bitmap.add(index);
  }
  return Buffer.compare(bitmap.encode(sha256), bytes) === 0 ? bitmap : undefined;
}

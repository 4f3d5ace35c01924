/** Blobs on the publisher's disk: written under their hash, and read back to the last byte. */

import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../runtime/core/atomic-file.ts';
import { InputError, UpdateError } from '../../runtime/core/errors.ts';
import { BlobHash, blobFacts, blockMapLength } from '../bundle/block-map.ts';
import { MOST_FILE_BYTES } from '../bundle/bundle-limits.ts';
import { BLOBS_FOLDER, type OpenFile, type PublicTree } from '../protocol/public-tree.ts';

const PIECE = 1024 ** 2;
export const PUBLIC_MODE = 0o644;

/** What bundle.json says of a file but its path. */
export interface KeptBlob {
  readonly sha256: string;
  readonly length: number;
  /** SHA-256 of the block map, a blob beside it. */
  readonly blocks: string;
}

export type OnBytes = (bytes: number) => void;

export function keepBytes(folder: string, bytes: Uint8Array): KeptBlob {
  const { sha256, length, map } = blobFacts(bytes);
  writeFileAtomic(join(folder, sha256), bytes, PUBLIC_MODE);
  return { sha256, length, blocks: keepMap(folder, map) };
}

/** Copies a file among the blobs in one pass. @throws InputError `ota-file-unreadable`, `ota-file-length` */
export function keepFile(folder: string, path: string, onBytes: OnBytes): KeptBlob {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined)
    throw new InputError('ota-file-unreadable', `there is no ${path}`, { facts: { path } });
  if (size === 0 || size > MOST_FILE_BYTES) {
    const text = `${path} has ${size} bytes; a file of a bundle has 1 to ${MOST_FILE_BYTES}`;
    throw new InputError('ota-file-length', text, { facts: { path, size } });
  }
  const scratch = mkdtempSync(join(folder, '.new-'));
  try {
    const copy = join(scratch, 'copy');
    const { sha256, length, map } = copied(path, copy, onBytes);
    renameSync(copy, join(folder, sha256));
    return { sha256, length, blocks: keepMap(folder, map) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function copied(from: string, to: string, onBytes: OnBytes) {
  const hash = new BlobHash();
  const piece = Buffer.alloc(PIECE);
  const source = openSync(from, 'r');
  try {
    const target = openSync(to, 'wx', PUBLIC_MODE);
    try {
      for (let count = readSync(source, piece); count > 0; count = readSync(source, piece)) {
        const bytes = piece.subarray(0, count);
        hash.update(bytes);
        for (let done = 0; done < count; ) done += writeSync(target, bytes, done);
        onBytes(count);
      }
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
  return hash.facts();
}

/** Of all blobs of a tree; 0 where there are none. */
export function totalBytes(directory: string): number {
  const folder = join(directory, BLOBS_FOLDER);
  const files = existsSync(folder) ? readdirSync(folder) : [];
  return files.reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

function keepMap(folder: string, map: Uint8Array): string {
  const sha256 = createHash('sha256').update(map).digest('hex');
  writeFileAtomic(join(folder, sha256), map, PUBLIC_MODE);
  return sha256;
}

/** Reads blobs of a tree, each once, and counts them. All methods throw UpdateError `ota-mismatch`. */
export class BlobReader {
  readonly #tree: PublicTree;
  readonly #onBytes: OnBytes;
  /** Of each blob read, the hash of its block map. */
  readonly #seen = new Map<string, string>();
  #bytes = 0;

  constructor(tree: PublicTree, onBytes: OnBytes = () => undefined) {
    this.#tree = tree;
    this.#onBytes = onBytes;
  }

  get seen(): readonly string[] {
    return [...this.#seen.keys()];
  }
  get bytes(): number {
    return this.#bytes;
  }

  /** All of a blob, in memory. */
  async small(blob: { sha256: string; length: number }, mostBytes: number): Promise<Uint8Array> {
    const { sha256, length } = blob;
    if (length > mostBytes) throw mismatch(sha256, `has ${length} bytes; at most ${mostBytes} are allowed`);
    await this.check(blob);
    const bytes = new Uint8Array(length);
    await this.#reading(sha256, (file) => file.read(bytes, 0));
    return bytes;
  }

  /** @returns the SHA-256 of the block map that the blob's content has. */
  async check({ sha256, length }: { sha256: string; length: number }): Promise<string> {
    const before = this.#seen.get(sha256);
    if (before !== undefined) return before;
    const facts = await this.#reading(sha256, (file) => this.#hashed(file, length));
    if (facts.length !== length || facts.sha256 !== sha256)
      throw mismatch(sha256, `does not hold what its name says, or not ${length} bytes of it`);
    const blocks = createHash('sha256').update(facts.map).digest('hex');
    this.#seen.set(sha256, blocks);
    this.#bytes += length;
    return blocks;
  }

  /** A file of a bundle, and its block map. */
  async checkMapped({ path, ...file }: KeptBlob & { readonly path: string }): Promise<void> {
    if ((await this.check(file)) !== file.blocks)
      throw mismatch(path, 'is listed with a block map that is not the one of its content');
    await this.check({ sha256: file.blocks, length: blockMapLength(file.length) });
  }

  async #hashed(file: OpenFile, length: number) {
    const hash = new BlobHash();
    const piece = new Uint8Array(Math.min(PIECE, length + 1));
    // One byte more than there should be is enough to know.
    for (let at = 0; at <= length; ) {
      const count = await file.read(piece, at);
      if (count === 0) break;
      hash.update(piece.subarray(0, count));
      this.#onBytes(count);
      at += count;
    }
    return hash.facts();
  }

  async #reading<T>(sha256: string, read: (file: OpenFile) => Promise<T>): Promise<T> {
    const file = await this.#tree.blob(sha256);
    if (!file) throw mismatch(sha256, 'is missing: copy all of it');
    try {
      return await read(file);
    } finally {
      await file.close();
    }
  }
}

export function mismatch(what: string, problem: string): UpdateError {
  return new UpdateError('ota-mismatch', `${what} ${problem}`, { facts: { what } });
}

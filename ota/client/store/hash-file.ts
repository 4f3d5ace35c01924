/** Reads a file back from the disk and hashes it, a block at a time, so that the node's other work goes on between. */

import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { FileSystem } from '../../../runtime/core/file-system.ts';
import type { Sha256 } from '../../bundle/bundle.ts';
import { BLOCK_BYTES } from '../blob-source.ts';

/** Of a slow card that is a few tens of milliseconds. */
const BLOCKS_A_TURN = 4;

/**
 * Through a descriptor of its own, as whoever loads the file will read it.
 * @param onBlock sees every block; its bytes are good until it returns.
 */
export async function hashFile(
  fs: FileSystem,
  path: string,
  onBlock: (index: number, bytes: Uint8Array) => void = () => {},
  signal?: AbortSignal,
): Promise<{ readonly sha256: Sha256; readonly length: number }> {
  const hash = createHash('sha256');
  const buffer = new Uint8Array(BLOCK_BYTES);
  const fd = fs.open(path, 'r');
  try {
    for (let length = 0, index = 0; ; index++) {
      const bytes = buffer.subarray(0, readFully(fs, fd, buffer, length));
      if (bytes.length === 0) return { sha256: hash.digest('hex'), length };
      hash.update(bytes);
      onBlock(index, bytes);
      length += bytes.length;
      if (index % BLOCKS_A_TURN === BLOCKS_A_TURN - 1) await turn();
      signal?.throwIfAborted();
    }
  } finally {
    fs.close(fd);
  }
}

/** @returns bytes read: fewer than `into` takes only at the end of the file. */
export function readFully(fs: FileSystem, fd: number, into: Uint8Array, position: number): number {
  let done = 0;
  while (done < into.length) {
    const more = fs.read(fd, into.subarray(done), position + done);
    if (more === 0) break;
    done += more;
  }
  return done;
}

/** A file of at most `most` bytes; undefined when there is none, or when it is longer. */
export function readSmall(fs: FileSystem, path: string, most: number): Uint8Array | undefined {
  const size = fs.size(path);
  if (size === undefined || size > most) return undefined;
  const bytes = new Uint8Array(size);
  const fd = fs.open(path, 'r');
  try {
    return bytes.subarray(0, readFully(fs, fd, bytes, 0));
  } finally {
    fs.close(fd);
  }
}

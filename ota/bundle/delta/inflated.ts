/** The bytes of a gzip stream, as many at a time as are asked for; never more in memory than a chunk or two. */

import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { UpdateError } from '../../../runtime/core/errors.ts';
import type { BlobReader } from '../../client/blob-source.ts';

const CHUNK = 65_536;

export class Inflated {
  readonly #gunzip = createGunzip({ chunkSize: CHUNK });
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #input: Readable;
  #rest: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(compressed: BlobReader) {
    this.#input = Readable.from(piecesOf(compressed), { objectMode: false, highWaterMark: CHUNK });
    this.#input.on('error', (error) => this.#gunzip.destroy(error));
    this.#chunks = this.#input.pipe(this.#gunzip)[Symbol.asyncIterator]();
  }

  /** @returns 1 to `most` bytes, a view that holds until the next call. @throws UpdateError `ota-bad-delta` at the end */
  async some(most: number): Promise<Buffer> {
    if (this.#rest.length === 0 && !(await this.#more()))
      throw badDelta('it ends before the file is complete');
    const bytes = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(bytes.length);
    return bytes;
  }

  /** @param count at most a few: heads. */
  async exactly(count: number): Promise<Buffer> {
    const first = await this.some(count);
    if (first.length === count) return first;
    const bytes = Buffer.alloc(count);
    first.copy(bytes);
    for (let at = first.length; at < count; ) {
      const more = await this.some(count - at);
      at += more.copy(bytes, at);
    }
    return bytes;
  }

  async atEnd(): Promise<boolean> {
    return this.#rest.length === 0 && !(await this.#more());
  }

  close(): void {
    this.#input.destroy();
    this.#gunzip.destroy();
  }

  async #more(): Promise<boolean> {
    while (!this.#ended && this.#rest.length === 0) {
      try {
        const { value, done } = await this.#chunks.next();
        if (done) this.#ended = true;
        else this.#rest = value;
      } catch (cause) {
        // What the disk says is not the delta's fault.
        if (!String((cause as NodeJS.ErrnoException).code).startsWith('Z_')) throw cause;
        throw badDelta('it is no gzip stream', cause);
      }
    }
    return this.#rest.length > 0;
  }
}

function* piecesOf(blob: BlobReader): Generator<Buffer> {
  for (let at = 0; at < blob.length; ) {
    const piece = Buffer.alloc(Math.min(CHUNK, blob.length - at));
    const count = blob.read(piece, at);
    if (count === 0) return;
    at += count;
    yield piece.subarray(0, count);
  }
}

export function badDelta(how: string, cause?: unknown): UpdateError {
  return new UpdateError('ota-bad-delta', `the delta cannot be used: ${how}`, {
    ...(cause !== undefined && { cause }),
  });
}

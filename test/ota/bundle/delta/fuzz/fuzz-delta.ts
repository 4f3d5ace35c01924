/** What a fuzzer calls with any bytes: as a delta, and gzipped as what is in one. It makes the file or is refused. */

import { gzipSync } from 'node:zlib';
import { applyDelta } from '../../../../../ota/bundle/delta/apply.ts';
import { DELTA_MAGIC } from '../../../../../ota/bundle/delta/format.ts';
import type { BlobReader } from '../../../../../ota/client/blob-source.ts';
import { UpdateError } from '../../../../../runtime/core/errors.ts';
import { randomBytes, sinkFor } from '../../../../support/ota/public-folder.ts';

const base = randomBytes(100_000, 4);
const wanted = randomBytes(70_000, 5);
const never = new AbortController().signal;

export function readerOf(bytes: Uint8Array): BlobReader {
  return {
    length: bytes.length,
    read(into, position) {
      const part = bytes.subarray(position, position + into.length);
      into.set(part);
      return part.length;
    },
  };
}

export function inDelta(length: number, body: Uint8Array): Uint8Array {
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(length));
  return gzipSync(Buffer.concat([DELTA_MAGIC, size, body]));
}

export async function fuzzDelta(bytes: Uint8Array): Promise<void> {
  for (const delta of [bytes, gzipSync(bytes), inDelta(wanted.length, bytes)]) {
    const sink = sinkFor(wanted);
    try {
      await applyDelta({ base: readerOf(base), delta: readerOf(delta), sink, signal: never });
      if (Buffer.compare(sink.bytes(), wanted) !== 0) throw new RangeError('made another file');
    } catch (error) {
      if (!(error instanceof UpdateError) || error.code !== 'ota-bad-delta') throw error;
    }
  }
}

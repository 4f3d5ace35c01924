/** Brings blobs into the store or into memory, whatever is there of them already. */

import { UpdateError } from '../../../runtime/core/errors.ts';
import { blockCount, blockMapLength } from '../../bundle/block-map.ts';
import type { BundleFile, Sha256 } from '../../bundle/bundle.ts';
import type { BlobSink, BlobSource } from '../blob-source.ts';
import type { BlobStore } from './blob-store.ts';
import { MemorySink, MOST_SMALL_BYTES } from './memory-sink.ts';
import type { PartFile } from './part-file.ts';

type Blob = Pick<BundleFile, 'sha256' | 'length' | 'blocks'>;
/** Fills the sink, or throws. */
export type Fill = (sink: BlobSink) => Promise<void>;

/** A small one, into memory. @throws as BlobSource.fetch; UpdateError `ota-too-long` */
export async function fetchSmall(
  source: BlobSource,
  { sha256, length }: Pick<Blob, 'sha256' | 'length'>,
  signal: AbortSignal,
  most = MOST_SMALL_BYTES,
): Promise<Uint8Array> {
  const sink = new MemorySink(sha256, length, { most });
  await source.fetch(sink, signal);
  return sink.bytes();
}

/** The same with its block map, so that a bad block costs itself alone. */
export async function fetchToMemory(
  blobs: BlobStore,
  source: BlobSource,
  blob: Blob,
  most: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const hashes = await blockMap(blobs, source, blob, signal);
  const sink = new MemorySink(blob.sha256, blob.length, { most, hashes });
  await source.fetch(sink, signal);
  return sink.bytes();
}

/** Into the store; what came is kept when it fails. @throws as BlobSource.fetch and PartFile */
export async function fetchToStore(
  blobs: BlobStore,
  source: BlobSource,
  blob: Blob,
  fill: Fill,
  signal: AbortSignal,
): Promise<void> {
  if (blobs.has(blob.sha256, blob.length)) return;
  const part = await blobs.receive(blob.sha256, blob.length, await blockMap(blobs, source, blob, signal));
  try {
    if (part.missing > 0) await fill(part);
    requireAll(part);
    await blobs.finish(part, signal);
  } finally {
    await part.suspend();
  }
}

/** @throws UpdateError `ota-bad-block-map` */
async function blockMap(
  blobs: BlobStore,
  source: BlobSource,
  { sha256, length, blocks }: Blob,
  signal: AbortSignal,
): Promise<Uint8Array> {
  // The map of a single block says what the hash of the blob says.
  if (blockCount(length) === 1) return Buffer.from(sha256, 'hex');
  const mapLength = blockMapLength(length);
  const kept = blobs.read(blocks, mapLength);
  if (kept) return ofLength(kept, mapLength, blocks);
  const bytes = await fetchSmall(source, { sha256: blocks, length: mapLength }, signal);
  blobs.put(blocks, bytes);
  return bytes;
}

function ofLength(map: Uint8Array, length: number, sha256: Sha256): Uint8Array {
  if (map.length === length) return map;
  throw new UpdateError(
    'ota-bad-block-map',
    `the block map ${sha256} has ${map.length} bytes, not ${length}`,
  );
}

function requireAll({ missing, sha256 }: PartFile): void {
  if (missing === 0) return;
  throw new UpdateError('ota-incomplete', `${missing} blocks of ${sha256} did not come`, { retryable: true });
}

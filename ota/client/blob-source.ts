/**
 * Where content comes from (MQTT, a broadcast, a directory) and where it goes (the store). A source is hostile: it knows
 * a blob by its hash alone, and every block that it brings is checked by the sink before a byte of it is kept.
 */

import type { Sha256 } from '../bundle/bundle.ts';

/** Bytes of every block of a blob but the last one, which may be shorter. */
export const BLOCK_BYTES = 65_536;

/** `bad`: not what was wanted (length or hash), nothing was kept; ask again, elsewhere if there is one. */
export type BlockOutcome = 'written' | 'already-there' | 'bad';

/** One blob on its way into the store, or into memory for a small one. One block at a time, in any order. */
export interface BlobSink {
  readonly sha256: Sha256;
  /** Bytes, exact: it comes from signed data. */
  readonly length: number;
  /** Blocks in all: the length over BLOCK_BYTES, rounded up. */
  readonly count: number;
  /** Blocks that are still wanted; the transfer is over at 0. May rise again where blocks could only be judged together. */
  readonly missing: number;
  wants(index: number): boolean;
  /**
   * Checks and keeps one block. Never rejects for what the bytes say.
   * @throws StorageError `ota-disk-full`, `state-write`: the transfer is over, what was kept before stays.
   */
  write(index: number, bytes: Uint8Array): Promise<BlockOutcome>;
}

export interface BlobSource {
  /**
   * Brings blocks until the sink wants none; a later call for the same blob goes on where this one ended.
   * @throws DeliveryError `ota-transport` (retryable) when the blocks do not come, or are bad whoever sends them;
   *   whatever the sink throws; the signal's reason when aborted.
   */
  fetch(sink: BlobSink, signal: AbortSignal): Promise<void>;
}

/** A blob in the store, or anything else that is read at will. */
export interface BlobReader {
  /** Bytes. */
  readonly length: number;
  /** @returns how many bytes were read; fewer than `into` takes only at the end. @throws StorageError `state-read` */
  read(into: Uint8Array, position: number): number;
}

/** Makes a file out of an earlier one: a source like any other, since its sink checks every block. */
export interface DeltaInput {
  readonly base: BlobReader;
  readonly delta: BlobReader;
  readonly sink: BlobSink;
  readonly signal: AbortSignal;
}
/** @throws UpdateError `ota-bad-delta` for one that is no delta, reaches outside its base, or makes other bytes than wanted. */
export type ApplyDelta = (input: DeltaInput) => Promise<void>;

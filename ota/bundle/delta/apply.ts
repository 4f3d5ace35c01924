/** Makes a file out of an earlier one and a delta, block by block into the sink that checks each. */

import { setImmediate as breathe } from 'node:timers/promises';
import { type ApplyDelta, BLOCK_BYTES, type BlobReader, type BlobSink } from '../../client/blob-source.ts';
import {
  COPY,
  DELTA_HEADER_BYTES,
  DELTA_MAGIC,
  decodeHead,
  headBytes,
  MOST_SEGMENTS,
  NEW,
  type SegmentHead,
} from './format.ts';
import { badDelta, Inflated } from './inflated.ts';

/** Blocks between two breaths: what a copy makes needs no input that could be waited for. */
const BLOCKS_AT_ONCE = 8;

/**
 * Streams: memory is that of a few blocks, whatever the delta claims.
 * @throws UpdateError `ota-bad-delta` for what is no delta, reaches outside its base, or makes other bytes than wanted;
 *   what base, delta and sink throw; the signal's reason.
 */
export const applyDelta: ApplyDelta = async ({ base, delta, sink, signal }) => {
  const inflated = new Inflated(delta);
  const output = new Output(sink, signal);
  try {
    const header = await inflated.exactly(DELTA_HEADER_BYTES);
    if (!header.subarray(0, DELTA_MAGIC.length).equals(DELTA_MAGIC)) throw badDelta('it is of another kind');
    const length = header.readBigUInt64BE(DELTA_MAGIC.length);
    if (length !== BigInt(sink.length))
      throw badDelta(`it makes ${length} bytes, ${sink.length} were signed`);
    for (let segments = 0; output.position < sink.length; segments++) {
      if (segments >= MOST_SEGMENTS) throw badDelta(`it has more than ${MOST_SEGMENTS} segments`);
      await writeSegment(await readHead(inflated), base, inflated, output);
    }
    if (!(await inflated.atEnd())) throw badDelta('it goes on behind the end of the file');
    if (sink.missing > 0) throw badDelta('what it makes is not the file that was signed');
  } finally {
    inflated.close();
  }
};

async function readHead(inflated: Inflated): Promise<SegmentHead> {
  // The first byte says how long the head is.
  const kind = (await inflated.exactly(1))[0]!;
  const bytes = headBytes(kind);
  if (bytes === undefined) throw badDelta(`it has a segment of kind ${kind}`);
  const rest = await inflated.exactly(bytes - 1);
  return decodeHead(Buffer.concat([Buffer.of(kind), rest]));
}

async function writeSegment(
  { kind, length, from }: SegmentHead,
  base: BlobReader,
  inflated: Inflated,
  output: Output,
): Promise<void> {
  if (length === 0 || length > output.left) throw badDelta('a segment reaches beyond the end of the file');
  if (kind !== NEW && from + length > base.length) throw badDelta('a segment reaches beyond its base');
  for (let done = 0; done < length; ) {
    const room = output.room(length - done);
    let count = room.length;
    if (kind !== COPY) {
      const bytes = await inflated.some(room.length);
      count = bytes.length;
      room.set(bytes);
    }
    if (kind === COPY) readBase(base, room, from + done);
    else if (kind !== NEW) addBase(base, room.subarray(0, count), from + done);
    await output.wrote(count);
    done += count;
  }
}

const scratch = new Uint8Array(BLOCK_BYTES);

function addBase(base: BlobReader, differences: Uint8Array, position: number): void {
  // Used up before anything else can run.
  const bytes = scratch.subarray(0, differences.length);
  readBase(base, bytes, position);
  for (let i = 0; i < bytes.length; i++) differences[i]! += bytes[i]!;
}

function readBase(base: BlobReader, into: Uint8Array, position: number): void {
  if (base.read(into, position) !== into.length) throw badDelta('its base is shorter than it says');
}

/** The block that is being made. */
class Output {
  readonly #sink: BlobSink;
  readonly #signal: AbortSignal;
  readonly #block = new Uint8Array(BLOCK_BYTES);
  position = 0;

  constructor(sink: BlobSink, signal: AbortSignal) {
    this.#sink = sink;
    this.#signal = signal;
  }

  get left(): number {
    return this.#sink.length - this.position;
  }

  /** Where the next bytes go, at most `most` of them; `wrote` says how many went there. */
  room(most: number): Uint8Array {
    const from = this.position % BLOCK_BYTES;
    return this.#block.subarray(from, Math.min(BLOCK_BYTES, from + most));
  }

  async wrote(count: number): Promise<void> {
    this.position += count;
    if (this.position % BLOCK_BYTES !== 0 && this.left > 0) return;
    const index = Math.ceil(this.position / BLOCK_BYTES) - 1;
    const bytes = this.#block.slice(0, this.position - index * BLOCK_BYTES);
    this.#signal.throwIfAborted();
    if (this.#sink.wants(index) && (await this.#sink.write(index, bytes)) === 'bad')
      throw badDelta(`block ${index} of what it makes is not the one that was signed`);
    if (index % BLOCKS_AT_ONCE === BLOCKS_AT_ONCE - 1) await breathe();
  }
}

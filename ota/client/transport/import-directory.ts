/** The same repository from a folder or a USB stick: as little trusted as the broker. */

import { DeliveryError, describeError } from '../../../runtime/core/errors.ts';
import { type OpenFile, PublicTree } from '../../protocol/public-tree.ts';
import { BLOCK_BYTES, type BlobSink, type BlobSource } from '../blob-source.ts';
import type { MetadataSource } from '../tuf/parts.ts';

export class DirectorySource implements MetadataSource, BlobSource {
  readonly #tree: PublicTree;

  constructor(tree: PublicTree) {
    this.#tree = tree;
  }

  async metadata(path: string, mostBytes: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    signal.throwIfAborted();
    return this.#reading(await this.#opened(this.#tree.metadata(path)), async (file) => {
      if (file.length > mostBytes) {
        const text = `${path} has ${file.length} bytes; at most ${mostBytes} are read`;
        throw new DeliveryError('ota-too-long', text, { facts: { path, mostBytes } });
      }
      const bytes = new Uint8Array(file.length);
      return bytes.subarray(0, await file.read(bytes, 0));
    });
  }

  /** Reads on from what the sink has. A block that is bad on the stick is bad for good: the error is not retryable. */
  async fetch(sink: BlobSink, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (sink.missing === 0) return;
    const file = await this.#opened(this.#tree.blob(sink.sha256));
    if (!file) throw bad(sink, 'is not in the folder');
    await this.#reading(file, async () => {
      if (file.length !== sink.length)
        throw bad(sink, `has ${file.length} bytes in the folder, ${sink.length} were signed`);
      for (let index = 0; index < sink.count; index++) {
        signal.throwIfAborted();
        if (!sink.wants(index)) continue;
        const block = new Uint8Array(Math.min(BLOCK_BYTES, sink.length - index * BLOCK_BYTES));
        await file.read(block, index * BLOCK_BYTES);
        if ((await sink.write(index, block)) === 'bad') throw bad(sink, `is damaged in block ${index}`);
      }
      if (sink.missing > 0) throw bad(sink, 'is not what its hash says');
    });
  }

  /** A stick that is pulled out is a way that broke, as a broker would be. */
  async #reading<T>(
    file: OpenFile | undefined,
    read: (file: OpenFile) => Promise<T>,
  ): Promise<T | undefined> {
    if (!file) return undefined;
    try {
      return await read(file);
    } catch (cause) {
      throw asDelivery(cause);
    } finally {
      await file.close();
    }
  }

  async #opened(opening: Promise<OpenFile | undefined>): Promise<OpenFile | undefined> {
    try {
      return await opening;
    } catch (cause) {
      throw asDelivery(cause);
    }
  }
}

/** @param directory laid out as PublicTree says; what is missing there is found missing when it is wanted. */
export function importDirectory(directory: string): DirectorySource {
  return new DirectorySource(new PublicTree(directory));
}

function asDelivery(cause: unknown): unknown {
  if ((cause as { code?: unknown })?.code !== 'ota-repository-read') return cause;
  return new DeliveryError('ota-transport', describeError(cause), { cause, retryable: true });
}

function bad({ sha256 }: BlobSink, how: string): DeliveryError {
  return new DeliveryError('ota-transport', `blob ${sha256} ${how}`, { facts: { sha256 } });
}

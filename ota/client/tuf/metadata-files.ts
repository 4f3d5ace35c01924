/** Metadata files of one update: in the store, and in the repository. */

import { StorageError, UpdateError } from '../../../runtime/core/errors.ts';
import { fileOf } from './names.ts';
import type { MetadataSource, TrustStore } from './parts.ts';
import { mostBytesOf, type TrustedSet } from './trusted-set.ts';

export class MetadataFiles {
  readonly #source: MetadataSource;
  readonly #store: TrustStore;
  readonly #signal: AbortSignal;

  constructor(source: MetadataSource, store: TrustStore, signal: AbortSignal) {
    this.#source = source;
    this.#store = store;
    this.#signal = signal;
  }

  /** undefined when there is none, or none that the disk gives back: then it is as lost as a torn one. */
  stored(name: string): Uint8Array | undefined {
    try {
      return this.#store.read(name);
    } catch (error) {
      if (error instanceof StorageError) return undefined;
      throw error;
    }
  }

  /** Writes what the store does not hold already: flash wears. @throws StorageError `state-write` */
  keep(name: string, bytes: Uint8Array): void {
    const stored = this.stored(name);
    if (!stored || Buffer.compare(stored, bytes) !== 0) this.#store.write(name, bytes);
  }

  remove(name: string): void {
    this.#store.remove(name);
  }

  /** Gives a stored copy to `accept`. One that is torn, or that no key of today signed, counts as none. */
  remember(name: string, accept: (bytes: Uint8Array) => void): boolean {
    const bytes = this.stored(name);
    if (!bytes) return false;
    try {
      accept(bytes);
      return true;
    } catch (error) {
      if (error instanceof UpdateError) return false;
      throw error;
    }
  }

  /** @returns undefined when the repository has no such file. @throws UpdateError `ota-too-long`; whatever the source throws */
  async fetch(path: string, mostBytes: number): Promise<Uint8Array | undefined> {
    this.#signal.throwIfAborted();
    const bytes = await this.#source.metadata(path, mostBytes, this.#signal);
    if (bytes && bytes.length > mostBytes)
      throw new UpdateError('ota-too-long', `${path} has more than the ${mostBytes} bytes that are read`, {
        retryable: true,
        facts: { path, mostBytes },
      });
    return bytes;
  }

  /** @throws UpdateError `ota-missing`, and as fetch */
  async need(path: string, mostBytes: number): Promise<Uint8Array> {
    const bytes = await this.fetch(path, mostBytes);
    if (bytes) return bytes;
    throw new UpdateError('ota-missing', `the repository does not have ${path}`, {
      retryable: true,
      facts: { path },
    });
  }

  /** Snapshot or targets: the stored copy if it is the one that is listed, else the repository's, which is then kept. */
  async load(role: string, trusted: TrustedSet, accept: (bytes: Uint8Array) => void): Promise<void> {
    if (this.remember(fileOf(role), accept)) return;
    const listed = role === 'snapshot' ? trusted.timestamp.snapshot : trusted.listed(role);
    // §5.5.1, §5.6.1
    const path = trusted.root.consistentSnapshot ? `${listed.version}.${role}.json` : `${role}.json`;
    const bytes = await this.need(path, mostBytesOf(listed));
    accept(bytes);
    this.keep(fileOf(role), bytes);
  }
}

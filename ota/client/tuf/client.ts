/**
 * The TUF client: brings trusted metadata up to date (§5.1 to §5.6) from a repository that nobody trusts. It writes
 * bytes to the store when all of their checks have passed, and no others.
 */

import { UpdateError } from '../../../runtime/core/errors.ts';
import type { EpochMillis } from '../../../runtime/core/units.ts';
import { KNOWN_VERSIONS, onlineKeys, readKnownVersions, writeKnownVersions } from './known-versions.ts';
import type { Root } from './metadata.ts';
import { MetadataFiles } from './metadata-files.ts';
import type { MetadataSource, TrustStore } from './parts.ts';
import { MOST_BYTES, OWN_REPOSITORY, type TufPolicy } from './policy.ts';
import { TrustedRepository } from './trusted-repository.ts';
import { readTrustedRoot, TrustedSet } from './trusted-set.ts';

export interface TufClientParts {
  readonly source: MetadataSource;
  readonly store: TrustStore;
  /** §5.2: the root that came with the software or was given to the node when it was set up. */
  readonly factoryRoot: Uint8Array;
  readonly policy?: TufPolicy;
}

export class TufClient {
  readonly #store: TrustStore;
  readonly #source: MetadataSource;
  readonly #factoryRoot: Uint8Array;
  readonly #policy: TufPolicy;
  #issued: EpochMillis | undefined;

  constructor({ source, store, factoryRoot, policy = OWN_REPOSITORY }: TufClientParts) {
    this.#source = source;
    this.#store = store;
    this.#factoryRoot = factoryRoot;
    this.#policy = policy;
  }

  /**
   * The latest `x-issued` that a good signature of the timestamp role stands under, in any refresh so far, failed ones
   * included: the repository's word that it is at least this late.
   */
  get issued(): EpochMillis | undefined {
    return this.#issued;
  }

  /**
   * The root that the node trusts now, asking nobody: whose word on the time counts (`time`) before any refresh.
   * @throws UpdateError `ota-no-root`
   */
  root(): Root {
    return this.#roots(new MetadataFiles(this.#source, this.#store, AbortSignal.abort())).newest;
  }

  /**
   * One at a time; the caller sees to it. What failed leaves the client able to refresh again.
   * @param now §5.1: what expiry is judged by, until the next refresh.
   * @throws UpdateError `ota-malformed`, `ota-signature`, `ota-rollback`, `ota-expired`, `ota-mismatch`,
   *   `ota-too-long` for what the repository gave; `ota-missing` for what it does not have; `ota-no-root` when no root
   *   can be trusted. StorageError `state-write`; whatever the source throws.
   */
  async refresh(now: EpochMillis, signal: AbortSignal): Promise<TrustedRepository> {
    const files = new MetadataFiles(this.#source, this.#store, signal);
    const trusted = this.#loadTrustedRoot(files, now);
    try {
      this.#keepKnown(files, trusted);
      await this.#updateRoot(files, trusted);
      await this.#updateTimestamp(files, trusted);
      await this.#updateSnapshot(files, trusted);
      await files.load('targets', trusted, (bytes) => trusted.updateTargets(bytes));
    } finally {
      const { issued } = trusted;
      if (issued !== undefined && issued > (this.#issued ?? Number.NEGATIVE_INFINITY)) this.#issued = issued;
      this.#keepKnown(files, trusted);
    }
    return new TrustedRepository(trusted, files, this.#policy);
  }

  #loadTrustedRoot(files: MetadataFiles, now: EpochMillis): TrustedSet {
    const { newest, stored } = this.#roots(files);
    if (newest !== stored) files.keep('root.json', this.#factoryRoot);
    const known = readKnownVersions(files.stored(KNOWN_VERSIONS));
    const keys = known.keys || (stored ? onlineKeys(stored) : '');
    return new TrustedSet(newest, { now, policy: this.#policy, known: { ...known, keys } });
  }

  /**
   * §5.2: the stored root, or the factory's where that is newer or the stored one was torn; then the newer roots of the
   * repository lead back to where the node was.
   */
  #roots(files: MetadataFiles): { newest: Root; stored: Root | undefined } {
    const bytes = files.stored('root.json');
    const stored = bytes && this.#readRoot(bytes);
    const factory = this.#readRoot(this.#factoryRoot);
    const newest = !stored || (factory && factory.version > stored.version) ? factory : stored;
    if (newest) return { newest, stored };
    throw new UpdateError(
      'ota-no-root',
      'neither the stored root.json nor the one that the node came with can be trusted; set the node up again',
    );
  }

  #readRoot(bytes: Uint8Array): Root | undefined {
    try {
      return readTrustedRoot(bytes, this.#policy);
    } catch (error) {
      if (error instanceof UpdateError) return undefined;
      throw error;
    }
  }

  /** §5.3 */
  async #updateRoot(files: MetadataFiles, trusted: TrustedSet): Promise<void> {
    for (let i = 0; i < this.#policy.mostRoots; i++) {
      const bytes = await files.fetch(`${trusted.root.version + 1}.root.json`, MOST_BYTES.root);
      if (!bytes) break;
      trusted.updateRoot(bytes);
      files.keep('root.json', bytes);
    }
    const { rotated } = trusted.finishRoot();
    if (!rotated) return;
    files.remove('timestamp.json');
    files.remove('snapshot.json');
    // Only now: a power cut before this line leaves the old keys on record, and the copies go at the next refresh.
    this.#keepKnown(files, trusted);
  }

  /** §5.4 */
  async #updateTimestamp(files: MetadataFiles, trusted: TrustedSet): Promise<void> {
    files.remember('timestamp.json', (bytes) => trusted.rememberTimestamp(bytes));
    const bytes = await files.need('timestamp.json', MOST_BYTES.timestamp);
    if (trusted.updateTimestamp(bytes) === 'new') files.keep('timestamp.json', bytes);
  }

  /** §5.5 */
  async #updateSnapshot(files: MetadataFiles, trusted: TrustedSet): Promise<void> {
    files.remember('snapshot.json', (bytes) => trusted.rememberSnapshot(bytes));
    await files.load('snapshot', trusted, (bytes) => trusted.updateSnapshot(bytes));
  }

  #keepKnown(files: MetadataFiles, { known }: TrustedSet): void {
    files.keep(KNOWN_VERSIONS, writeKnownVersions(known));
  }
}

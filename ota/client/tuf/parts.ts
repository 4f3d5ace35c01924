/** What the TUF client stands on: where metadata comes from, where trusted copies lie. Both hostile until checked. */

/** An untrusted repository: MQTT, a directory, or HTTP in the conformance client. */
export interface MetadataSource {
  /**
   * @param path as TUF names it: `timestamp.json`, `3.root.json`, `bundles/…` never (targets come as blobs).
   * @returns undefined when the repository has no such file.
   * @throws DeliveryError `ota-transport`, retryable; `ota-too-long` for more than `mostBytes`, which is never read on.
   */
  metadata(path: string, mostBytes: number, signal: AbortSignal): Promise<Uint8Array | undefined>;
}

/**
 * Trusted metadata on disk. `write` is durable when it returns: after a power cut the old bytes or the new. Names are
 * plain file names: `root.json`, `timestamp.json`, `snapshot.json`, `targets.json`, those of delegated roles, and
 * `known-versions`, from which a torn file's version is remembered. What cannot be read counts as lost.
 */
export interface TrustStore {
  /** @returns undefined when there is none. @throws StorageError `state-read` */
  read(name: string): Uint8Array | undefined;
  /** @throws StorageError `state-write` */
  write(name: string, bytes: Uint8Array): void;
  remove(name: string): void;
}

/** A target as trusted metadata describes it. */
export interface TrustedTarget {
  readonly path: string;
  /** Bytes. */
  readonly length: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

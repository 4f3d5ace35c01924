/** What bundle.json says, once it was checked; docs/bundle.md describes the format. Field names are those of the file. */

/** Of the release; 64 hexadecimal digits, lower case. */
export type Sha256 = string;

export interface BundleFile {
  /** In the bundle: checked by BUNDLE_PATH; never joined to a folder, files lie in the store by their hash. */
  readonly path: string;
  readonly sha256: Sha256;
  /** Bytes. */
  readonly length: number;
  /** Of the block map, a blob of its own: the 32-byte SHA-256 of each 64 KiB block, one after the other. */
  readonly blocks: Sha256;
}

/** One way to make a file of this bundle out of one of an earlier bundle. */
export interface BundleDelta {
  readonly path: string;
  /** SHA-256 of the whole file it starts from. */
  readonly from: Sha256;
  readonly algorithm: 'bsub1+gzip';
  /** Of the delta, a blob like any other. */
  readonly sha256: Sha256;
  readonly length: number;
  readonly blocks: Sha256;
}

export interface BundleRequirements {
  /** Semantic-version range of Vigie, such as '>=0.2.0 <1'. */
  readonly runtime?: string;
  /** Names of device profiles; none given: any. */
  readonly boards?: readonly string[];
  /** `process.arch` values. */
  readonly architectures?: readonly string[];
  /** Bytes of memory that the model needs beside what the node uses. */
  readonly ramBytes?: number;
  /** Bytes that the store needs free beyond the files themselves: for an engine that is built on the board. */
  readonly diskBytes?: number;
}

export interface HealthGate {
  readonly windowSeconds: number;
  /** Fewer inferences than this in the window is no evidence: the trial goes on. */
  readonly minInferences: number;
  readonly maxErrorRate: number;
  readonly latencyP95Ms?: number;
  readonly maxRssBytes?: number;
  readonly maxOutputShift?: number;
}

export interface VerifiedBundle {
  readonly _type: 'vigie-bundle';
  readonly v: 1;
  readonly name: string;
  /** For people. */
  readonly version: string;
  /** Monotonic per name: what the floor compares. */
  readonly release: number;
  readonly requires: BundleRequirements;
  /** manifest.json (the model manifest) is always one of them, and lists the artifacts by path. */
  readonly files: readonly BundleFile[];
  readonly deltas: readonly BundleDelta[];
  /** Golden vectors: file paths in this bundle, and how far an output may be off (of its range). */
  readonly selftest: { readonly vectors: string; readonly tolerance: number } | undefined;
  readonly health: HealthGate;
  readonly trial: { readonly attempts: number };
  /** Path of an OpenSSF model-signing file, for the record; never the authority for an install. */
  readonly provenance?: string;
}

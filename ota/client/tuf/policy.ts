/** What is asked of metadata beyond the specification, or left to the reader by it. */

/** TUF calls these values W, X, Y, Z and leaves them to the application (§5.3.3, §5.4.1, §5.5.1, §5.6.1, §5.6.7.1). */
export interface TufPolicy {
  /** Signatures of other schemes never count. */
  readonly schemes: 'ed25519' | 'all';
  /** Whether a KEYID must be the SHA-256 of its key (§4.3); repositories older than that rule have others. */
  readonly checkKeyIds: boolean;
  /** Whether role names and target paths keep to the small alphabet of bundles. */
  readonly plainNames: boolean;
  /** Whether snapshot and targets are listed with length and SHA-256, so that nothing unsigned is ever parsed. */
  readonly pinned: boolean;
  /** Whether a role may be delegated by more than one other. */
  readonly diamonds: boolean;
  /** Of roles looked at in one search, top-level targets included. */
  readonly mostRoles: number;
  /** Of delegations, one below the other. */
  readonly mostDepth: number;
  /** New root files in one refresh; the next one goes on where this one stopped. */
  readonly mostRoots: number;
}

const KIB = 1024;

/** Read of a file that nothing signed tells the length of, or however long the signed parent says that it is. */
export const MOST_BYTES = {
  root: 64 * KIB,
  timestamp: 16 * KIB,
  /** Snapshot and targets without length and hash in their parent: before any signature, like the two above. */
  unlisted: 64 * KIB,
  /** Snapshot and targets with them: by the time they are read, a signed parent vouched for every byte. */
  listed: 1024 * KIB,
} as const;

/** JSON values in a file. Bytes take no time to read, but values do, and a root needs some hundred. */
export const MOST_VALUES = {
  root: 2048,
  timestamp: 256,
  unlisted: 4096,
  listed: Number.POSITIVE_INFINITY,
} as const;

/** Repositories made by `vigie ota repo`: what the node trusts. */
export const OWN_REPOSITORY: TufPolicy = {
  schemes: 'ed25519',
  checkKeyIds: true,
  plainNames: true,
  pinned: true,
  diamonds: false,
  mostRoles: 33,
  mostDepth: 4,
  mostRoots: 256,
};

/** Any repository that keeps to the specification: what the conformance suite serves. */
export const ANY_REPOSITORY: TufPolicy = {
  ...OWN_REPOSITORY,
  schemes: 'all',
  checkKeyIds: false,
  plainNames: false,
  pinned: false,
  diamonds: true,
  mostDepth: 33,
};

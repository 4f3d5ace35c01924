/**
 * What is trusted during one update: bytes and the time go in, trusted metadata or the reason why not comes out. It
 * reads no clock, file or network, and takes each kind of metadata in its turn alone. § are of the TUF specification
 * 1.0.34; the order of the checks is the specification's.
 */

import { UpdateError } from '../../../runtime/core/errors.ts';
import type { EpochMillis } from '../../../runtime/core/units.ts';
import { mismatch, requireContent } from './hashes.ts';
import { type KnownVersions, onlineKeys } from './known-versions.ts';
import { readSnapshot, readTimestamp } from './meta-files.ts';
import type { Header, MetaFile, Root, Snapshot, Targets, Timestamp } from './metadata.ts';
import { MOST_BYTES, type TufPolicy } from './policy.ts';
import { readRoot } from './root.ts';
import { type RoleKeys, readEnvelope, requireThreshold } from './signed.ts';
import { malformed } from './strict-json.ts';
import { readTargets } from './targets.ts';

/** Who says which keys sign a role. */
export interface Delegator {
  readonly name: string;
  readonly keys: RoleKeys;
}

interface TrustedSetOptions {
  /** §5.1: fixed for the whole update. */
  readonly now: EpochMillis;
  readonly policy: TufPolicy;
  readonly known: KnownVersions;
}

/** @throws UpdateError `ota-malformed`, `ota-signature`: §5.2, a root as it came with the software or lies on disk. */
export function readTrustedRoot(bytes: Uint8Array, policy: TufPolicy): Root {
  const envelope = readEnvelope(bytes, 'root.json', 'root');
  const root = readRoot(envelope.signed, policy, 'root.json');
  // Its own signatures tell a torn file from a whole one.
  requireThreshold(envelope, root.roles.root, 'the file itself');
  return root;
}

export class TrustedSet {
  readonly #now: EpochMillis;
  readonly #policy: TufPolicy;
  #known: KnownVersions;
  #root: Root;
  #rootIsFinal = false;
  #previousTimestamp: Timestamp | undefined;
  #previousSnapshot: Snapshot | undefined;
  #timestamp: Timestamp | undefined;
  #snapshot: Snapshot | undefined;
  #targets: Targets | undefined;
  #issued: EpochMillis | undefined;
  readonly #delegators = new Map<string, string>();

  constructor(root: Root, { now, policy, known }: TrustedSetOptions) {
    this.#root = root;
    this.#now = now;
    this.#policy = policy;
    this.#known = { ...known, root: Math.max(known.root, root.version) };
  }

  get root(): Root {
    return this.#root;
  }
  get timestamp(): Timestamp {
    return this.#timestamp ?? outOfOrder('timestamp');
  }
  get snapshot(): Snapshot {
    return this.#snapshot ?? outOfOrder('snapshot');
  }
  get targets(): Targets {
    return this.#targets ?? outOfOrder('targets');
  }
  /** The latest `x-issued` of the timestamps whose signatures are good, the expired and the outdated among them. */
  get issued(): EpochMillis | undefined {
    return this.#issued;
  }
  /** For the next update. */
  get known(): KnownVersions {
    return this.#known;
  }

  /** §5.3.4 to §5.3.7. @throws UpdateError `ota-malformed`, `ota-signature`, `ota-rollback` */
  updateRoot(bytes: Uint8Array): void {
    if (this.#rootIsFinal) outOfOrder('a further root');
    const what = `${this.#root.version + 1}.root.json`;
    const envelope = readEnvelope(bytes, what, 'root');
    // §5.3.4: the keys of version N first. Those of version N+1 are anybody's until then.
    requireThreshold(envelope, this.#root.roles.root, `root version ${this.#root.version}`);
    const root = readRoot(envelope.signed, this.#policy, what);
    requireThreshold(envelope, root.roles.root, 'the file itself');
    // §5.3.5
    if (root.version !== this.#root.version + 1) throw rollback(what, `is of version ${root.version}`);
    this.#root = root;
    this.#known = { ...this.#known, root: Math.max(this.#known.root, root.version) };
  }

  /**
   * §5.3.10 and §5.3.11, when the repository has no newer root.
   * @returns whether keys of timestamp or snapshot were rotated, so that their stored copies are to be removed.
   * @throws UpdateError `ota-expired`, `ota-rollback`
   */
  finishRoot(): { readonly rotated: boolean } {
    if (this.#rootIsFinal) outOfOrder('the end of the roots');
    const { version } = this.#root;
    if (version < this.#known.root)
      throw rollback('root.json', `is of version ${version}; ${this.#known.root} was trusted before`);
    this.#requireFresh(this.#root, 'root.json');
    this.#rootIsFinal = true;
    const keys = onlineKeys(this.#root);
    const rotated = this.#known.keys !== '' && this.#known.keys !== keys;
    // Versions that an attacker with the old keys drove up bind nobody any more.
    if (rotated) this.#known = { root: this.#known.root, keys, timestamp: 0, snapshot: 0, roles: new Map() };
    else this.#known = { ...this.#known, keys };
    return { rotated };
  }

  /** The stored copy, which new ones must not fall behind. May be expired. @throws UpdateError `ota-malformed`, `ota-signature` */
  rememberTimestamp(bytes: Uint8Array): void {
    if (this.#timestamp) outOfOrder('the stored timestamp');
    this.#previousTimestamp = this.#readTimestamp(bytes);
  }

  /**
   * §5.4.2 to §5.4.4.
   * @returns `unchanged`: the stored copy has this version and stays what is trusted.
   * @throws UpdateError `ota-malformed`, `ota-signature`, `ota-rollback`, `ota-expired`
   */
  updateTimestamp(bytes: Uint8Array): 'new' | 'unchanged' {
    if (this.#timestamp) outOfOrder('a second timestamp');
    const what = 'timestamp.json';
    const timestamp = this.#readTimestamp(bytes);
    const previous = this.#previousTimestamp;
    // §5.4.3.1
    const least = Math.max(previous?.version ?? 0, this.#known.timestamp);
    if (timestamp.version < least)
      throw rollback(what, `is of version ${timestamp.version}; ${least} was trusted before`);
    // Whatever it says otherwise: equal versions are equal contents, or somebody cheats.
    const unchanged = previous?.version === timestamp.version;
    const trusted = unchanged ? previous : timestamp;
    // §5.4.3.2
    const leastSnapshot = Math.max(previous?.snapshot.version ?? 0, this.#known.snapshot);
    if (trusted.snapshot.version < leastSnapshot)
      throw rollback(what, `lists snapshot ${trusted.snapshot.version}; ${leastSnapshot} was listed before`);
    this.#requireFresh(trusted, what);
    this.#timestamp = trusted;
    this.#known = { ...this.#known, timestamp: trusted.version, snapshot: trusted.snapshot.version };
    return unchanged ? 'unchanged' : 'new';
  }

  /** As rememberTimestamp. */
  rememberSnapshot(bytes: Uint8Array): void {
    if (!this.#timestamp || this.#snapshot) outOfOrder('the stored snapshot');
    const envelope = readEnvelope(bytes, 'snapshot.json', 'listed');
    requireThreshold(envelope, this.#root.roles.snapshot, 'root.json');
    this.#previousSnapshot = readSnapshot(envelope.signed, this.#policy, 'snapshot.json');
  }

  /** §5.5.2 to §5.5.6. @throws UpdateError `ota-malformed`, `ota-signature`, `ota-mismatch`, `ota-rollback`, `ota-expired` */
  updateSnapshot(bytes: Uint8Array): void {
    if (this.#snapshot) outOfOrder('a second snapshot');
    const what = 'snapshot.json';
    const listed = this.timestamp.snapshot;
    requireContent(bytes, listed, what);
    const envelope = readEnvelope(bytes, what, kindOf(listed));
    requireThreshold(envelope, this.#root.roles.snapshot, 'root.json');
    const snapshot = readSnapshot(envelope.signed, this.#policy, what);
    requireVersion(snapshot, listed, what, 'timestamp.json');
    this.#requireNoRoleFellBack(snapshot);
    this.#requireFresh(snapshot, what);
    this.#snapshot = snapshot;
    const roles = [...snapshot.roles].map(([role, { version }]) => [role, version] as const);
    this.#known = { ...this.#known, roles: new Map(roles) };
  }

  /** §5.6.2 to §5.6.5. @throws as updateSnapshot */
  updateTargets(bytes: Uint8Array): void {
    if (this.#targets) outOfOrder('a second targets.json');
    const by = { name: 'root.json', keys: this.#root.roles.targets };
    this.#targets = this.#readTargets('targets', by, bytes);
  }

  /** The same for a delegated role (§5.6.7). @throws as updateSnapshot */
  readDelegated(role: string, by: Delegator, bytes: Uint8Array): Targets {
    if (!this.#targets) outOfOrder('a delegated role');
    return this.#readTargets(role, by, bytes);
  }

  /** @throws UpdateError `ota-malformed` where the policy knows no diamonds and another delegator was seen. */
  requireOneDelegator(role: string, delegator: string): void {
    const first = this.#delegators.get(role) ?? delegator;
    if (first !== delegator && !this.#policy.diamonds)
      throw malformed(delegator, `delegates to a role that ${first} delegates to`);
    this.#delegators.set(role, first);
  }

  /** What the snapshot says of a role. @throws UpdateError `ota-mismatch` */
  listed(role: string): MetaFile {
    const listed = this.snapshot.roles.get(role);
    if (!listed) throw mismatch(`${role}.json`, 'is not listed in snapshot.json');
    return listed;
  }

  #readTimestamp(bytes: Uint8Array): Timestamp {
    if (!this.#rootIsFinal) outOfOrder('a timestamp');
    const envelope = readEnvelope(bytes, 'timestamp.json', 'timestamp');
    requireThreshold(envelope, this.#root.roles.timestamp, 'root.json');
    const timestamp = readTimestamp(envelope.signed, this.#policy, 'timestamp.json');
    const { issued } = timestamp;
    if (issued !== undefined && issued > (this.#issued ?? Number.NEGATIVE_INFINITY)) this.#issued = issued;
    return timestamp;
  }

  #readTargets(role: string, { name, keys }: Delegator, bytes: Uint8Array): Targets {
    const what = `${role}.json`;
    const listed = this.listed(role);
    requireContent(bytes, listed, what);
    const envelope = readEnvelope(bytes, what, kindOf(listed));
    requireThreshold(envelope, keys, name);
    const targets = readTargets(envelope.signed, this.#policy, what);
    requireVersion(targets, listed, what, 'snapshot.json');
    this.#requireFresh(targets, what);
    return targets;
  }

  /** §5.5.5, against the stored snapshot and what is remembered of lost ones. */
  #requireNoRoleFellBack(snapshot: Snapshot): void {
    const before = [...(this.#previousSnapshot?.roles ?? [])].map(
      ([role, { version }]) => [role, version] as const,
    );
    for (const [role, least] of [...before, ...this.#known.roles]) {
      const version = snapshot.roles.get(role)?.version;
      if (version === undefined) throw rollback('snapshot.json', `no longer lists ${role}.json`);
      if (version < least)
        throw rollback('snapshot.json', `lists ${role}.json ${version}; ${least} was listed before`);
    }
  }

  /** §5.3.10, §5.4.4, §5.5.6, §5.6.5: to expire now is to have expired. */
  #requireFresh({ expires }: Header, what: string): void {
    if (expires > this.#now) return;
    const [then, now] = [expires, this.#now].map((at) => new Date(at).toISOString());
    throw new UpdateError('ota-expired', `${what} expired at ${then}; it is ${now}`, {
      retryable: true,
      facts: { what, expires, now: this.#now },
    });
  }
}

/** Without a hash the bytes are anybody's, whatever their length. */
function kindOf({ hashes }: MetaFile): 'listed' | 'unlisted' {
  return hashes ? 'listed' : 'unlisted';
}

/** §5.5.1, §5.6.1 */
export function mostBytesOf(file: MetaFile): number {
  return Math.min(file.length ?? MOST_BYTES.unlisted, MOST_BYTES[kindOf(file)]);
}

/** §5.5.4, §5.6.4 */
function requireVersion({ version }: Header, listed: MetaFile, what: string, by: string): void {
  if (version !== listed.version)
    throw mismatch(what, `is of version ${version}; ${by} lists ${listed.version}`);
}

function rollback(what: string, problem: string): UpdateError {
  return new UpdateError('ota-rollback', `${what} ${problem}`, { facts: { what } });
}

function outOfOrder(what: string): never {
  throw new UpdateError('ota-order', `${what} is not due at this point of an update; this is a bug in Vigie`);
}

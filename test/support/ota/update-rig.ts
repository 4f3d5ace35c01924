/** One node's update client on a disk in memory, with a repository, a hub and a host whose models behave as told. */

import { createHash } from 'node:crypto';
import type { AssignedRelease, Assignment } from '../../../ota/bundle/assignment.ts';
import { blobFacts } from '../../../ota/bundle/block-map.ts';
import type { BundleDelta, BundleFile, HealthGate, VerifiedBundle } from '../../../ota/bundle/bundle.ts';
import { BLOCK_BYTES, type BlobSink, type BlobSource } from '../../../ota/client/blob-source.ts';
import type {
  InstalledBundle,
  ModelHost,
  OutputReference,
  ServingMeasures,
} from '../../../ota/client/host.ts';
import { Updater, type UpdaterOptions } from '../../../ota/client/machine/updater.ts';
import { canonicalBytes } from '../../../ota/client/tuf/canonical-json.ts';
import type { JsonValue } from '../../../ota/client/tuf/strict-json.ts';
import { decodeReport, type NodeReport } from '../../../ota/protocol/report.ts';
import { DeliveryError, ModelError } from '../../../runtime/core/errors.ts';
import type { FileSystem } from '../../../runtime/core/file-system.ts';
import { createLog } from '../../../runtime/core/log.ts';
import { type EpochMillis, epochMillis, type Millis, millis } from '../../../runtime/core/units.ts';
import type { CrashFs } from '../crash-fs.ts';
import { NOW, signer, TufRepository } from '../tuf-repository.ts';

/** Of a process its own: the lock of a store is one for the whole machine. */
export const STORE = `/data/${process.pid}`;
export const GROUP = 'line-1';
export const NODE = 'press-7';
export const MODEL = 'score';
export const GATE: HealthGate = { windowSeconds: 10, minInferences: 5, maxErrorRate: 0.1 };

export const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export interface RigBundle {
  readonly bundle: VerifiedBundle;
  readonly bytes: Uint8Array;
  readonly digest: string;
  /** Content by hash: files, block maps, deltas. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

export interface BundleOptions {
  readonly name?: string;
  readonly files?: Readonly<Record<string, Uint8Array>>;
  readonly requires?: VerifiedBundle['requires'];
  readonly health?: Partial<HealthGate>;
  readonly attempts?: number;
  readonly deltas?: readonly { readonly path: string; readonly from: string; readonly content: Uint8Array }[];
}

/** Two blocks and a bit, other bytes for every seed. */
export function weights(seed: number, length = 2 * BLOCK_BYTES + 1000): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + seed * 7 + (i >> 8)) & 0xff;
  return bytes;
}

export function makeBundle(release: number, options: BundleOptions = {}): RigBundle {
  const { name = MODEL, files = { model: weights(release) }, requires = {}, health, attempts = 3 } = options;
  const blobs = new Map<string, Uint8Array>();
  const describe = (path: string, bytes: Uint8Array): BundleFile => {
    const { sha256, length, map } = blobFacts(bytes);
    blobs.set(sha256, bytes).set(sha(map), map);
    return { path, sha256, length, blocks: sha(map) };
  };
  const contents = { 'manifest.json': Buffer.from(`{"release":${release}}`), ...files };
  const bundle = {
    _type: 'vigie-bundle',
    v: 1,
    name,
    version: `1.0.${release}`,
    release,
    requires,
    files: Object.entries(contents).map(([path, bytes]) => describe(path, bytes)),
    deltas: (options.deltas ?? []).map(
      ({ path, from, content }): BundleDelta => ({
        ...describe(path, content),
        from,
        algorithm: 'bsub1+gzip',
      }),
    ),
    health: { ...GATE, ...health },
    trial: { attempts },
  } as const;
  const bytes = canonicalBytes(bundle as unknown as JsonValue);
  blobs.set(sha(bytes), bytes);
  return { bundle: { ...bundle, selftest: undefined }, bytes, digest: sha(bytes), blobs };
}

/** Repository and content of one fleet. */
export class RigHub implements BlobSource {
  readonly repository = new TufRepository();
  readonly blobs = new Map<string, Uint8Array>();
  fetchedBytes = 0;
  /** Before each block: throws, or changes what is sent. */
  tamper: (sink: BlobSink, index: number, bytes: Uint8Array) => Uint8Array = (_sink, _index, bytes) => bytes;
  #published = false;

  constructor() {
    this.repository.delegate('release', { paths: ['bundles/*/*'], terminating: true });
    this.repository.delegate('deploy', { paths: ['assign/*'], terminating: true });
    const time = signer('time');
    this.repository.publishRoot((root) => {
      root.keys[time.keyId] = time.json;
      root['x-time'] = { keyids: [time.keyId], threshold: 1 };
    });
  }

  add(...bundles: readonly RigBundle[]): void {
    for (const { bundle, bytes, blobs } of bundles) {
      this.repository.addTarget(`bundles/${bundle.name}/${bundle.release}.json`, bytes, 'release');
      for (const [sha256, content] of blobs) this.blobs.set(sha256, content);
    }
  }

  assign(
    releases: readonly (Partial<AssignedRelease> & { release: number })[],
    more: Partial<Assignment> = {},
  ): void {
    const assignment = {
      _type: 'vigie-assignment',
      v: 1,
      group: GROUP,
      releases: releases.map((one) => ({ name: MODEL, percent: 100, offlineOk: false, ...one })),
      blocked: [],
      ...more,
    };
    const bytes = canonicalBytes(assignment as unknown as JsonValue);
    this.blobs.set(sha(bytes), bytes);
    this.repository.addTarget(`assign/${GROUP}.json`, bytes, 'deploy');
    this.repository.publish('release', 'deploy', ...(this.#published ? [] : ['targets']));
    this.#published = true;
  }

  async fetch(sink: BlobSink, signal: AbortSignal): Promise<void> {
    const content = this.blobs.get(sink.sha256);
    if (!content) throw new DeliveryError('ota-transport', `nobody has ${sink.sha256}`, { retryable: true });
    for (let index = 0; index < sink.count; index++) {
      signal.throwIfAborted();
      if (!sink.wants(index)) continue;
      const block = content.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES);
      const outcome = await sink.write(index, this.tamper(sink, index, block));
      this.fetchedBytes += block.length;
      if (outcome === 'bad')
        throw new DeliveryError('ota-transport', 'bad whoever sends it', { retryable: true });
    }
  }
}

export interface Behaviour {
  readonly load?: 'throws' | 'hangs';
  readonly selftest?: 'throws' | 'fails-once';
  readonly measures?: Partial<ServingMeasures>;
}

const GOOD: ServingMeasures = {
  inferences: 100,
  errors: 0,
  latencyP95: 10,
  rss: 50e6,
  rate: 10,
  outputShift: 0,
  waiting: 0,
};

/** Checks, whenever something is to serve, that all of it is what was signed. */
export class RigHost implements ModelHost {
  /** By release. */
  behaviour = new Map<number, Behaviour>();
  serving: InstalledBundle | undefined;
  readonly served: number[] = [];
  /** What each of them was held against. */
  readonly references: (OutputReference | undefined)[] = [];
  /** Of what serves. */
  outputs: OutputReference = {};
  readonly violations: string[] = [];
  selftests = 0;
  idleReason: string | undefined;
  readonly #fs: Pick<CrashFs, 'peek'>;

  constructor(fs: Pick<CrashFs, 'peek'>) {
    this.#fs = fs;
  }

  choose(bundle: InstalledBundle) {
    this.#fs.peek(bundle.file('manifest.json'));
    return { artifact: 'model', backend: 'test', needs: bundle.bundle.files.map(({ path }) => path) };
  }

  async selftest(bundle: InstalledBundle): Promise<void> {
    this.selftests += 1;
    this.#requireWhole(bundle);
    const { selftest } = this.behaviour.get(bundle.release) ?? {};
    if (selftest === 'throws') throw new ModelError('selftest-failed', 'other output than the golden one');
    if (selftest === 'fails-once' && this.selftests === 1) {
      throw new ModelError('selftest-busy', 'no child could be started', { retryable: true });
    }
  }

  reference(): OutputReference {
    return this.outputs;
  }

  async serve(bundle: InstalledBundle, reference?: OutputReference): Promise<{ switchMs: number }> {
    this.#requireWhole(bundle);
    this.references.push(reference);
    const { load } = this.behaviour.get(bundle.release) ?? {};
    if (load === 'throws') throw new ModelError('model-load', `release ${bundle.release} does not load`);
    if (load === 'hangs') await new Promise(() => {});
    this.serving = bundle;
    this.idleReason = undefined;
    this.served.push(bundle.release);
    return { switchMs: 1 };
  }

  measures(): ServingMeasures | undefined {
    return this.serving && { ...GOOD, ...this.behaviour.get(this.serving.release)?.measures };
  }

  async idle(_name: string, reason: string): Promise<void> {
    this.serving = undefined;
    this.idleReason = reason;
  }

  #requireWhole(bundle: InstalledBundle): void {
    for (const { path, sha256 } of bundle.bundle.files) {
      const bytes = this.#fs.peek(bundle.file(path));
      if (!bytes || sha(bytes) !== sha256)
        this.violations.push(`${path} of release ${bundle.release} is not whole`);
    }
  }
}

export class RigClock {
  monoMs = 1000;
  wallMs: number = NOW;
  quality: 'synced' | 'unsynced' = 'synced';
  mono = (): Millis => millis(this.monoMs);
  wall = (): EpochMillis => epochMillis(this.wallMs);
  timeQuality = () => this.quality;
  stamp = () => ({ mono: this.mono(), wall: this.wall(), timeQuality: this.quality });

  pass(ms: number): void {
    this.monoMs += ms;
    this.wallMs += ms;
  }
}

export const QUIET = createLog('silent');

/** A node that is switched on. */
export class Rig {
  readonly fs: CrashFs;
  readonly hub: RigHub;
  readonly clock: RigClock;
  readonly host: RigHost;
  readonly updater: Updater;
  readonly reports: NodeReport[] = [];

  constructor(
    fs: CrashFs,
    hub: RigHub,
    more: Partial<UpdaterOptions> & { behaviour?: Map<number, Behaviour> } = {},
  ) {
    this.fs = fs;
    this.hub = hub;
    this.clock = (more.clock as RigClock | undefined) ?? new RigClock();
    this.host = new RigHost(fs);
    if (more.behaviour) this.host.behaviour = more.behaviour;
    const factoryRoot = hub.repository.served.get('1.root.json')!;
    const { behaviour: _behaviour, ...options } = more;
    this.updater = new Updater({
      node: NODE,
      group: GROUP,
      directory: STORE,
      built: epochMillis(0),
      factoryRoot,
      sources: { metadata: hub.repository, blobs: hub },
      applyDelta: async () => {
        throw new ModelError('unexpected', 'no delta was expected');
      },
      facts: () => ({ runtime: '0.5.0', board: 'generic-arm64', architecture: 'arm64', ramBytes: 1e9 }),
      publishReport: async (bytes) => {
        this.reports.push(decodeReport(bytes)!);
      },
      checkEvery: millis(3_600_000),
      tickEvery: millis(0),
      log: QUIET,
      ...options,
      host: more.host ?? this.host,
      clock: this.clock,
      fs: fs as FileSystem,
    });
  }

  get model() {
    return this.updater.status().models.find(({ name }) => name === MODEL);
  }

  /** As far as it goes by itself: looks, stages, tries, and commits or goes back. */
  async update(): Promise<void> {
    await this.updater.check();
    await this.runTrial();
  }

  /** More than a window, second by second. */
  async runTrial(seconds = 12): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      await this.updater.tick();
      this.clock.pass(1000);
    }
    await this.updater.tick();
  }
}

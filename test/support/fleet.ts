/** A signed repository, the hub that serves it, and nodes that follow it: for tests and benchmarks of updates end to end. */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AssignedRelease } from '../../ota/bundle/assignment.ts';
import type { BundleRequirements, HealthGate } from '../../ota/bundle/bundle.ts';
import { type Manifest, manifestSchema } from '../../ota/bundle/manifest.ts';
import type { VectorCase } from '../../ota/bundle/vectors.ts';
import { decodeRequest, type Request } from '../../ota/protocol/frames.ts';
import type { OtaLink } from '../../ota/protocol/link.ts';
import { connectLink, type MqttLink } from '../../ota/protocol/mqtt-link.ts';
import { OtaTopics } from '../../ota/protocol/topics.ts';
import { buildBundle } from '../../ota/publish/bundle/build.ts';
import { makeManifest } from '../../ota/publish/bundle/make-manifest.ts';
import { newSigner, type Signer } from '../../ota/publish/keys/key-file.ts';
import type { NamedKey } from '../../ota/publish/keys/key-folder.ts';
import { addBundle, draftAssignment } from '../../ota/publish/repository/add.ts';
import { signDrafts } from '../../ota/publish/repository/drafts.ts';
import type { RepositoryFolder } from '../../ota/publish/repository/folder.ts';
import { initRepository } from '../../ota/publish/repository/init.ts';
import { publish } from '../../ota/publish/repository/publish.ts';
import { ROLE_RULES, ROLES, type Role } from '../../ota/publish/repository/roles.ts';
import { Hub } from '../../ota/publish/serve/hub.ts';
import { SystemClock } from '../../runtime/core/clock.ts';
import { millis } from '../../runtime/core/units.ts';

const clock = new SystemClock(() => true);

export interface ReleaseParts {
  readonly name?: string;
  readonly release: number;
  /** An ONNX file's bytes; or `folder`. */
  readonly model?: Uint8Array;
  /** Of a manifest.json and what it names, instead of `model`. */
  readonly folder?: string;
  /** What stands in the bundle instead, under the manifest of the other. */
  readonly shipped?: Uint8Array;
  readonly threshold?: number;
  /** Golden vectors; left out: none. */
  readonly cases?: readonly VectorCase[];
  readonly health?: Partial<HealthGate>;
  readonly attempts?: number;
  readonly requires?: BundleRequirements;
  /** An earlier release of this fleet to make deltas from. */
  readonly deltaFrom?: number;
}

/** Short, so that a test does not wait. */
const GATE: HealthGate = { windowSeconds: 1, minInferences: 3, maxErrorRate: 0 };

export class Fleet {
  readonly path = mkdtempSync(join(tmpdir(), 'vigie-fleet-'));
  readonly folder: RepositoryFolder;
  readonly signers: Readonly<Record<Role, readonly Signer[]>>;
  readonly group: string;
  #link: MqttLink | undefined;
  #hub: Hub | undefined;

  constructor(group = 'default') {
    this.group = group;
    const made = (role: Role) => Array.from({ length: Math.max(1, ROLE_RULES[role].threshold) }, newSigner);
    this.signers = Object.fromEntries(ROLES.map((role) => [role, made(role)])) as never;
    const keys = Object.fromEntries(
      ROLES.map((role) => [role, this.signers[role].map(named(role))]),
    ) as unknown as Record<Role, NamedKey[]>;
    this.folder = initRepository({ path: join(this.path, 'repo'), keys, now: clock.wall() });
  }

  /** What nodes see. */
  get publicFolder(): string {
    return join(this.path, 'repo', 'public');
  }

  /** The first root.json, for nodes. */
  get rootFile(): string {
    return join(this.publicFolder, 'metadata', '1.root.json');
  }

  /** Builds and lists a release. @returns its digest. */
  async add(parts: ReleaseParts): Promise<string> {
    const {
      name = 'score',
      release,
      model,
      threshold = 100,
      cases,
      health,
      attempts = 2,
      requires = {},
      deltaFrom,
    } = parts;
    const sources = parts.folder ?? mkdtempSync(join(this.path, 'model-'));
    const made = model && (await loneManifest(sources, { name, release, threshold, model }, parts.shipped));
    const manifest =
      made ?? manifestSchema.parse(JSON.parse(readFileSync(join(sources, 'manifest.json'), 'utf8')));
    const { digest } = await buildBundle({
      manifest,
      manifestBytes: Buffer.from(JSON.stringify(manifest)),
      folder: sources,
      release,
      requires,
      health: { ...GATE, ...health },
      attempts,
      ...(cases && { selftest: { tolerance: 0.01, vectors: async () => cases } }),
      deltaFrom: deltaFrom === undefined ? [] : [this.#built(name, deltaFrom)],
      output: this.#built(name, release),
      onBytes: () => {},
      onStep: () => {},
    });
    await addBundle(this.folder, this.#built(name, release), clock.wall());
    return digest;
  }

  /** Says what the group runs, and publishes everything. */
  async assign(
    releases: readonly (Pick<AssignedRelease, 'release'> & Partial<AssignedRelease>)[],
    more: {
      readonly blocked?: readonly string[];
      readonly configuration?: { sha256: string; length: number };
    } = {},
    now = clock.wall(),
  ): Promise<void> {
    const all = releases.map((one) => ({ name: 'score', percent: 100, offlineOk: true, ...one }));
    const { blocked = [], configuration } = more;
    draftAssignment(
      this.folder,
      {
        _type: 'vigie-assignment',
        v: 1,
        group: this.group,
        releases: all,
        blocked,
        ...(configuration && { configuration }),
      },
      now,
    );
    await this.publish(now);
  }

  /** @param now when it is signed: files of a past that is too long ago have expired. */
  async publish(now = clock.wall()): Promise<void> {
    const { root, targets, release, deploy, snapshot, timestamp } = this.signers;
    const offline = [...root, ...targets, ...release, ...deploy];
    try {
      signDrafts(this.folder, offline);
    } catch {
      // Nothing was drafted: the timestamp alone is renewed.
    }
    await publish(this.folder, [...snapshot, ...timestamp, ...deploy], now);
  }

  /**
   * Serves it; again after `stopHub`.
   * @param isLost asked for each request that comes: those that it holds true never reach the hub.
   */
  async serve(
    brokerUrl: string,
    site = 'plant',
    isLost: (request: Request) => boolean = () => false,
  ): Promise<Hub> {
    const link = await connectLink(brokerUrl, { clientId: `hub-${process.pid}-${this.group}` });
    this.#link = link;
    const [timeSigner] = this.signers.time;
    const hub = new Hub({
      link: losing(link, isLost),
      topics: new OtaTopics(site),
      directory: this.publicFolder,
      clock,
      timeKey: { keyId: timeSigner!.keyId, key: timeSigner!.privateKey },
      watchEvery: millis(100),
    });
    await hub.start();
    this.#hub = hub;
    return hub;
  }

  get connected(): boolean {
    return this.#link?.connected ?? false;
  }

  async stopHub(): Promise<void> {
    this.#hub?.stop();
    await this.#link?.close();
    this.#hub = undefined;
    this.#link = undefined;
  }

  async remove(): Promise<void> {
    await this.stopHub();
    rmSync(this.path, { recursive: true, force: true });
  }

  #built(name: string, release: number): string {
    return join(this.path, `${name}-${release}`);
  }
}

async function loneManifest(
  folder: string,
  {
    name,
    release,
    threshold,
    model,
  }: { name: string; release: number; threshold: number; model: Uint8Array },
  shipped: Uint8Array | undefined,
): Promise<Manifest> {
  const path = join(folder, 'model.onnx');
  writeFileSync(path, model);
  const version = `1.0.${release}`;
  const lone = { model: path, name, version, precision: 'float32', task: 'anomaly', threshold } as const;
  const manifest = await makeManifest(lone);
  if (shipped) {
    writeFileSync(path, shipped);
    const sha256 = createHash('sha256').update(shipped).digest('hex');
    for (const artifact of manifest.artifacts) Object.assign(artifact, { sha256 });
  }
  return manifest;
}

function losing(link: MqttLink, isLost: (request: Request) => boolean): OtaLink {
  return {
    publish: (topic, payload, delivery) => link.publish(topic, payload, delivery),
    get connected() {
      return link.connected;
    },
    onReconnected: (work) => link.onReconnected(work),
    subscribe: (topic, onMessage) =>
      link.subscribe(topic, (from, payload) => {
        const request = decodeRequest(payload);
        if (!request || !isLost(request)) onMessage(from, payload);
      }),
  };
}

const named =
  (role: Role) =>
  ({ keyId, key }: Signer, index: number): NamedKey => ({ name: `${role}-${index + 1}`, keyId, key });

/**
 * A repository for tests, in a temporary folder in a fraction of a second: keys, a first publication, small bundles.
 * Everything goes the way that the commands go; only scrypt is cheap.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AssignedRelease, Assignment } from '../../ota/bundle/assignment.ts';
import type { HealthGate, VerifiedBundle } from '../../ota/bundle/bundle.ts';
import { type BuildReport, buildBundle } from '../../ota/publish/bundle/build.ts';
import { goldenVectors } from '../../ota/publish/bundle/golden.ts';
import { makeManifest } from '../../ota/publish/bundle/make-manifest.ts';
import { newSigner, type Signer, sealKey } from '../../ota/publish/keys/key-file.ts';
import { addBundle, assignmentOf, draftAssignment } from '../../ota/publish/repository/add.ts';
import { signDrafts } from '../../ota/publish/repository/drafts.ts';
import type { RepositoryFolder } from '../../ota/publish/repository/folder.ts';
import { initRepository } from '../../ota/publish/repository/init.ts';
import { type Publication, publish } from '../../ota/publish/repository/publish.ts';
import { type MetadataRole, ROLE_RULES, ROLES, type Role } from '../../ota/publish/repository/roles.ts';
import { type EpochMillis, epochMillis } from '../../runtime/core/units.ts';
import { constant, info, node, onnxModel } from './onnx-writer.ts';

/** What the key files of `writeKeys` are sealed with. */
export const PASSPHRASE = 'correct horse battery';
/** A millisecond a key, and no protection at all. */
const CHEAP_SCRYPT = 1024;

export type TestKeys = Readonly<Record<Role, readonly Signer[]>>;

/** Keys of every role, as many as the rules say. */
export function testKeys(): TestKeys {
  const of = (role: Role) => Array.from({ length: ROLE_RULES[role].keys }, () => newSigner());
  return Object.fromEntries(ROLES.map((role) => [role, of(role)])) as unknown as TestKeys;
}

/** Key files as `vigie ota key gen --all` names them: root-1.key, …, time.key, and their .pub. */
export async function writeKeys(directory: string, keys: TestKeys): Promise<void> {
  mkdirSync(directory, { recursive: true });
  for (const role of ROLES) {
    for (const [at, signer] of keys[role].entries()) {
      const stem = join(directory, keys[role].length > 1 ? `${role}-${at + 1}` : role);
      const file = await sealKey(signer, PASSPHRASE, CHEAP_SCRYPT);
      writeFileSync(`${stem}.key`, JSON.stringify(file), { mode: 0o600 });
      writeFileSync(`${stem}.pub`, JSON.stringify({ keyid: signer.keyId, ...signer.key }));
    }
  }
}

/** score = |x0 + x1 + x2 + x3| + `offset`, with x: float32 [1, 4]; `size` bytes of weights that do nothing, as padding. */
export function scoreModel(offset: number, size = 0): Uint8Array {
  const weights = new Float32Array(Math.ceil(size / 4));
  for (let at = 0; at < weights.length; at++) weights[at] = Math.sin(at) * (1 + offset);
  const padding = weights.length > 0;
  return onnxModel({
    inputs: [info('x', 'float32', [1, 4])],
    outputs: [info('score', 'float32', [1, 1])],
    nodes: [
      node('MatMul', ['x', 'ones'], ['sum']),
      node('Abs', ['sum'], ['size']),
      node('Add', ['size', 'offset'], [padding ? 'plain' : 'score']),
      ...(padding
        ? [
            node('ReduceMax', ['weights'], ['most'], { keepdims: 0 }),
            node('Mul', ['most', 'zero'], ['nothing']),
            node('Add', ['plain', 'nothing'], ['score']),
          ]
        : []),
    ],
    initializers: [
      constant('ones', 'float32', [4, 1], [1, 1, 1, 1]),
      constant('offset', 'float32', [1], [offset]),
      ...(padding
        ? [constant('weights', 'float32', [weights.length], weights), constant('zero', 'float32', [1], [0])]
        : []),
    ],
  });
}

export interface TestBundle {
  readonly name?: string;
  readonly release?: number;
  /** Default: scoreModel(release). */
  readonly onnx?: Uint8Array;
  readonly requires?: VerifiedBundle['requires'];
  readonly health?: Partial<HealthGate>;
  readonly attempts?: number;
  readonly tolerance?: number;
  readonly deltaFrom?: readonly string[];
}

export const TEST_HEALTH: HealthGate = { windowSeconds: 1, minInferences: 5, maxErrorRate: 0.01 };

/** Builds a bundle into `directory`, golden vectors and all. */
export async function buildTestBundle(directory: string, options: TestBundle = {}): Promise<BuildReport> {
  const { name = 'score', release = 1, tolerance = 0.01 } = options;
  const folder = `${directory}.source`;
  mkdirSync(folder, { recursive: true });
  const model = join(folder, 'model.onnx');
  writeFileSync(model, options.onnx ?? scoreModel(release));
  const manifest = await makeManifest({
    ...{ model, name, version: `1.0.${release}`, task: 'anomaly', threshold: 3, precision: 'float32' },
  });
  return buildBundle({
    ...{ manifest, folder, release, output: directory, requires: options.requires ?? {} },
    manifestBytes: Buffer.from(JSON.stringify(manifest)),
    health: { ...TEST_HEALTH, ...options.health },
    attempts: options.attempts ?? 3,
    selftest: {
      tolerance,
      vectors: (artifact) =>
        goldenVectors({ manifest, artifact, samples: 2, tolerance, onSkipped: () => undefined }),
    },
    deltaFrom: options.deltaFrom ?? [],
    onBytes: () => undefined,
    onStep: () => undefined,
  });
}

export interface TestRepositoryOptions {
  /** What signatures say the time is; default: the start of 2030. */
  readonly now?: EpochMillis;
  readonly expires?: Readonly<Partial<Record<MetadataRole, number>>>;
}

/** Published once, with nothing in it. Call `remove` at the end. */
export class TestRepository {
  /** Of everything; bundles are built in it. */
  readonly directory: string;
  readonly keys: TestKeys;
  readonly folder: RepositoryFolder;
  now: EpochMillis;

  private constructor(directory: string, keys: TestKeys, folder: RepositoryFolder, now: EpochMillis) {
    this.directory = directory;
    this.keys = keys;
    this.folder = folder;
    this.now = now;
  }

  static async make(options: TestRepositoryOptions = {}): Promise<TestRepository> {
    const { now = epochMillis(Date.UTC(2030, 0, 1)), expires } = options;
    const directory = mkdtempSync(join(tmpdir(), 'vigie-ota-'));
    const keys = testKeys();
    const named = Object.fromEntries(
      ROLES.map((role) => [role, keys[role].map(({ keyId, key }) => ({ name: role, keyId, key }))]),
    ) as unknown as Parameters<typeof initRepository>[0]['keys'];
    const path = join(directory, 'repository');
    const folder = initRepository({ path, keys: named, now, ...(expires && { expires }) });
    const made = new TestRepository(directory, keys, folder, now);
    await made.publish();
    return made;
  }

  /** What a hub serves and a stick carries. */
  get public(): string {
    return this.folder.public;
  }
  /** What nodes are set up with. */
  get factoryRoot(): Uint8Array {
    return readFileSync(join(this.folder.metadata, '1.root.json'));
  }
  get allSigners(): readonly Signer[] {
    return Object.values(this.keys).flat();
  }
  /** All that is signed at a publication without anybody being asked. */
  get onlineSigners(): readonly Signer[] {
    return [...this.keys.deploy, ...this.keys.snapshot, ...this.keys.timestamp];
  }

  /** Signs all drafts with all keys, and publishes. */
  async publish(): Promise<Publication> {
    const drafts = (['root', 'targets', 'release', 'deploy'] as const).filter((role) =>
      this.folder.draft(role),
    );
    if (drafts.length > 0) signDrafts(this.folder, this.allSigners);
    return publish(this.folder, this.onlineSigners, this.now);
  }

  /** Builds and lists a bundle, without publishing it. */
  async add(options: TestBundle = {}): Promise<BuildReport> {
    const { name = 'score', release = 1 } = options;
    const built = await buildTestBundle(join(this.directory, `${name}-${release}`), options);
    await addBundle(this.folder, built.directory, this.now);
    return built;
  }

  /** Changes what a group is to run, without publishing it. */
  assign(group: string, releases: readonly Partial<AssignedRelease>[], more: Partial<Assignment> = {}): void {
    const whole = releases.map((one) => ({
      name: 'score',
      release: 1,
      percent: 100,
      offlineOk: false,
      ...one,
    }));
    draftAssignment(this.folder, { ...assignmentOf(this.folder, group), releases: whole, ...more }, this.now);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

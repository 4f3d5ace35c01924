/**
 * A repository on the publisher's disk:
 *
 *   repository.json   settings: for how long files of each role hold
 *   drafts/ROLE.json  the next version of a role, with the signatures that it has so far
 *   public/           what nodes may see (ota/protocol/public-tree.ts): what a hub serves and a stick carries
 *   rollouts/ fleet.json   state of rollouts, and what was learnt of nodes
 *
 * No private key is ever in it.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonFile, writeFileAtomic } from '../../../runtime/core/atomic-file.ts';
import { InputError, StorageError } from '../../../runtime/core/errors.ts';
import { BLOBS_FOLDER, METADATA_FOLDER } from '../../protocol/public-tree.ts';
import {
  type Envelope,
  envelopeBytes,
  parseEnvelope,
  type RootJson,
  roleKeys,
  type SnapshotJson,
  type TargetsJson,
  type TimestampJson,
} from './metadata.ts';
import { type MetadataRole, ROLE_RULES } from './roles.ts';

export interface RepositorySettings {
  readonly v: 1;
  /** Days, by role. */
  readonly expires: Readonly<Partial<Record<MetadataRole, number>>>;
}

/** The files that nodes see now; undefined before the first publication. */
export interface Published {
  readonly root?: Envelope<RootJson>;
  readonly targets?: Envelope<TargetsJson>;
  readonly release?: Envelope<TargetsJson>;
  readonly deploy?: Envelope<TargetsJson>;
  readonly snapshot?: Envelope<SnapshotJson>;
  readonly timestamp?: Envelope<TimestampJson>;
}

const PUBLIC_MODE = 0o644;
const SETTINGS = 'repository.json';

export class RepositoryFolder {
  readonly path: string;
  readonly settings: RepositorySettings;

  private constructor(path: string, settings: RepositorySettings) {
    this.path = path;
    this.settings = settings;
  }

  /** @throws InputError `ota-repository-exists` */
  static create(path: string, settings: RepositorySettings): RepositoryFolder {
    if (existsSync(join(path, SETTINGS)))
      throw new InputError('ota-repository-exists', `${path} already is a repository`, { facts: { path } });
    const folder = new RepositoryFolder(path, settings);
    const { drafts, metadata, blobs, rollouts } = folder;
    for (const one of [drafts, metadata, blobs, rollouts]) mkdirSync(one, { recursive: true });
    writeFileAtomic(join(path, SETTINGS), `${JSON.stringify(settings, undefined, 2)}\n`, PUBLIC_MODE);
    return folder;
  }

  /** @throws InputError `ota-repository-missing`, `ota-repository-invalid` */
  static open(path: string): RepositoryFolder {
    const settings = readJsonFile(join(path, SETTINGS)) as RepositorySettings | undefined;
    if (settings === undefined) {
      const text = `${path} is no repository: make one with 'vigie ota repo init ${path}'`;
      throw new InputError('ota-repository-missing', text, { facts: { path } });
    }
    if (settings?.v !== 1 || typeof settings.expires !== 'object')
      throw new InputError(
        'ota-repository-invalid',
        `${join(path, SETTINGS)} is not of this version of vigie`,
      );
    return new RepositoryFolder(path, settings);
  }

  get drafts(): string {
    return join(this.path, 'drafts');
  }
  /** What nodes may see. */
  get public(): string {
    return join(this.path, 'public');
  }
  get metadata(): string {
    return join(this.public, METADATA_FOLDER);
  }
  get blobs(): string {
    return join(this.public, BLOBS_FOLDER);
  }
  get rollouts(): string {
    return join(this.path, 'rollouts');
  }
  get fleetFile(): string {
    return join(this.path, 'fleet.json');
  }

  /** Days that files of a role hold. */
  days(role: MetadataRole): number {
    return this.settings.expires[role] ?? ROLE_RULES[role].days;
  }

  blobPath(sha256: string): string {
    return join(this.blobs, sha256);
  }

  draft(role: MetadataRole): Envelope | undefined {
    return this.#read(join(this.drafts, `${role}.json`));
  }

  writeDraft(role: MetadataRole, envelope: Envelope): void {
    writeFileAtomic(join(this.drafts, `${role}.json`), envelopeBytes(envelope), PUBLIC_MODE);
  }

  removeDraft(role: MetadataRole): void {
    rmSync(join(this.drafts, `${role}.json`), { force: true });
  }

  published(): Published {
    const root = this.#read(join(this.metadata, `${this.#newestRoot()}.root.json`));
    const timestamp = this.#read(join(this.metadata, 'timestamp.json')) as
      | Envelope<TimestampJson>
      | undefined;
    const snapshot = this.#listed(timestamp, 'snapshot') as Envelope<SnapshotJson> | undefined;
    const entries = (['targets', 'release', 'deploy'] as const).map((role) => [
      role,
      this.#listed(snapshot, role),
    ]);
    return { root, timestamp, snapshot, ...Object.fromEntries(entries) } as Published;
  }

  /** The first root: what nodes are set up with. @throws StorageError `ota-repository-read` */
  factoryRoot(): Uint8Array {
    const path = join(this.metadata, '1.root.json');
    try {
      return readFileSync(path);
    } catch (cause) {
      throw new StorageError('ota-repository-read', `cannot read ${path}: publish first`, { cause });
    }
  }

  /**
   * One change at a time, by this process and others. A lock whose process is gone is taken over.
   * @throws StorageError `ota-repository-busy` (retryable)
   */
  async locked<T>(work: () => Promise<T>): Promise<T> {
    const lock = join(this.path, 'lock');
    if (!tryLock(lock) && (isHeld(lock) || !tryLock(lock, 'w'))) {
      const text = `another vigie is changing ${this.path} (see ${lock})`;
      throw new StorageError('ota-repository-busy', text, { retryable: true, facts: { lock } });
    }
    try {
      return await work();
    } finally {
      rmSync(lock, { force: true });
    }
  }

  #listed(by: Envelope<SnapshotJson | TimestampJson> | undefined, role: string): Envelope | undefined {
    const version = by?.signed.meta[`${role}.json`]?.version;
    return version === undefined ? undefined : this.#read(join(this.metadata, `${version}.${role}.json`));
  }

  #newestRoot(): number {
    const versions = readdirSync(this.metadata).map((name) =>
      Number(/^(\d+)\.root\.json$/.exec(name)?.[1] ?? 0),
    );
    return Math.max(0, ...versions);
  }

  #read(path: string): Envelope | undefined {
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(path);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new StorageError('ota-repository-read', `cannot read ${path}`, { cause, facts: { path } });
    }
    return parseEnvelope(bytes, path);
  }
}

function tryLock(path: string, flag: 'wx' | 'w' = 'wx'): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new StorageError('state-write', `cannot write ${path}`, { cause, facts: { path } });
  }
}

function isHeld(path: string): boolean {
  try {
    const holder = Number(readFileSync(path, 'utf8'));
    // A lock without a number is of a process that was killed between making and writing it.
    return Number.isSafeInteger(holder) && holder > 0 && process.kill(holder, 0);
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The root and targets that say whose signatures a draft needs: drafts where there are some, else what is published. */
export function authorities(folder: RepositoryFolder, published = folder.published()) {
  const root = (folder.draft('root')?.signed ?? published.root?.signed) as RootJson | undefined;
  const targets = (folder.draft('targets')?.signed ?? published.targets?.signed) as TargetsJson | undefined;
  return { root, targets, of: (role: MetadataRole) => roleKeys(role, root, targets) };
}

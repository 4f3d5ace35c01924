/** Checks a public tree the way a node does, with the node's own client; and, unlike a node, all of it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, UpdateError } from '../../../runtime/core/errors.ts';
import type { EpochMillis } from '../../../runtime/core/units.ts';
import type { VerifiedBundle } from '../../bundle/bundle.ts';
import { MOST_ASSIGNMENT_BYTES, MOST_BUNDLE_BYTES } from '../../bundle/bundle-limits.ts';
import { readAssignment } from '../../bundle/read-assignment.ts';
import { readBundle } from '../../bundle/read-bundle.ts';
import { TufClient } from '../../client/tuf/client.ts';
import type { MetadataSource, TrustedTarget, TrustStore } from '../../client/tuf/parts.ts';
import { MOST_BYTES } from '../../client/tuf/policy.ts';
import type { TrustedRepository } from '../../client/tuf/trusted-repository.ts';
import { METADATA_FOLDER, PublicTree } from '../../protocol/public-tree.ts';
import { BlobReader, mismatch, type OnBytes } from '../blobs.ts';
import type { RepositoryFolder } from './folder.ts';
import { parseEnvelope, type TargetsJson } from './metadata.ts';
import { DELEGATED_PATHS } from './roles.ts';

/** A local disk answers, or it is broken. */
const PATIENCE_MS = 60_000;

/**
 * What nodes would trust if `files` were public as well, by name.
 * @throws UpdateError, as a node's refresh would end.
 */
export async function verifyMetadata(
  folder: RepositoryFolder,
  files: ReadonlyMap<string, Uint8Array>,
  now: EpochMillis,
): Promise<TrustedRepository> {
  const source = sourceOf(new PublicTree(folder.public), files);
  const factoryRoot = files.get('1.root.json') ?? folder.factoryRoot();
  const repository = await refresh(source, factoryRoot, now);
  await listedTargets(repository, source);
  return repository;
}

export interface TreeReport {
  /** Versions by role. */
  readonly versions: Readonly<Record<string, number>>;
  readonly bundles: readonly VerifiedBundle[];
  readonly groups: readonly string[];
  /** Blobs that something signed names. */
  readonly blobs: number;
  readonly bytes: number;
}

export interface TreeOptions {
  /** The public tree: it holds `metadata` and `blobs`. */
  readonly directory: string;
  /** The root to begin with; default: the tree's own first one, which then vouches for itself. */
  readonly root?: Uint8Array;
  readonly now: EpochMillis;
  /** Bytes hashed since the last call. */
  readonly onBytes?: OnBytes;
}

/**
 * Follows everything that is signed down to the last byte.
 * @throws UpdateError with a node's own codes, `ota-mismatch` for a blob that is missing or other than signed.
 */
export async function verifyTree({ directory, root, now, onBytes }: TreeOptions): Promise<TreeReport> {
  const tree = new PublicTree(directory);
  const source = sourceOf(tree, new Map());
  const repository = await refresh(source, root ?? firstRoot(directory), now);
  const blobs = new BlobReader(tree, onBytes);
  const bundles: VerifiedBundle[] = [];
  const groups: string[] = [];
  for (const target of await listedTargets(repository, source)) {
    const [kind, name, file] = target.path.split('/');
    if (kind === 'bundles') {
      const bundle = readBundle(await blobs.small(target, MOST_BUNDLE_BYTES));
      if (bundle.name !== name || `${bundle.release}.json` !== file)
        throw mismatch(target.path, `holds ${bundle.name} ${bundle.release}`);
      for (const one of [...bundle.files, ...bundle.deltas]) await blobs.checkMapped(one);
      bundles.push(bundle);
    } else {
      const group = name!.replace(/\.json$/, '');
      const { configuration } = readAssignment(await blobs.small(target, MOST_ASSIGNMENT_BYTES), group);
      if (configuration) await blobs.check(configuration);
      groups.push(group);
    }
  }
  return { versions: repository.versions, bundles, groups, blobs: blobs.seen.length, bytes: blobs.bytes };
}

async function refresh(
  source: MetadataSource,
  factoryRoot: Uint8Array,
  now: EpochMillis,
): Promise<TrustedRepository> {
  const client = new TufClient({ source, store: memoryStore(), factoryRoot });
  return client.refresh(now, AbortSignal.timeout(PATIENCE_MS));
}

/** All targets of the delegated roles, each as the client finds it: what no delegation covers is an error here. */
async function listedTargets(
  repository: TrustedRepository,
  source: MetadataSource,
): Promise<TrustedTarget[]> {
  const targets: TrustedTarget[] = [];
  for (const role of Object.keys(DELEGATED_PATHS)) {
    // First: only when the client is asked for a target does it check the role's own file.
    await repository.target(DELEGATED_PATHS[role as 'deploy'].replaceAll('*', 'none'));
    const name = `${repository.versions[role]}.${role}.json`;
    const bytes = await source.metadata(name, MOST_BYTES.listed, AbortSignal.timeout(PATIENCE_MS));
    if (!bytes) throw new UpdateError('ota-missing', `the repository has no ${name}`, { facts: { name } });
    const { signed } = parseEnvelope(bytes, name);
    const paths = Object.entries((signed as TargetsJson).targets);
    for (const [path, { hashes }] of paths) {
      const target = await repository.target(path);
      if (target?.sha256 !== hashes.sha256)
        throw mismatch(path, `is listed by ${role}, which may not speak for it`);
      targets.push(target);
    }
  }
  return targets;
}

function firstRoot(directory: string): Uint8Array {
  const path = join(directory, METADATA_FOLDER, '1.root.json');
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new InputError('ota-repository-missing', `${directory} is no public tree of a repository`, {
      cause,
    });
  }
}

function sourceOf(tree: PublicTree, over: ReadonlyMap<string, Uint8Array>): MetadataSource {
  return {
    async metadata(path, mostBytes) {
      const given = over.get(path);
      if (given) return given;
      const file = await tree.metadata(path);
      if (!file) return undefined;
      try {
        const bytes = new Uint8Array(Math.min(file.length, mostBytes + 1));
        await file.read(bytes, 0);
        if (bytes.length > mostBytes) throw mismatch(path, `has more than ${mostBytes} bytes`);
        return bytes;
      } finally {
        await file.close();
      }
    },
  };
}

function memoryStore(): TrustStore {
  const files = new Map<string, Uint8Array>();
  return {
    read: (name) => files.get(name),
    write: (name, bytes) => void files.set(name, bytes),
    remove: (name) => void files.delete(name),
  };
}

/** Brings content into a repository: built bundles, and what groups of nodes are to run. */

import { constants, copyFileSync, existsSync, readFileSync, renameSync } from 'node:fs';
import { writeFileAtomic } from '../../../runtime/core/atomic-file.ts';
import { InputError, UpdateError } from '../../../runtime/core/errors.ts';
import type { EpochMillis } from '../../../runtime/core/units.ts';
import type { Assignment } from '../../bundle/assignment.ts';
import type { VerifiedBundle } from '../../bundle/bundle.ts';
import { assignmentTarget, bundleTarget } from '../../bundle/bundle-limits.ts';
import { readAssignment } from '../../bundle/read-assignment.ts';
import { bundleDigest } from '../../bundle/read-bundle.ts';
import { canonicalBytes } from '../../client/tuf/canonical-json.ts';
import { PUBLIC_MODE } from '../blobs.ts';
import { verifyBuilt } from '../bundle/built.ts';
import { redraft } from './drafts.ts';
import type { RepositoryFolder } from './folder.ts';
import { fileFacts, type TargetsJson } from './metadata.ts';

export interface AddedBundle {
  readonly bundle: VerifiedBundle;
  readonly digest: string;
  /** Of the draft of release. */
  readonly version: number;
  /** False when exactly this bundle was listed before: nothing changed. */
  readonly added: boolean;
}

/**
 * Copies a built bundle's blobs and lists it in the draft of release.
 * @param directory as `vigie ota bundle build` wrote it.
 * @throws what verifyBuilt throws; UpdateError `ota-rollback`: the release number is taken, or not above all others
 *   of its name.
 */
export async function addBundle(
  folder: RepositoryFolder,
  directory: string,
  now: EpochMillis,
  onBytes?: (bytes: number) => void,
): Promise<AddedBundle> {
  const { bundle, bytes, blobs, blob } = await verifyBuilt(directory, onBytes);
  const digest = bundleDigest(bytes);
  const path = bundleTarget(bundle.name, bundle.release);
  const listed = currentTargets(folder, 'release');
  const version = (folder.published().release?.signed.version ?? 0) + 1;
  if (listed[path]?.hashes.sha256 === digest) return { bundle, digest, version, added: false };
  refuseOld(bundle, bundlesOf(folder));
  for (const sha256 of blobs) copyBlob(blob(sha256), folder.blobPath(sha256));
  writeBlob(folder, bytes);
  const { version: drafted } = redraft<TargetsJson>(folder, 'release', now, (signed) => ({
    ...signed,
    targets: { ...signed.targets, [path]: fileFacts(bytes) },
  }));
  return { bundle, digest, version: drafted, added: true };
}

/** Nodes never take a lower release than they had; a rollback of the fleet is a new, higher one with the old content. */
function refuseOld({ name, release }: VerifiedBundle, listed: readonly ListedBundle[]): void {
  const releases = listed.flatMap((one) => (one.name === name ? [one.release] : []));
  const highest = Math.max(0, ...releases);
  if (release > highest) return;
  const text = `${name} has release ${highest} already, so that ${release} would reach no node: build it as ${highest + 1}`;
  throw new UpdateError('ota-rollback', text, { facts: { name, release, highest } });
}

/**
 * Drafts what a group is to run; the caller signs and publishes.
 * @throws UpdateError `ota-missing` for a release that is not listed; as readAssignment.
 */
export function draftAssignment(folder: RepositoryFolder, assignment: Assignment, now: EpochMillis): number {
  const bytes = canonicalBytes(assignment as unknown as Parameters<typeof canonicalBytes>[0]);
  // What a node would refuse is refused here.
  readAssignment(bytes, assignment.group);
  const bundles = currentTargets(folder, 'release');
  for (const { name, release } of assignment.releases) {
    if (bundles[bundleTarget(name, release)]) continue;
    const known = Object.keys(bundles).join(', ') || 'none';
    const text = `there is no ${name} ${release} in the repository; there are: ${known}`;
    throw new UpdateError('ota-missing', text, { facts: { name, release } });
  }
  writeBlob(folder, bytes);
  const path = assignmentTarget(assignment.group);
  return redraft<TargetsJson>(folder, 'deploy', now, (signed) => ({
    ...signed,
    targets: { ...signed.targets, [path]: fileFacts(bytes) },
  })).version;
}

/** What a group is to run now, drafts included; one that was never assigned anything runs nothing. */
export function assignmentOf(folder: RepositoryFolder, group: string): Assignment {
  const listed = currentTargets(folder, 'deploy')[assignmentTarget(group)];
  if (!listed) return { _type: 'vigie-assignment', v: 1, group, releases: [], blocked: [] };
  return readAssignment(readBlob(folder, listed.hashes.sha256), group);
}

/** Groups that were ever assigned something, by name. */
export function groupsOf(folder: RepositoryFolder): string[] {
  const paths = Object.keys(currentTargets(folder, 'deploy'));
  return paths.map((path) => path.replace(/^assign\/|\.json$/g, '')).sort();
}

export interface ListedBundle {
  readonly name: string;
  readonly release: number;
  readonly digest: string;
}

/** All bundles that are listed, drafts included; by name, the newest first. */
export function bundlesOf(folder: RepositoryFolder): ListedBundle[] {
  const listed = Object.entries(currentTargets(folder, 'release')).map(([path, { hashes }]) => {
    const [, name = '', file = ''] = path.split('/');
    return { name, release: Number.parseInt(file, 10), digest: hashes.sha256 };
  });
  return listed.sort((one, other) =>
    one.name === other.name ? other.release - one.release : one.name < other.name ? -1 : 1,
  );
}

/** The SHA-256 of a release's bundle.json. @throws UpdateError `ota-missing` */
export function digestOf(folder: RepositoryFolder, name: string, release: number): string {
  const listed = currentTargets(folder, 'release')[bundleTarget(name, release)];
  if (listed) return listed.hashes.sha256;
  throw new UpdateError('ota-missing', `there is no ${name} ${release} in ${folder.path}`, {
    facts: { name, release },
  });
}

/** @throws InputError `ota-blob-missing` */
function readBlob(folder: RepositoryFolder, sha256: string): Uint8Array {
  const path = folder.blobPath(sha256);
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new InputError('ota-blob-missing', `cannot read ${path}`, { cause, facts: { path } });
  }
}

export function writeBlob(folder: RepositoryFolder, bytes: Uint8Array): string {
  const { hashes } = fileFacts(bytes);
  writeFileAtomic(folder.blobPath(hashes.sha256), bytes, PUBLIC_MODE);
  return hashes.sha256;
}

function currentTargets(folder: RepositoryFolder, role: 'release' | 'deploy'): TargetsJson['targets'] {
  const signed = folder.draft(role)?.signed ?? folder.published()[role]?.signed;
  return (signed as TargetsJson | undefined)?.targets ?? {};
}

function copyBlob(from: string, to: string): void {
  // By its hash: what is there is the same.
  if (existsSync(to)) return;
  copyFileSync(from, `${to}.new`, constants.COPYFILE_FICLONE);
  renameSync(`${to}.new`, to);
}

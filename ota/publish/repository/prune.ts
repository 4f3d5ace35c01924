/** Takes releases out of a repository, and removes from its public folder what nothing signed names any more. */

import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UpdateError } from '../../../runtime/core/errors.ts';
import type { EpochMillis } from '../../../runtime/core/units.ts';
import { bundleTarget, MOST_BUNDLE_BYTES } from '../../bundle/bundle-limits.ts';
import { readAssignment } from '../../bundle/read-assignment.ts';
import { readBundle } from '../../bundle/read-bundle.ts';
import { BLOB_NAME, PublicTree } from '../../protocol/public-tree.ts';
import { BlobReader } from '../blobs.ts';
import { isOpen } from '../rollout/drive.ts';
import { listRollouts } from '../rollout/rollout.ts';
import { assignmentOf, bundlesOf, groupsOf, type ListedBundle } from './add.ts';
import { redraft } from './drafts.ts';
import type { RepositoryFolder } from './folder.ts';
import type { TargetsJson } from './metadata.ts';

/** What a release is still needed for, by `NAME/RELEASE`. */
export function neededReleases(folder: RepositoryFolder): Map<string, string> {
  const needed = new Map<string, string>();
  for (const group of groupsOf(folder))
    for (const { name, release } of assignmentOf(folder, group).releases)
      needed.set(`${name}/${release}`, `it is assigned to the group ${group}`);
  for (const one of listRollouts(folder).filter(isOpen))
    needed.set(`${one.name}/${one.release}`, `its rollout ${one.id} is ${one.state}`);
  // Its number would be given to other content, which nodes that have it would refuse.
  for (const [name, { release }] of newestOf(folder))
    needed.set(`${name}/${release}`, needed.get(`${name}/${release}`) ?? 'it is the newest of its name');
  return needed;
}

/** All but the newest `keep` of each name, and what is needed. */
export function oldReleases(folder: RepositoryFolder, keep: number): ListedBundle[] {
  const needed = neededReleases(folder);
  const seen = new Map<string, number>();
  return bundlesOf(folder).filter(({ name, release }) => {
    const rank = (seen.get(name) ?? 0) + 1;
    seen.set(name, rank);
    return rank > keep && !needed.has(`${name}/${release}`);
  });
}

/**
 * Drops releases from the draft of release; nodes see it once that is signed and published.
 * @returns the version of the draft. @throws UpdateError `ota-missing`, `ota-release-needed`
 */
export function removeReleases(
  folder: RepositoryFolder,
  releases: readonly Pick<ListedBundle, 'name' | 'release'>[],
  now: EpochMillis,
): number {
  const listed = new Set(bundlesOf(folder).map(({ name, release }) => `${name}/${release}`));
  const needed = neededReleases(folder);
  for (const { name, release } of releases) {
    const id = `${name}/${release}`;
    if (!listed.has(id)) {
      const text = `there is no ${name} ${release} in ${folder.path}`;
      throw new UpdateError('ota-missing', text, { facts: { name, release } });
    }
    const why = needed.get(id);
    if (why !== undefined)
      throw new UpdateError('ota-release-needed', `${id} stays: ${why}`, { facts: { name, release } });
  }
  const paths = new Set(releases.map(({ name, release }) => bundleTarget(name, release)));
  return redraft<TargetsJson>(folder, 'release', now, (signed) => ({
    ...signed,
    targets: Object.fromEntries(Object.entries(signed.targets).filter(([path]) => !paths.has(path))),
  })).version;
}

export interface Swept {
  readonly blobs: number;
  readonly bytes: number;
}

/**
 * Removes blobs that neither what is public nor a draft leads to.
 * @throws UpdateError `ota-mismatch`: something that is listed is damaged; then nothing was removed.
 */
export async function sweepBlobs(folder: RepositoryFolder, dryRun: boolean): Promise<Swept> {
  const kept = await reachable(folder);
  let [blobs, bytes] = [0, 0];
  for (const name of readdirSync(folder.blobs)) {
    if (!BLOB_NAME.test(name) || kept.has(name)) continue;
    const path = join(folder.blobs, name);
    blobs += 1;
    bytes += statSync(path).size;
    if (!dryRun) rmSync(path);
  }
  return { blobs, bytes };
}

async function reachable(folder: RepositoryFolder): Promise<ReadonlySet<string>> {
  const reader = new BlobReader(new PublicTree(folder.public));
  const { release, deploy } = folder.published();
  const kept = new Set<string>();
  for (const envelope of [release, folder.draft('release'), deploy, folder.draft('deploy')]) {
    const targets = (envelope?.signed as TargetsJson | undefined)?.targets ?? {};
    for (const [path, { length, hashes }] of Object.entries(targets)) {
      const { sha256 } = hashes;
      if (kept.has(sha256)) continue;
      kept.add(sha256);
      const content = await reader.small({ sha256, length }, MOST_BUNDLE_BYTES);
      for (const blob of blobsIn(path, content)) kept.add(blob);
    }
  }
  return kept;
}

/** What a bundle or an assignment leads to. */
function blobsIn(path: string, content: Uint8Array): string[] {
  if (path.startsWith('bundles/')) {
    const { files, deltas } = readBundle(content);
    return [...files, ...deltas].flatMap(({ sha256, blocks }) => [sha256, blocks]);
  }
  const { configuration } = readAssignment(content, path.replace(/^assign\/|\.json$/g, ''));
  return configuration ? [configuration.sha256] : [];
}

function newestOf(folder: RepositoryFolder): Map<string, ListedBundle> {
  const newest = new Map<string, ListedBundle>();
  // The newest of a name comes first.
  for (const one of bundlesOf(folder)) if (!newest.has(one.name)) newest.set(one.name, one);
  return newest;
}

/** Old releases leave the repository: never one that somebody runs, and no file before its release is gone for all. */

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundlesOf } from '../../../ota/publish/repository/add.ts';
import {
  neededReleases,
  oldReleases,
  removeReleases,
  sweepBlobs,
} from '../../../ota/publish/repository/prune.ts';
import { verifyTree } from '../../../ota/publish/repository/verify.ts';
import { startRollout } from '../../../ota/publish/rollout/drive.ts';
import { DEFAULT_RULES } from '../../../ota/publish/rollout/rollout.ts';
import { epochMillis } from '../../../runtime/core/units.ts';
import { vigieHere } from '../../support/cli.ts';
import { TestRepository } from '../../support/ota-repository.ts';
import { thrown } from '../../support/thrown.ts';

const repositories: TestRepository[] = [];
test.after(() => {
  for (const one of repositories) one.remove();
});

/** Five releases, of which the groups run 2 and 5. */
async function five(): Promise<TestRepository> {
  // The commands know no other time than now.
  const repository = await TestRepository.make({ now: epochMillis(Date.now()) });
  repositories.push(repository);
  for (let release = 1; release <= 5; release++) await repository.add({ release });
  repository.assign('default', [{ release: 5 }]);
  repository.assign('old-boards', [{ release: 2 }]);
  await repository.publish();
  return repository;
}

/** Of the tests that publish nothing; the last of them damages it. */
let shared: TestRepository;
test.before(async () => {
  shared = await five();
});

const releases = (list: readonly { release: number }[]) => list.map(({ release }) => release);
const verify = (repository: TestRepository) =>
  verifyTree({ directory: repository.public, now: repository.now });

test('all but the newest go, except what a group runs or a rollout brings', async () => {
  const repository = shared;
  const { folder } = repository;
  assert.equal(releases(oldReleases(folder, 1)), [4, 3, 1]);
  assert.equal(releases(oldReleases(folder, 2)), [3, 1]);
  const rules = { ...DEFAULT_RULES, waves: [100] };
  await startRollout(folder, { group: 'test', name: 'score', release: 3, rules, offlineOk: false });
  assert.equal(releases(oldReleases(folder, 2)), [1]);
  assert.match(neededReleases(folder).get('score/3') ?? '', /its rollout test\.score\.3 is running/);
});

test('files go once nobody can be led to them any more, and the rest is whole', async () => {
  const repository = await five();
  const { folder } = repository;
  const before = readdirSync(folder.blobs).length;
  const old = oldReleases(folder, 1);
  removeReleases(folder, old, repository.now);
  // Earlier assignments are what nothing leads to already.
  await sweepBlobs(folder, false);
  assert.equal((await verify(repository)).bundles.length, 5, 'what is public stays whole until the draft is');
  await repository.publish();
  const dry = await sweepBlobs(folder, true);
  const kept = readdirSync(folder.blobs).length;
  assert.ok(dry.blobs > 0 && dry.bytes > 0);
  const swept = await sweepBlobs(folder, false);
  assert.equal(swept, dry);
  assert.is(readdirSync(folder.blobs).length, kept - swept.blobs);
  assert.ok(kept - swept.blobs < before);
  const report = await verify(repository);
  assert.equal(releases(report.bundles).sort(), [2, 5]);
  for (const { digest } of old) assert.not.ok(existsSync(folder.blobPath(digest)));
  assert.equal((await sweepBlobs(folder, false)).blobs, 0);
});

test('what is needed is not removed, and why is said', async () => {
  const repository = shared;
  const remove = (release: number, name = 'score') =>
    thrown(() => removeReleases(repository.folder, [{ name, release }], repository.now));
  assert.equal([remove(2).code, remove(5).code], ['ota-release-needed', 'ota-release-needed']);
  assert.match(remove(2).message, /assigned to the group old-boards/);
  repository.assign('default', [{ release: 2 }]);
  assert.match(remove(5).message, /newest of its name/);
  assert.is(remove(9).code, 'ota-missing');
  assert.is(remove(1, 'other').code, 'ota-missing');
  assert.is(bundlesOf(repository.folder).length, 5);
});

test('a damaged repository loses nothing', async () => {
  const repository = shared;
  const { folder } = repository;
  const [lost] = bundlesOf(folder);
  rmSync(folder.blobPath(lost!.digest));
  const before = readdirSync(folder.blobs).length;
  let code = '';
  await sweepBlobs(folder, false).catch((error) => {
    code = error.code;
  });
  assert.equal([code, readdirSync(folder.blobs).length], ['ota-mismatch', before]);
});

test('by the command', async () => {
  const repository = await five();
  const { path } = repository.folder;
  const ota = (...args: string[]) => vigieHere(['ota', 'repo', ...args]);
  const dry = await ota('prune', path, '--keep', '1', '--dry-run', '--json');
  assert.equal(JSON.parse(dry.stdout).removed, ['score/4', 'score/3', 'score/1']);
  assert.is(repository.folder.draft('release'), undefined);
  const one = await ota('remove', path, 'score/1');
  assert.is(one.code, 0, one.stderr);
  assert.match(one.stdout, /score\/1 left the draft of release \(version 3\)/);
  const rest = await ota('prune', path, '--keep', '1');
  assert.match(rest.stdout, /score\/4, score\/3: were dropped/);
  await repository.publish();
  const swept = JSON.parse((await ota('prune', path, '--json')).stdout);
  assert.equal([swept.removed, swept.draft], [[], null]);
  assert.ok(swept.blobs > 0);
  assert.equal(releases((await verify(repository)).bundles).sort(), [2, 5]);
  const needed = await ota('remove', path, 'score/2');
  assert.is(needed.code, 1);
  assert.match(needed.stderr, /score\/2 stays: it is assigned/);
  assert.is((await ota('remove', path, 'score')).code, 2);
  assert.is((await ota('prune')).code, 2);
});

test.run();

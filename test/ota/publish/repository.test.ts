/** The repository: thresholds, offline signing, publication, rotation, expiry; and what a stick with changed bytes says. */

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TufClient } from '../../../ota/client/tuf/client.ts';
import type { MetadataSource } from '../../../ota/client/tuf/parts.ts';
import { newSigner } from '../../../ota/publish/keys/key-file.ts';
import { addBundle, assignmentOf, bundlesOf } from '../../../ota/publish/repository/add.ts';
import { demandsFor, redraft, signatureStates, signDrafts } from '../../../ota/publish/repository/drafts.ts';
import { initRepository } from '../../../ota/publish/repository/init.ts';
import {
  exportDrafts,
  importSignatures,
  parseRequests,
  requestText,
  signRequests,
} from '../../../ota/publish/repository/offline.ts';
import { publish } from '../../../ota/publish/repository/publish.ts';
import { rotate } from '../../../ota/publish/repository/rotate.ts';
import { verifyTree } from '../../../ota/publish/repository/verify.ts';
import { epochMillis } from '../../../runtime/core/units.ts';
import { TestRepository, testKeys } from '../../support/ota-repository.ts';
import { rejection, thrown } from '../../support/thrown.ts';

const DAY = 86_400_000;
const repositories: TestRepository[] = [];
test.after(() => {
  for (const one of repositories) one.remove();
});

async function made(): Promise<TestRepository> {
  const one = await TestRepository.make();
  repositories.push(one);
  return one;
}

const named = (signer: ReturnType<typeof newSigner>) => ({
  name: 'new',
  keyId: signer.keyId,
  key: signer.key,
});

test('a bundle and an assignment are published, and a node’s client finds both', async () => {
  const repository = await made();
  await repository.add();
  repository.assign('default', [{ release: 1 }]);
  const { published, versions } = await repository.publish();
  assert.equal(published, ['release', 'deploy']);
  assert.equal(versions, { root: 1, targets: 1, release: 2, deploy: 2, snapshot: 2, timestamp: 2 });
  const report = await verifyTree({ directory: repository.public, now: repository.now });
  assert.equal(report.groups, ['default']);
  assert.equal(
    report.bundles.map(({ name, release }) => [name, release]),
    [['score', 1]],
  );
});

test('below the threshold nothing becomes public, and the file says who is missing', async () => {
  const keys = testKeys();
  const repository = await made();
  const path = join(repository.directory, 'second');
  const all = Object.fromEntries(Object.entries(keys).map(([role, list]) => [role, list.map(named)]));
  const folder = initRepository({ path, keys: all as never, now: repository.now });
  signDrafts(folder, [keys.root[0]!, ...keys.targets, ...keys.release]);
  const online = [...keys.deploy, ...keys.snapshot, ...keys.timestamp];
  const error = await rejection(publish(folder, online, repository.now));
  assert.is(error.code, 'ota-threshold');
  assert.match(error.message, /root \(1 of 2 by itself\)/);
  assert.equal(readdirSync(folder.metadata), []);
  signDrafts(folder, [keys.root[2]!]);
  await publish(folder, online, repository.now);
  assert.ok(readdirSync(folder.metadata).includes('1.root.json'));
});

test('a draft that lacks signatures stays one while others are published', async () => {
  const repository = await made();
  await repository.add();
  repository.assign('default', [{ release: 1 }]);
  const { published, waiting, versions } = await publish(
    repository.folder,
    repository.onlineSigners,
    repository.now,
  );
  assert.equal(published, ['deploy']);
  assert.equal(
    waiting.map(({ role }) => role),
    ['release'],
  );
  assert.is(versions.release, 1);
  assert.ok(repository.folder.draft('release'));
});

test('keys that were given twice or to two roles are refused', async () => {
  const repository = await made();
  const keys = testKeys();
  const all = Object.fromEntries(
    Object.entries(keys).map(([role, list]) => [role, list.map(named)]),
  ) as never as Record<string, ReturnType<typeof named>[]>;
  const path = join(repository.directory, 'twice');
  const init = (change: object) =>
    thrown(() => initRepository({ path, keys: { ...all, ...change } as never, now: repository.now }));
  const [one] = all.root!;
  assert.is(init({ root: [one, one] }).code, 'ota-key-twice');
  assert.is(init({ root: [one] }).code, 'ota-keys-few');
  assert.is(init({ deploy: [one] }).code, 'ota-key-twice');
});

test('signed elsewhere: export, sign, import; other signatures and other drafts are not taken', async () => {
  const repository = await made();
  const { folder, keys } = repository;
  await repository.add();
  const request = exportDrafts(folder);
  const requests = parseRequests(request, 'request.json');
  const { requests: signed } = signRequests(requests, keys.release);
  assert.is(signDrafts(folder, keys.release)[0]?.role, 'release');
  const [state] = importSignatures(folder, parseRequests(requestText(signed), 'request.json'));
  assert.equal(
    state?.states.map(({ have, need }) => [have, need]),
    [[1, 1]],
  );

  assert.is(thrown(() => signRequests(requests, [newSigner()])).code, 'ota-key-role');
  const foreign = signed.map((one) => ({
    ...one,
    envelope: { ...one.envelope, signatures: [{ keyid: newSigner().keyId, sig: '00' }] },
  }));
  importSignatures(folder, foreign);
  assert.is(folder.draft('release')!.signatures.length, 1);
  await repository.publish();
  await repository.add({ release: 2 });
  assert.is(thrown(() => importSignatures(folder, signed)).code, 'ota-request-other');
});

test('case 37: a release below the highest of its name never enters the repository', async () => {
  const repository = await made();
  const old = await repository.add({ release: 3 });
  await repository.publish();
  await repository.add({ release: 5 });
  const lower = await rejection(repository.add({ release: 4 }));
  assert.is(lower.code, 'ota-rollback');
  assert.match(lower.message, /build it as 6/);
  const again = await addBundle(repository.folder, old.directory, repository.now);
  assert.is(again.added, false);
  assert.equal(
    bundlesOf(repository.folder).map(({ release }) => release),
    [5, 3],
  );
  assert.is(
    (await rejection(Promise.resolve().then(() => repository.assign('a', [{ release: 4 }])))).code,
    'ota-missing',
  );
});

test('case 38: a release number is used for one content alone', async () => {
  const repository = await made();
  await repository.add({ release: 2 });
  const directory = join(repository.directory, 'again');
  const { buildTestBundle } = await import('../../support/ota-repository.ts');
  await buildTestBundle(directory, { release: 2, attempts: 7 });
  const error = await rejection(addBundle(repository.folder, directory, repository.now));
  assert.is(error.code, 'ota-rollback');
});

test('expired: a repository that nobody renewed is refused, and renewed by publishing', async () => {
  const repository = await made();
  const late = epochMillis(repository.now + 8 * DAY);
  const error = await rejection(verifyTree({ directory: repository.public, now: late }));
  assert.is(error.code, 'ota-expired');
  repository.now = late;
  const { published } = await repository.publish();
  assert.equal(published, []);
  await verifyTree({ directory: repository.public, now: late });
  // Deploy and snapshot hold for 30 days: renewed with it, once half of them is over.
  repository.now = epochMillis(late + 10 * DAY);
  const { versions } = await repository.publish();
  assert.equal([versions.deploy, versions.snapshot, versions.release], [2, 2, 1]);
});

test('an expired draft is not published', async () => {
  const repository = await made();
  await repository.add();
  signDrafts(repository.folder, repository.keys.release);
  repository.now = epochMillis(repository.now + 200 * DAY);
  const error = await rejection(publish(repository.folder, repository.onlineSigners, repository.now));
  assert.is(error.code, 'ota-expired');
});

test('root is rotated by old and new keys, and a node from before follows', async () => {
  const repository = await made();
  const { folder, keys } = repository;
  const fresh = [newSigner(), newSigner()];
  const first = repository.factoryRoot;
  const remove = [keys.root[0]!.keyId, keys.root[1]!.keyId.slice(0, 8)];
  rotate(folder, { role: 'root', add: fresh.map(named), remove }, repository.now);
  signDrafts(folder, fresh);
  const half = await publish(folder, repository.onlineSigners, repository.now);
  assert.equal(
    half.waiting.map(({ role }) => role),
    ['root'],
  );
  const states = signatureStates(folder.draft('root')!, demandsFor(folder, 'root'));
  assert.equal(
    states.map(({ have, need }) => [have, need]),
    [
      [0, 2],
      [2, 2],
    ],
  );
  signDrafts(folder, keys.root.slice(0, 2));
  const { versions } = await publish(folder, repository.onlineSigners, repository.now);
  assert.is(versions.root, 2);
  await verifyTree({ directory: repository.public, root: first, now: repository.now });
});

test('case 17: with new keys for snapshot and timestamp, nodes forget versions that a thief drove up', async () => {
  const repository = await made();
  const { folder, keys } = repository;
  const files = new Map<string, Uint8Array>();
  const store = {
    read: (name: string) => files.get(name),
    write: (name: string, bytes: Uint8Array) => void files.set(name, bytes),
    remove: (name: string) => void files.delete(name),
  };
  const source: MetadataSource = {
    async metadata(name) {
      const path = join(folder.metadata, name);
      return readdirSync(folder.metadata).includes(name) ? readFileSync(path) : undefined;
    },
  };
  const client = new TufClient({ source, store, factoryRoot: repository.factoryRoot });
  const refresh = () => client.refresh(repository.now, AbortSignal.timeout(5000));
  for (let i = 0; i < 3; i++) await repository.publish();
  await refresh();
  const before = readFileSync(join(folder.metadata, 'timestamp.json'));
  const snapshot = newSigner();
  const timestamp = newSigner();
  rotate(
    folder,
    { role: 'snapshot', add: [named(snapshot)], remove: [keys.snapshot[0]!.keyId] },
    repository.now,
  );
  rotate(
    folder,
    { role: 'timestamp', add: [named(timestamp)], remove: [keys.timestamp[0]!.keyId] },
    repository.now,
  );
  signDrafts(folder, keys.root);
  const stale = await rejection(publish(folder, repository.onlineSigners, repository.now));
  assert.is(stale.code, 'ota-key-role');
  assert.equal(readFileSync(join(folder.metadata, 'timestamp.json')), before);
  await publish(folder, [...keys.deploy, snapshot, timestamp], repository.now);
  assert.is((await refresh()).versions.root, 2);
});

test('a delegated role is rotated: targets names the new key, and it signs what the old one had', async () => {
  const repository = await made();
  const { folder, keys } = repository;
  await repository.add();
  await repository.publish();
  const release = newSigner();
  const { drafts } = rotate(
    folder,
    { role: 'release', add: [named(release)], remove: [keys.release[0]!.keyId] },
    repository.now,
  );
  assert.equal(drafts, ['targets', 'release']);
  signDrafts(folder, [...keys.targets, release]);
  await publish(folder, repository.onlineSigners, repository.now);
  const { bundles } = await verifyTree({ directory: repository.public, now: repository.now });
  assert.is(bundles.length, 1);
  assert.is(
    thrown(() => rotate(folder, { role: 'deploy', add: [], remove: ['nope'] }, repository.now)).code,
    'ota-key-unknown',
  );
  assert.is(
    thrown(() => rotate(folder, { role: 'deploy', add: [named(release)], remove: [] }, repository.now)).code,
    'ota-key-twice',
  );
});

test('new keys that are not there yet do not hold up what the old ones may sign', async () => {
  const repository = await made();
  const { folder } = repository;
  await repository.add();
  await repository.publish();
  rotate(folder, { role: 'deploy', add: [named(newSigner())], remove: [] }, repository.now);
  rotate(folder, { role: 'snapshot', add: [named(newSigner())], remove: [] }, repository.now);
  folder.removeDraft('deploy');
  repository.assign('default', [{ release: 1 }]);
  const { published, waiting } = await publish(folder, repository.onlineSigners, repository.now);
  assert.equal(published, ['deploy']);
  assert.equal(
    waiting.map(({ role }) => role),
    ['root', 'targets'],
  );
});

test('a changed byte anywhere in the tree is found', async () => {
  const repository = await made();
  await repository.add();
  repository.assign('default', [{ release: 1 }]);
  await repository.publish();
  const stick = join(repository.directory, 'stick');
  // Earlier versions of snapshot and the like are kept, and nobody reads them any more.
  const current = /^(timestamp|\d+\.root|1\.targets|2\.(snapshot|release|deploy))\.json$/;
  for (const kind of ['metadata', 'blobs']) {
    for (const name of readdirSync(join(repository.public, kind))) {
      if (kind === 'metadata' && !current.test(name)) continue;
      rmSync(stick, { recursive: true, force: true });
      cpSync(repository.public, stick, { recursive: true });
      const path = join(stick, kind, name);
      const bytes = readFileSync(path);
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(path, bytes);
      const root = repository.factoryRoot;
      const error = await rejection(verifyTree({ directory: stick, root, now: repository.now })).catch(
        () => undefined,
      );
      if (name === '1.root.json') continue;
      assert.ok(error, `${kind}/${name} was not missed`);
      assert.match(error.code, /^ota-(malformed|signature|mismatch)$/, `${name}: ${error.code}`);
      rmSync(path);
      const gone = await rejection(verifyTree({ directory: stick, root, now: repository.now }));
      assert.match(gone.code, /^ota-(missing|mismatch)$/, `${name}: ${gone.code}`);
    }
  }
});

test('another process’s change is waited for, and a dead one’s lock is taken over', async () => {
  const { folder } = await made();
  const lock = join(folder.path, 'lock');
  writeFileSync(lock, String(process.pid));
  const busy = await rejection(folder.locked(async () => undefined));
  assert.equal([busy.code, busy.retryable], ['ota-repository-busy', true]);
  for (const dead of ['4194304', '', 'x']) {
    writeFileSync(lock, dead);
    assert.is(await folder.locked(async () => 'done'), 'done');
  }
  assert.not.ok(readdirSync(folder.path).includes('lock'));
});

test('what a group was never assigned is nothing; what a node would refuse is not signed', async () => {
  const repository = await made();
  assert.equal(assignmentOf(repository.folder, 'nobody').releases, []);
  await repository.add();
  assert.is(thrown(() => repository.assign('no/group', [{}])).code, 'ota-malformed');
  assert.is(thrown(() => repository.assign('default', [{ percent: 101 }])).code, 'ota-malformed');
  assert.is(thrown(() => repository.assign('default', [{}, {}])).code, 'ota-malformed');
  const { version } = redraft(repository.folder, 'targets', repository.now, (signed) => signed);
  assert.is(version, 2);
  mkdirSync(join(repository.directory, 'empty'));
  const none = await rejection(
    verifyTree({ directory: join(repository.directory, 'empty'), now: repository.now }),
  );
  assert.is(none.code, 'ota-repository-missing');
});

test.run();

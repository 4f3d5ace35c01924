/** Old metadata given out for new, and metadata that does not belong together. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pin, type Says, signer, TufRepository } from '../../../support/tuf-repository.ts';
import { TestNode } from './support.ts';

/** A node that has seen version 3 of everything but the root. */
async function atThree(): Promise<{
  repository: TufRepository;
  node: TestNode;
  old: Map<string, Uint8Array>;
}> {
  const repository = new TufRepository();
  repository.delegate('release', { paths: ['bundles/*/*'], terminating: true });
  repository.publish('release', 'targets');
  const old = new Map(repository.served);
  repository.publish('release', 'targets');
  const node = new TestNode(repository);
  await node.refresh();
  assert.is(node.store.version('snapshot'), 3);
  node.store.writes.length = 0;
  return { repository, node, old };
}

const EVERYTHING = ['root', 'timestamp', 'snapshot', 'targets'];

test('case 07: an old timestamp is refused', async () => {
  const { repository, node, old } = await atThree();
  repository.served.set('timestamp.json', old.get('timestamp.json')!);
  assert.match(await node.refused('ota-rollback', EVERYTHING), /version 2; 3 was trusted before/);
});

test('case 08: a new timestamp that lists an old snapshot is refused', async () => {
  const { repository, node, old } = await atThree();
  repository.says.timestamp.version++;
  repository.says.timestamp.meta['snapshot.json'] = pin(2, old.get('2.snapshot.json')!);
  repository.sign('timestamp');
  assert.match(await node.refused('ota-rollback', EVERYTHING), /lists snapshot 2; 3 was listed before/);
});

for (const role of ['targets', 'release'])
  test(`case 09: a new snapshot that lists an old ${role} is refused`, async () => {
    const { repository, node, old } = await atThree();
    const [version, path] = role === 'targets' ? [2, '2.targets.json'] : [1, '1.release.json'];
    repository.says.snapshot.version++;
    repository.says.snapshot.meta[`${role}.json`] = pin(version!, old.get(path!)!);
    repository.sign('snapshot');
    repository.says.timestamp.version++;
    repository.sign('timestamp');
    assert.match(
      await node.refused('ota-rollback', ['root', 'snapshot', 'targets']),
      new RegExp(`lists ${role}.json`),
    );
    assert.is(node.store.version('timestamp'), 4, 'the timestamp is good in itself');
  });

test('case 10: a snapshot that drops a role is refused', async () => {
  const { repository, node } = await atThree();
  delete repository.says.snapshot.meta['release.json'];
  repository.says.snapshot.version++;
  repository.sign('snapshot');
  repository.says.timestamp.version++;
  repository.sign('timestamp');
  assert.match(await node.refused('ota-rollback', ['snapshot']), /no longer lists release.json/);
});

test('case 11: another timestamp under the same version changes nothing', async () => {
  const { repository, node } = await atThree();
  const before = node.store.read('timestamp.json');
  repository.says.timestamp.meta['snapshot.json'] = pin(100, Buffer.from('x'));
  repository.sign('timestamp');
  node.asked();
  const { versions } = await node.refresh();
  assert.is(versions.snapshot, 3);
  assert.equal(node.asked(), ['2.root.json', 'timestamp.json']);
  assert.equal(node.store.read('timestamp.json'), before);
  assert.equal(node.store.writes, []);
});

test('case 12: a snapshot that lists an old role next to a new one is never stored, not even for a moment', async () => {
  const { repository, node, old } = await atThree();
  repository.publish('targets');
  repository.says.snapshot.meta['release.json'] = pin(1, old.get('1.release.json')!);
  repository.sign('snapshot');
  repository.sign('timestamp');
  await node.refused('ota-rollback', ['snapshot', 'targets']);
  assert.equal(node.store.writes, ['timestamp.json', 'known-versions']);
  // The attacker goes away: nothing of it stuck.
  repository.publish('release', 'targets');
  assert.is((await node.refresh()).versions.snapshot, 5);
});

for (const role of EVERYTHING)
  test(`case 12: a ${role} that fails its last check is never stored`, async () => {
    const { repository, node } = await atThree();
    repository.says[role].expires = '2026-12-31T23:59:59Z';
    if (role === 'root') repository.publishRoot();
    else repository.publish(role === 'targets' ? 'targets' : 'release');
    await node.refused('ota-expired', role === 'root' ? ['timestamp'] : [role]);
    // §5.3.8 comes before §5.3.10: a root is kept, so that the next one can follow on it.
    assert.is(node.store.writes.includes(`${role}.json`), role === 'root');
  });

for (const drive of [2 ** 40, 2 ** 52, Number.MAX_SAFE_INTEGER])
  test(`case 17: versions driven up to ${drive} come down with new keys in the root`, async () => {
    const { repository, node } = await atThree();
    for (const role of ['release', 'targets', 'snapshot', 'timestamp']) {
      repository.says[role].version = drive;
      repository.sign(role);
    }
    assert.is((await node.refresh()).versions.timestamp, drive);
    for (const role of ['release', 'targets', 'snapshot', 'timestamp']) repository.says[role].version = 3;
    repository.publish('release', 'targets');
    await node.refused('ota-rollback', ['timestamp', 'snapshot']);
    repository.setKeys('timestamp', [signer('timestamp-2')]);
    repository.setKeys('snapshot', [signer('snapshot-2')]);
    repository.publishRoot();
    repository.publish('release', 'targets');
    const { versions } = await node.refresh();
    assert.equal(versions, { root: 2, timestamp: 5, snapshot: 5, targets: 5, release: 5 });
  });

test('case 17: with one of two timestamp keys rotated, and a power cut before the old copies were removed', async () => {
  const { repository, node } = await atThree();
  const stays = repository.signers.timestamp![0]!;
  repository.says.timestamp.version = 2 ** 52;
  repository.sign('timestamp');
  await node.refresh();
  repository.setKeys('timestamp', [stays, signer('timestamp-2')]);
  repository.publishRoot();
  repository.says.timestamp.version = 4;
  repository.publish();
  // The root was stored, and nothing after it.
  node.store.write('root.json', repository.served.get('2.root.json')!);
  assert.is((await node.refresh()).versions.timestamp, 5);
});

test('keys of targets that were rotated bring no versions down', async () => {
  const { repository, node, old } = await atThree();
  repository.setKeys('targets', [signer('targets-2')]);
  repository.publishRoot();
  repository.served.set('timestamp.json', old.get('timestamp.json')!);
  await node.refused('ota-rollback', ['timestamp', 'snapshot']);
});

/** Serves, at the place of the newest `path`, what an earlier repository had there. */
const PAIRS: readonly (readonly [
  string,
  (repository: TufRepository, old: Map<string, Uint8Array>) => void,
  string,
])[] = [
  [
    'new timestamp, old snapshot',
    ({ served }, old) => served.set('4.snapshot.json', old.get('2.snapshot.json')!),
    'ota-mismatch',
  ],
  [
    'new snapshot, old targets',
    ({ served }, old) => served.set('4.targets.json', old.get('2.targets.json')!),
    'ota-mismatch',
  ],
  [
    'new snapshot, old release',
    ({ served }, old) => served.set('3.release.json', old.get('1.release.json')!),
    'ota-mismatch',
  ],
  [
    'old timestamp, new snapshot',
    ({ served }, old) => served.set('timestamp.json', old.get('timestamp.json')!),
    'ota-rollback',
  ],
  ['snapshot of another day with the same version', forgeSnapshot, 'ota-mismatch'],
];

function forgeSnapshot({ says, served, signers }: TufRepository): void {
  const other = new TufRepository();
  Object.assign(other, { signers });
  other.says.snapshot = { ...structuredClone(says.snapshot), expires: '2031-01-01T00:00:00Z' };
  served.set('4.snapshot.json', other.sign('snapshot'));
}

for (const [name, mix, code] of PAIRS)
  test(`case 23: ${name} are not taken together`, async () => {
    const { repository, node, old } = await atThree();
    repository.publish('release', 'targets');
    mix(repository, old);
    let seen = '';
    try {
      await (await node.refresh()).target('bundles/a/1.json');
    } catch (error) {
      seen = (error as { code: string }).code;
    }
    assert.is(seen, code);
  });

test('case 23: a listed version that the file itself does not have is refused, hash or no hash', async () => {
  const { repository, node } = await atThree();
  repository.publish();
  const lie = (parent: string, change: (meta: Says) => void): void => {
    change(repository.says[parent].meta);
    repository.says[parent].version++;
    repository.sign(parent);
  };
  const bytes = repository.served.get('4.targets.json')!;
  repository.served.set('9.targets.json', bytes);
  lie('snapshot', (meta) => Object.assign(meta['targets.json'], { version: 9 }));
  lie('timestamp', () => {});
  assert.match(await node.refused('ota-mismatch', ['targets']), /is of version 4; snapshot.json lists 9/);
});

test('a root that was withheld since is missed', async () => {
  const { repository, node } = await atThree();
  repository.publishRoot();
  await node.refresh();
  // The disk loses root.json, and the attacker hides the root that took a stolen key away.
  node.store.remove('root.json');
  repository.served.delete('2.root.json');
  assert.match(await node.refused('ota-rollback', ['timestamp']), /is of version 1; 2 was trusted before/);
});

test.run();

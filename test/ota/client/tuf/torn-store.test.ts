/** Files that a power cut or a bad sector took: the node recovers, and never to less than it knew. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { StorageError } from '../../../../runtime/core/errors.ts';
import { signer, TufRepository } from '../../../support/tuf-repository.ts';
import { TestNode } from './support.ts';

const FILES = [
  'root.json',
  'timestamp.json',
  'snapshot.json',
  'targets.json',
  'release.json',
  'known-versions',
];

/** At root 3 and version 4 of the rest, with the repository as it was at version 3 beside it. */
async function seasoned(): Promise<{
  repository: TufRepository;
  node: TestNode;
  old: Map<string, Uint8Array>;
}> {
  const repository = new TufRepository();
  repository.delegate('release', { paths: ['bundles/*/*'], terminating: true });
  repository.setKeys('timestamp', [signer('timestamp-2')]);
  repository.publishRoot();
  repository.publishRoot();
  repository.publish('release', 'targets');
  repository.publish('release', 'targets');
  const old = new Map(repository.served);
  repository.publish('release', 'targets');
  const node = new TestNode(repository);
  await (await node.refresh()).target('bundles/a/1.json');
  assert.equal([...node.store.files.keys()].sort(), [...FILES].sort());
  return { repository, node, old };
}

const WAYS: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array | undefined])[] = [
  ['missing', () => undefined],
  ['empty', () => new Uint8Array()],
  ['cut in half', (bytes) => bytes.slice(0, bytes.length / 2)],
  ['cut by one byte', (bytes) => bytes.slice(0, -1)],
  ['zeros', (bytes) => new Uint8Array(bytes.length)],
  ['with one bit changed', (bytes) => bytes.map((byte, i) => byte ^ Number(i === bytes.length >> 1))],
  ['followed by what was there before', (bytes) => Buffer.concat([bytes, Buffer.from('}}')])],
];

function damage(
  node: TestNode,
  names: readonly string[],
  how: (bytes: Uint8Array) => Uint8Array | undefined,
): void {
  for (const name of names) {
    const bytes = how(node.store.read(name)!);
    if (bytes) node.store.files.set(name, bytes);
    else node.store.remove(name);
  }
}

/** Every set of files, as bits; for most ways of tearing one, every file by itself and all of them will do. */
const SETS: readonly (readonly string[])[] = Array.from({ length: 2 ** FILES.length - 1 }, (_, i) =>
  FILES.filter((_, bit) => (i + 1) & (1 << bit)),
);

for (const [way, how] of WAYS)
  test(`case 47: any files ${way}: the node recovers from the factory root and the repository`, async () => {
    const { repository, node } = await seasoned();
    const whole = new Map(node.store.files);
    for (const names of SETS) {
      if (way !== 'missing' && names.length > 1 && names.length < FILES.length) continue;
      damage(node, names, how);
      const trusted = await node.refresh();
      assert.is(await trusted.target('bundles/a/1.json'), undefined);
      assert.equal(trusted.versions, { root: 3, timestamp: 4, snapshot: 4, targets: 4, release: 3 });
      for (const name of FILES)
        assert.is(Buffer.compare(node.store.read(name)!, whole.get(name)!), 0, `${name} is whole again`);
    }
    assert.ok(repository.asked.includes('2.root.json'));
  });

test('case 47: old metadata is refused as long as one file is left that knows better', async () => {
  const { repository, node, old } = await seasoned();
  const whole = new Map(node.store.files);
  repository.served.set('timestamp.json', old.get('timestamp.json')!);
  for (const names of SETS) {
    node.store.files.clear();
    for (const [name, bytes] of whole) node.store.files.set(name, bytes);
    damage(node, names, (bytes) => bytes.slice(0, bytes.length / 2));
    const nothingLeft = ['timestamp.json', 'snapshot.json', 'known-versions'].every((name) =>
      names.includes(name),
    );
    if (nothingLeft) await node.refresh();
    else await node.refused('ota-rollback');
  }
});

test('case 47: a torn root.json does not go back behind the roots that were trusted', async () => {
  const { repository, node } = await seasoned();
  damage(node, ['root.json'], () => new Uint8Array());
  repository.served.delete('3.root.json');
  assert.match(
    await node.refused('ota-rollback', ['timestamp']),
    /root.json is of version 2; 3 was trusted before/,
  );
  assert.is(node.store.version('root'), 2, 'the way so far is kept');
});

test('case 47: torn root and known versions: the factory root leads back, and copies that are still good stay', async () => {
  const { repository, node, old } = await seasoned();
  damage(node, ['root.json', 'known-versions'], () => new Uint8Array());
  repository.served.set('timestamp.json', old.get('timestamp.json')!);
  await node.refused('ota-rollback', ['timestamp', 'snapshot']);
});

test('case 47: lost roles are remembered: a snapshot may not drop them', async () => {
  const { repository, node } = await seasoned();
  damage(node, ['snapshot.json'], () => undefined);
  delete repository.says.snapshot.meta['release.json'];
  repository.says.snapshot.version++;
  repository.sign('snapshot');
  repository.says.timestamp.version++;
  repository.sign('timestamp');
  await node.refused('ota-rollback');
});

test('what the disk does not give back counts as lost', async () => {
  const { node } = await seasoned();
  const read = node.store.read.bind(node.store);
  for (const broken of FILES) {
    node.store.read = (name) => {
      if (name === broken) throw new StorageError('state-read', 'EIO');
      return read(name);
    };
    assert.is((await node.refresh()).versions.timestamp, 4);
  }
});

test('a disk that takes nothing more ends the update, and the next one goes on', async () => {
  const { repository, node } = await seasoned();
  repository.publishRoot();
  repository.publish('release', 'targets');
  const write = node.store.write.bind(node.store);
  for (let room = 0; ; room++) {
    let left = room;
    node.store.write = (name, bytes) => {
      if (left-- <= 0) throw new StorageError('state-write', 'ENOSPC');
      write(name, bytes);
    };
    const outcome = await node.refresh().then(
      () => 'done',
      ({ code }) => code,
    );
    if (outcome === 'done') break;
    assert.is(outcome, 'state-write');
    assert.ok(room < 20);
  }
  assert.is((await node.refresh()).versions.timestamp, 5);
});

test('a newer root from the factory replaces the stored one', async () => {
  const { repository, node } = await seasoned();
  repository.publishRoot();
  const factory = new TufRepository();
  factory.served.set('1.root.json', repository.served.get('4.root.json')!);
  const upgraded = new TestNode(factory);
  for (const [name, bytes] of node.store.files) upgraded.store.files.set(name, bytes);
  Object.assign(factory, {
    served: new Map([...repository.served].filter(([name]) => name !== '4.root.json')),
  });
  assert.is((await upgraded.refresh()).versions.root, 4);
  assert.is(upgraded.store.version('root'), 4);
});

test('nothing is written when nothing is new', async () => {
  const { node } = await seasoned();
  node.store.writes.length = 0;
  await node.refresh();
  assert.equal(node.store.writes, []);
});

test.run();

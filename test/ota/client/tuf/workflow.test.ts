/** The client workflow of the specification, step by step: §5.1 to §5.6. Its refusals are in the hostile tests. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TufClient } from '../../../../ota/client/tuf/client.ts';
import { requireContent } from '../../../../ota/client/tuf/hashes.ts';
import { NOTHING_KNOWN } from '../../../../ota/client/tuf/known-versions.ts';
import { ANY_REPOSITORY, MOST_BYTES, OWN_REPOSITORY } from '../../../../ota/client/tuf/policy.ts';
import { readTrustedRoot, TrustedSet } from '../../../../ota/client/tuf/trusted-set.ts';
import { DeliveryError } from '../../../../runtime/core/errors.ts';
import { epochMillis } from '../../../../runtime/core/units.ts';
import { MemoryTrustStore } from '../../../support/memory-trust-store.ts';
import { NOW, sealed, signer, TufRepository } from '../../../support/tuf-repository.ts';
import { refusal, TestNode } from './support.ts';

test('§5.2 to §5.6: the first refresh asks for four things in order, and stores what it got, byte for byte', async () => {
  const repository = new TufRepository();
  const node = new TestNode(repository);
  const { versions } = await node.refresh();
  assert.equal(versions, { root: 1, timestamp: 1, snapshot: 1, targets: 1 });
  assert.equal(node.asked(), ['2.root.json', 'timestamp.json', '1.snapshot.json', '1.targets.json']);
  for (const [name, path] of [
    ['root', '1.root'],
    ['timestamp', 'timestamp'],
    ['snapshot', '1.snapshot'],
    ['targets', '1.targets'],
  ])
    assert.is(Buffer.compare(node.store.read(`${name}.json`)!, repository.served.get(`${path}.json`)!), 0);
});

test('§5.3.3 to §5.3.9: every root on the way is checked by the one before it, and stored', async () => {
  const repository = new TufRepository();
  const node = new TestNode(repository);
  for (const name of ['b', 'c', 'd']) {
    const before = repository.signers.root!;
    const after = [signer(`root-1${name}`), signer(`root-2${name}`)];
    repository.setKeys('root', after, 2);
    repository.signers.root = [...before.slice(0, 2), ...after];
    repository.publishRoot();
    repository.signers.root = after;
  }
  assert.is((await node.refresh()).versions.root, 4);
  assert.equal(node.store.writes.filter((name) => name === 'root.json').length, 4);
  assert.equal(node.asked().slice(0, 4), ['2.root.json', '3.root.json', '4.root.json', '5.root.json']);
  await node.refresh();
  assert.equal(node.asked(), ['5.root.json', 'timestamp.json']);
});

test('§5.3.4: a root that is refused leaves the one before it, and the update begins there the next time', async () => {
  const repository = new TufRepository();
  const node = new TestNode(repository);
  repository.publishRoot();
  const good = repository.publishRoot();
  repository.served.set('3.root.json', sealed(repository.says.root, [signer('mallory')]));
  await node.refused('ota-signature');
  assert.is(node.store.version('root'), 2);
  assert.is(node.store.version('timestamp'), undefined);
  repository.served.set('3.root.json', good);
  assert.is((await node.refresh()).versions.root, 3);
});

test('§5.3.11: rotated timestamp or snapshot keys take both stored copies away', async () => {
  for (const role of ['timestamp', 'snapshot']) {
    const repository = new TufRepository();
    const node = new TestNode(repository);
    await node.refresh();
    repository.setKeys(role, [signer(`${role}-2`)]);
    repository.publishRoot();
    repository.served.delete('timestamp.json');
    await node.refused('ota-missing');
    assert.is(node.store.version('timestamp'), undefined);
    assert.is(node.store.version('snapshot'), undefined);
    assert.is(node.store.version('targets'), 1);
  }
});

test('§5.3.12: without consistent snapshots, files are asked for by their plain names', async () => {
  const repository = new TufRepository();
  repository.says.root.consistent_snapshot = false;
  repository.publishRoot();
  for (const role of ['snapshot', 'targets'])
    repository.served.set(`${role}.json`, repository.served.get(`1.${role}.json`)!);
  const node = new TestNode(repository);
  await node.refresh();
  assert.equal(node.asked(), [
    '2.root.json',
    '3.root.json',
    'timestamp.json',
    'snapshot.json',
    'targets.json',
  ]);
});

test('§5.3.3, §5.4.1, §5.5.1, §5.6.1: no more bytes are asked for than may come', async () => {
  const repository = new TufRepository();
  const asked = new Map<string, number>();
  const bounded = {
    metadata: (path: string, mostBytes: number, signal: AbortSignal) => {
      asked.set(path, mostBytes);
      return repository.metadata(path, mostBytes, signal);
    },
  };
  const { factoryRoot } = repository;
  const refresh = (policy = OWN_REPOSITORY) => {
    const client = new TufClient({ source: bounded, store: new MemoryTrustStore(), factoryRoot, policy });
    return client.refresh(epochMillis(NOW), new AbortController().signal);
  };
  await refresh();
  assert.equal(Object.fromEntries(asked), {
    '2.root.json': 65536,
    'timestamp.json': 16384,
    '1.snapshot.json': repository.served.get('1.snapshot.json')!.length,
    '1.targets.json': repository.served.get('1.targets.json')!.length,
  });
  repository.says.timestamp.meta['snapshot.json'] = { version: 1 };
  repository.sign('timestamp');
  await refresh(ANY_REPOSITORY);
  assert.is(asked.get('1.snapshot.json'), MOST_BYTES.unlisted);
  for (const [more, most] of [
    [{}, MOST_BYTES.unlisted],
    [{ hashes: { sha256: 'a'.repeat(64) } }, MOST_BYTES.listed],
  ] as const) {
    repository.says.timestamp.meta['snapshot.json'] = { version: 1, length: 2 ** 40, ...more };
    repository.sign('timestamp');
    await refusal('ota-mismatch', () => refresh(ANY_REPOSITORY));
    assert.is(asked.get('1.snapshot.json'), most);
  }
});

test('a source that brings more than was asked for is not read on', async () => {
  const repository = new TufRepository();
  const snapshot = repository.served.get('1.snapshot.json')!;
  repository.served.set('1.snapshot.json', Buffer.concat([snapshot, Buffer.from(' ')]));
  await new TestNode(repository).refused('ota-too-long');
});

for (const [path, kept] of [
  ['timestamp.json', []],
  ['1.snapshot.json', ['timestamp']],
  ['1.targets.json', ['timestamp', 'snapshot']],
] as const)
  test(`a repository without ${path} is told from one that is refused, and what came before is kept`, async () => {
    const repository = new TufRepository();
    const bytes = repository.served.get(path)!;
    repository.served.delete(path);
    const node = new TestNode(repository);
    assert.match(await node.refused('ota-missing'), new RegExp(`does not have ${path}`));
    for (const role of ['timestamp', 'snapshot', 'targets'])
      assert.is(node.store.version(role) !== undefined, (kept as readonly string[]).includes(role));
    repository.served.set(path, bytes);
    await node.refresh();
  });

test('§5.4.3.1: an unchanged timestamp goes on with the stored copies, and fetches what is missing of them', async () => {
  const repository = new TufRepository();
  const node = new TestNode(repository);
  await node.refresh();
  node.store.remove('snapshot.json');
  node.asked();
  await node.refresh();
  assert.equal(node.asked(), ['2.root.json', 'timestamp.json', '1.snapshot.json']);
});

test('what the source throws reaches the caller, and an abort ends the update', async () => {
  const repository = new TufRepository();
  const { factoryRoot } = repository;
  const store = new MemoryTrustStore();
  const lost = new TufClient({
    source: { metadata: () => Promise.reject(new DeliveryError('ota-transport', 'the broker is gone')) },
    store,
    factoryRoot,
  });
  const forever = new AbortController().signal;
  assert.match(
    await refusal('ota-transport', () => lost.refresh(epochMillis(NOW), forever)),
    /broker is gone/,
  );
  const client = new TufClient({ source: repository, store, factoryRoot });
  const reason = new DeliveryError('ota-stopped', 'the node stops');
  await refusal('ota-stopped', () => client.refresh(epochMillis(NOW), AbortSignal.abort(reason)));
  await client.refresh(epochMillis(NOW), forever);
});

test('fields that nobody knows are signed like the others, and change nothing', async () => {
  const repository = new TufRepository();
  repository.publishRoot((root) => {
    root['x-any'] = { deep: [{ ключ: 'é"\\', n: -7 }] };
    root.roles.timestamp['x-more'] = null;
  });
  repository.says.timestamp['x-any'] = 'value';
  repository.publish();
  await new TestNode(repository).refresh();
});

test('a trusted set takes each kind of metadata in its turn alone', async () => {
  const { served, factoryRoot } = new TufRepository();
  const [timestamp, snapshot, targets] = ['timestamp', '1.snapshot', '1.targets'].map(
    (name) => served.get(`${name}.json`)!,
  );
  const root = readTrustedRoot(factoryRoot, OWN_REPOSITORY);
  const set = new TrustedSet(root, { now: epochMillis(NOW), policy: OWN_REPOSITORY, known: NOTHING_KNOWN });
  const by = { name: 'targets.json', keys: root.roles.targets };
  const steps: Record<string, () => unknown> = {
    updateRoot: () => set.updateRoot(factoryRoot),
    finishRoot: () => set.finishRoot(),
    rememberTimestamp: () => set.rememberTimestamp(timestamp!),
    updateTimestamp: () => set.updateTimestamp(timestamp!),
    rememberSnapshot: () => set.rememberSnapshot(snapshot!),
    updateSnapshot: () => set.updateSnapshot(snapshot!),
    updateTargets: () => set.updateTargets(targets!),
    readDelegated: () => set.readDelegated('targets', by, targets!),
  };
  /** What may be called after each step; everything else is out of order. */
  for (const [step, ...due] of [
    ['', 'updateRoot', 'finishRoot'],
    ['finishRoot', 'rememberTimestamp', 'updateTimestamp'],
    ['updateTimestamp', 'rememberSnapshot', 'updateSnapshot'],
    ['updateSnapshot', 'updateTargets'],
    ['updateTargets', 'readDelegated'],
  ]) {
    steps[step!]?.();
    for (const [name, call] of Object.entries(steps))
      if (!due.includes(name)) assert.match(await refusal('ota-order', call), /a bug in Vigie/);
  }
});

test('§5.7.3: content is checked by length and by every hash', async () => {
  const bytes = Buffer.from('content');
  const { targets } = (() => {
    const repository = new TufRepository();
    repository.addTarget('x', bytes);
    return repository.says.targets;
  })();
  requireContent(bytes, targets.x, 'x');
  await refusal('ota-mismatch', () => requireContent(Buffer.from('Content'), targets.x, 'x'));
  await refusal('ota-mismatch', () => requireContent(Buffer.from('content '), targets.x, 'x'));
  const both = { ...targets.x, hashes: { ...targets.x.hashes, sha512: '0'.repeat(128) } };
  await refusal('ota-mismatch', () => requireContent(bytes, both, 'x'));
});

test.run();

/** Metadata that the right keys did not sign, or not enough of them. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { keyIdOf } from '../../../../ota/client/tuf/keys.ts';
import {
  EXPIRES,
  keysOf,
  type Says,
  sealed,
  signatureOf,
  signer,
  TufRepository,
} from '../../../support/tuf-repository.ts';
import { TestNode } from './support.ts';

/** A repository with something new in every role, and a node that trusts what was before. */
async function withNews(): Promise<{ repository: TufRepository; node: TestNode }> {
  const repository = new TufRepository();
  const node = new TestNode(repository);
  await node.refresh();
  // With a spare signature no flip would cost the threshold.
  repository.signers.root = repository.signers.root!.slice(0, 2);
  repository.signers.targets = repository.signers.targets!.slice(0, 2);
  repository.publishRoot();
  repository.publish();
  return { repository, node };
}

const EVERYTHING = ['root', 'timestamp', 'snapshot', 'targets'] as const;
const FILES = ['2.root.json', 'timestamp.json', '2.snapshot.json', '2.targets.json'];
const edit = (repository: TufRepository, path: string, change: (envelope: Says) => void): void => {
  const envelope = JSON.parse(Buffer.from(repository.served.get(path)!).toString());
  change(envelope);
  repository.served.set(path, Buffer.from(JSON.stringify(envelope)));
};

for (const [i, role] of EVERYTHING.entries())
  test(`case 01: one flipped bit anywhere in ${role} and it is refused`, async () => {
    const { repository, node } = await withNews();
    const honest = repository.served.get(FILES[i]!)!;
    const before = new Map(node.store.files);
    for (let at = 0; at < honest.length; at += 11) {
      const bytes = new Uint8Array(honest);
      bytes[at]! ^= 1 << (at % 8);
      repository.served.set(FILES[i]!, bytes);
      node.store.files.clear();
      for (const [name, content] of before) node.store.files.set(name, content);
      const outcome = await node.refresh().then(
        () => 'trusted',
        ({ code }) => code,
      );
      assert.ok(
        ['ota-malformed', 'ota-signature', 'ota-mismatch'].includes(outcome),
        `byte ${at}: ${outcome}`,
      );
      assert.is(node.store.version(role), 1);
    }
  });

for (const [i, role] of EVERYTHING.entries())
  test(`case 02: ${role} signed by keys that nobody named is refused`, async () => {
    const { repository, node } = await withNews();
    repository.signers[role] = [signer('mallory-a'), signer('mallory-b')];
    repository.sign(role);
    if (role !== 'root') for (const above of EVERYTHING.slice(1, i).reverse()) repository.sign(above);
    assert.match(await node.refused('ota-signature', [role]), /signed by 0 of the keys/);
  });

test('case 02: a signature of a named key over other content is refused', async () => {
  const { repository, node } = await withNews();
  const { signatures } = JSON.parse(Buffer.from(repository.sign('timestamp')).toString());
  repository.says.timestamp.version = 99;
  repository.sign('timestamp');
  edit(repository, 'timestamp.json', (envelope) => {
    envelope.signatures = signatures;
  });
  await node.refused('ota-signature', ['timestamp']);
});

for (const role of ['root', 'targets'] as const)
  test(`case 03: ${role} with one signature of the two that it needs is refused`, async () => {
    const { repository, node } = await withNews();
    repository.signers[role] = repository.signers[role]!.slice(0, 1);
    repository.sign(role);
    repository.sign('snapshot');
    repository.sign('timestamp');
    assert.match(await node.refused('ota-signature', [role]), /signed by 1 of the keys .* 2 must/);
  });

test('case 04: a KEYID that stands twice among the signatures is refused, and counts once in no way', async () => {
  const { repository, node } = await withNews();
  const [first] = repository.signers.root!;
  const twice = [signatureOf(repository.says.root, first!), signatureOf(repository.says.root, first!)];
  edit(repository, '2.root.json', (envelope) => {
    envelope.signatures = twice;
  });
  assert.match(
    await node.refused('ota-malformed', ['root']),
    /signatures\[1\] names a key that signed before/,
  );
  edit(repository, '2.root.json', (envelope) => {
    envelope.signatures = [twice[0], { ...twice[0], keyid: twice[0]!.keyid.toUpperCase() }];
  });
  await node.refused('ota-signature', ['root']);
});

test('case 05: a role that names a KEYID twice is refused', async () => {
  const { repository, node } = await withNews();
  repository.publishRoot(({ roles }) => {
    roles.snapshot.keyids.push(roles.snapshot.keyids[0]);
    roles.snapshot.threshold = 2;
  });
  assert.match(await node.refused('ota-malformed'), /entry of 'keyids' twice/);
  assert.is(node.store.version('root'), 2, 'the root before it stays');
});

test('case 06: one key under two KEYIDs, each of them right, signs once', async () => {
  const { repository, node } = await withNews();
  const [one] = repository.signers.timestamp!;
  const json = { ...one!.json, 'x-note': 'the same key' };
  const other = { ...one!, json, keyId: keyIdOf(json) };
  repository.setKeys('timestamp', [one!, other], 2);
  repository.publishRoot();
  repository.publish();
  assert.match(await node.refused('ota-signature'), /signed by 1 of the keys .* 2 must/);
  assert.is(node.store.version('timestamp'), undefined, 'its keys were rotated');
  repository.signers.timestamp = [one!, signer('timestamp-2')];
  repository.setKeys('timestamp', [one!, signer('timestamp-2')], 2);
  repository.publishRoot();
  repository.publish();
  await node.refresh();
});

test('case 06: a KEYID that is not its key’s is refused', async () => {
  const { repository, node } = await withNews();
  const mallory = signer('mallory');
  repository.publishRoot((root) => {
    const [keyId] = root.roles.timestamp.keyids;
    root.keys[keyId] = mallory.json;
  });
  assert.match(await node.refused('ota-malformed'), /not the one its KEYID stands for/);
});

test('case 16: a new root that its own keys alone sign is refused, and one of two old keys is not enough', async () => {
  const { repository, node } = await withNews();
  const old = repository.signers.root!;
  const fresh = [signer('root-x'), signer('root-y')];
  repository.setKeys('root', fresh, 2);
  repository.publishRoot();
  const { says, served } = repository;
  assert.match(
    await node.refused('ota-signature'),
    /3\.root\.json is signed by 0 of the keys that root version 2/,
  );
  served.set('3.root.json', sealed(says.root, [...fresh, old[0]!]));
  assert.match(await node.refused('ota-signature', ['root']), /signed by 1 of the keys that root version 2/);
  served.set('3.root.json', sealed(says.root, [...old, fresh[0]!]));
  assert.match(await node.refused('ota-signature', ['root']), /signed by 1 of the keys that the file itself/);
  served.set('3.root.json', sealed(says.root, [...old, ...fresh]));
  await node.refresh();
  assert.is(node.store.version('root'), 3);
});

test('a signature that is empty, too short or no hexadecimal neither counts nor does harm', async () => {
  for (const sig of ['', 'zz', 'abc', '00', 'é']) {
    const { repository, node } = await withNews();
    const spare = signer('spare');
    repository.setKeys('timestamp', [...repository.signers.timestamp!, spare]);
    repository.publishRoot();
    repository.publish();
    edit(repository, 'timestamp.json', ({ signatures }) => {
      signatures[1].sig = sig;
    });
    await node.refresh();
    edit(repository, 'timestamp.json', (envelope) => {
      envelope.signatures = [envelope.signatures[1]];
    });
    await node.refused('ota-signature', ['timestamp']);
  }
});

test('junk behind a good signature makes it none', async () => {
  const { repository, node } = await withNews();
  edit(repository, 'timestamp.json', ({ signatures: [first] }) => {
    first.sig += 'zz';
  });
  await node.refused('ota-signature', ['timestamp']);
});

test('keys of other kinds never count in a repository of our own', async () => {
  const { repository, node } = await withNews();
  repository.publishRoot(({ keys, roles }) => {
    const json = { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', keyval: { public: 'PEM' } };
    keys[keyIdOf(json)] = json;
    roles.timestamp.keyids.push(keyIdOf(json));
  });
  await node.refresh();
  assert.is(node.store.version('root'), 3, 'such a key does no harm');
});

test('snapshot that the timestamp key signed is no timestamp', async () => {
  const { repository, node } = await withNews();
  const says = { ...repository.says.timestamp, _type: 'snapshot', version: 9 };
  repository.served.set('timestamp.json', sealed(says, repository.signers.timestamp!));
  assert.match(await node.refused('ota-malformed', ['timestamp']), /is not of _type 'timestamp'/);
});

test('a node with a factory root that its own keys did not sign trusts nothing and asks nobody', async () => {
  const repository = new TufRepository();
  repository.served.set('1.root.json', sealed(repository.says.root, [signer('mallory')]));
  const node = new TestNode(repository);
  assert.match(await node.refused('ota-no-root'), /set the node up again/);
  assert.equal(node.asked(), []);
  assert.equal([...node.store.files.keys()], []);
});

test('a time-signing role beside the four is the client’s to tell before any refresh', async () => {
  const repository = new TufRepository();
  const time = signer('time');
  repository.publishRoot((root) => {
    Object.assign(root.keys, keysOf([time]));
    root['x-time'] = { keyids: [time.keyId], threshold: 1 };
  });
  const node = new TestNode(repository);
  assert.is(node.client.root().time, undefined);
  await node.refresh();
  assert.equal(
    node.client.root().time?.keys.map(({ keyId }) => keyId),
    [time.keyId],
  );
  assert.is(node.client.root().expires, Date.parse(EXPIRES));
});

test.run();

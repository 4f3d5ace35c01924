/** Metadata whose signatures are good and whose shape is not: a signer gone wrong, or one whose key was stolen. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  ANY_REPOSITORY,
  MOST_BYTES,
  OWN_REPOSITORY,
  type TufPolicy,
} from '../../../../ota/client/tuf/policy.ts';
import { type Says, sealed, signer, TufRepository } from '../../../support/tuf-repository.ts';
import { TestNode } from './support.ts';

function provisioned(repository: TufRepository, policy?: TufPolicy): TestNode {
  const node = new TestNode(repository, policy);
  node.store.write('root.json', repository.factoryRoot);
  return node;
}

/** A node in front of a repository that says something odd in one role, under good signatures. */
function odd(role: string, change: (says: Says) => void, policy = ANY_REPOSITORY): TestNode {
  const repository = new TufRepository();
  repository.addTarget('bundles/a/1.json', 'content');
  repository.publish();
  change(repository.says[role]);
  if (role === 'root') repository.says.root.version++;
  repository.sign(role);
  for (const above of ['snapshot', 'timestamp'].slice(['snapshot', 'timestamp'].indexOf(role) + 1))
    if (role !== 'root') repository.sign(above);
  return provisioned(repository, policy);
}

test('case 15: a root that skips a version is refused, and so is one of the same version', async () => {
  for (const version of [1, 3, 2 ** 52]) {
    const repository = new TufRepository();
    repository.says.root.version = version;
    repository.served.set('2.root.json', sealed(repository.says.root, repository.signers.root!));
    assert.match(
      await provisioned(repository).refused('ota-rollback', ['root']),
      /2\.root\.json is of version/,
    );
  }
});

test('case 15: 257 new roots take two refreshes, and each goes on where the last one stopped', async () => {
  const repository = new TufRepository();
  for (let i = 0; i < 257; i++) repository.publishRoot();
  const node = new TestNode(repository);
  assert.is((await node.refresh()).versions.root, 257);
  assert.is(node.asked().filter((path) => path.endsWith('.root.json')).length, 256);
  assert.is((await node.refresh()).versions.root, 258);
});

const NOT_VERSIONS = [0, -1, 1.5, 2 ** 53, 1e300, '1', null, true, undefined, [1]];

for (const version of NOT_VERSIONS)
  test(`case 20: ${JSON.stringify(version)} is no version, of any role`, async () => {
    for (const role of ['timestamp', 'snapshot', 'targets']) {
      const node = odd(role, (says) => {
        says.version = version;
      });
      await node.refused('ota-malformed');
    }
    const repository = new TufRepository();
    const says = { ...repository.says.root, version };
    repository.served.set('2.root.json', sealed(says, repository.signers.root!));
    await new TestNode(repository).refused('ota-malformed');
  });

for (const [file, parent] of [
  ['snapshot.json', 'timestamp'],
  ['targets.json', 'snapshot'],
] as const) {
  for (const version of NOT_VERSIONS)
    test(`case 20: ${parent} lists ${file} under version ${JSON.stringify(version)}`, async () => {
      const node = odd(parent, (says) => {
        says.meta[file].version = version;
      });
      await node.refused('ota-malformed');
    });
  for (const length of [-1, 0, 1.5, 1e300, '10', null])
    test(`case 21: ${parent} lists ${file} with length ${JSON.stringify(length)}`, async () => {
      const node = odd(parent, (says) => {
        says.meta[file].length = length;
      });
      await node.refused('ota-malformed');
    });
}

for (const length of [-1, 1.5, 1e300, '10', null, undefined])
  test(`case 21: a target of length ${JSON.stringify(length)} is refused`, async () => {
    const node = odd('targets', (says) => {
      says.targets['bundles/a/1.json'].length = length;
    });
    await node.refused('ota-malformed', ['targets']);
  });

const HEX = 'a'.repeat(64);
for (const hashes of [
  {},
  { md5: 'a'.repeat(32) },
  { sha256: HEX, md5: 'a'.repeat(32) },
  { sha256: HEX.toUpperCase() },
  { sha256: HEX.slice(1) },
  { sha256: `${HEX}a` },
  { sha256: `${HEX.slice(1)}g` },
  { sha256: `${HEX.slice(1)}\n` },
  { sha512: HEX },
  { sha256: null },
  { constructor: HEX },
  null,
  [],
  HEX,
])
  test(`case 19: ${JSON.stringify(hashes)?.slice(0, 40)} pins nothing, of a target or of metadata`, async () => {
    const target = odd('targets', (says) => {
      says.targets['bundles/a/1.json'].hashes = hashes;
    });
    await target.refused('ota-malformed', ['targets']);
    const meta = odd('timestamp', (says) => {
      says.meta['snapshot.json'].hashes = hashes;
    });
    await meta.refused('ota-malformed', ['timestamp']);
  });

test('case 19: our own repositories pin by length and sha256, or not at all', async () => {
  for (const drop of ['length', 'hashes']) {
    const change = (says: Says) => {
      delete says.meta['snapshot.json'][drop];
    };
    await odd('timestamp', change).refresh();
    await odd('timestamp', change, OWN_REPOSITORY).refused('ota-malformed', ['timestamp']);
  }
  const repository = new TufRepository();
  repository.addTarget('bundles/a/1.json', 'content');
  repository.says.targets.targets['bundles/a/1.json'].hashes = { sha512: 'a'.repeat(128) };
  repository.publish();
  await new TestNode(repository).refused('ota-malformed');
});

/** Serves `bytes` as the next root and as the timestamp. */
async function refusedAsRootAndTimestamp(bytes: Uint8Array, code: string, because: RegExp): Promise<void> {
  for (const path of ['2.root.json', 'timestamp.json']) {
    const repository = new TufRepository();
    repository.served.set(path, bytes);
    assert.match(await new TestNode(repository).refused(code), because);
  }
}

test('case 22: a root of 64 KiB is read and one byte more is not, signed or not', async () => {
  const { says, signers } = new TufRepository();
  const bytes = Buffer.from(sealed({ ...says.root, version: 2 }, signers.root!));
  for (const [length, code] of [
    [MOST_BYTES.root, ''],
    [MOST_BYTES.root + 1, 'ota-too-long'],
  ] as const) {
    const repository = new TufRepository();
    repository.served.set('2.root.json', Buffer.concat([bytes, Buffer.alloc(length - bytes.length, ' ')]));
    const node = provisioned(repository);
    if (code === '') assert.is((await node.refresh()).versions.root, 2);
    else await node.refused(code, ['root']);
  }
});

test('case 22: nesting of 25, a key twice, invalid UTF-8, a byte order mark', async () => {
  const { served } = new TufRepository();
  const text = Buffer.from(served.get('timestamp.json')!).toString();
  const nested = text.replace('"signed":{', `"signed":{"x":${'['.repeat(23)}${']'.repeat(23)},`);
  await refusedAsRootAndTimestamp(Buffer.from(nested), 'ota-malformed', /deeper than 24/);
  const twice = text.replace('"signed":{', '"signed":{"version":1,');
  await refusedAsRootAndTimestamp(Buffer.from(twice), 'ota-malformed', /"version" twice/);
  const bad = Buffer.from(text);
  bad[bad.indexOf('expires')] = 0xff;
  await refusedAsRootAndTimestamp(bad, 'ota-malformed', /not UTF-8/);
  await refusedAsRootAndTimestamp(Buffer.from(`\ufeff${text}`), 'ota-malformed', /byte order mark/);
});

for (const [name, role, change, because] of [
  [
    'another specification',
    'timestamp',
    (says) => {
      says.spec_version = '2.0.0';
    },
    /specification version 1/,
  ],
  [
    'no specification',
    'targets',
    (says) => {
      delete says.spec_version;
    },
    /spec_version/,
  ],
  [
    'another type',
    'snapshot',
    (says) => {
      says._type = 'targets';
    },
    /_type 'snapshot'/,
  ],
  [
    'a timestamp that lists more',
    'timestamp',
    (says) => {
      says.meta['targets.json'] = { version: 1 };
    },
    /more than snapshot/,
  ],
  [
    'a timestamp that lists nothing',
    'timestamp',
    (says) => {
      says.meta = {};
    },
    /snapshot\.json/,
  ],
  [
    'a snapshot without targets',
    'snapshot',
    (says) => {
      says.meta = {};
    },
    /does not list targets\.json/,
  ],
  [
    'a snapshot with a picture',
    'snapshot',
    (says) => {
      says.meta['a.png'] = { version: 1 };
    },
    /not \.json/,
  ],
  [
    'a snapshot of lists',
    'snapshot',
    (says) => {
      says.meta = [];
    },
    /meta is not an object/,
  ],
  [
    'targets that are none',
    'targets',
    (says) => {
      says.targets = null;
    },
    /targets is not an object/,
  ],
  [
    'delegations that are none',
    'targets',
    (says) => {
      says.delegations = [];
    },
    /delegations is not an object/,
  ],
  [
    'a root without a role',
    'root',
    (says) => {
      delete says.roles.snapshot;
    },
    /roles snapshot/,
  ],
  [
    'a root whose threshold is 0',
    'root',
    (says) => {
      says.roles.snapshot.threshold = 0;
    },
    /threshold/,
  ],
  [
    'a root whose threshold is 1.5',
    'root',
    (says) => {
      says.roles.snapshot.threshold = '2';
    },
    /threshold/,
  ],
  [
    'a root with a role whose key is missing',
    'root',
    (says) => {
      says.roles.snapshot.keyids = ['ab'];
    },
    /not listed/,
  ],
  [
    'a root with a key that is none',
    'root',
    (says) => {
      says.keys.ab = {};
    },
    /keytype/,
  ],
  [
    'a root whose keys are named by a prototype',
    'root',
    (says) => {
      says.roles.snapshot.keyids = ['constructor'];
    },
    /not listed/,
  ],
  [
    'a root that is not sure of consistent snapshots',
    'root',
    (says) => {
      says.consistent_snapshot = 1;
    },
    /consistent_snapshot/,
  ],
] as const satisfies readonly (readonly [string, string, (says: Says) => void, RegExp])[])
  test(`refuses ${name}`, async () => {
    assert.match(await odd(role, change).refused('ota-malformed', [role]), because);
  });

for (const role of [
  'root',
  'timestamp',
  'snapshot',
  'targets',
  '',
  '../x',
  'a/b',
  '.hidden',
  'a b',
  'x'.repeat(65),
])
  test(`case 18: no role may be called '${role.slice(0, 20)}'`, async () => {
    const repository = new TufRepository();
    repository.delegate('release', { paths: ['*'] });
    repository.says.targets.delegations.roles[0].name = role;
    repository.publish('release', 'targets');
    assert.match(await new TestNode(repository).refused('ota-malformed', ['targets']), /may not be called/);
  });

for (const role of ['constructor', '__proto__', 'prototype', 'toString'])
  test(`case 18: a role called ${role} is a role like any other, or none`, async () => {
    const repository = new TufRepository();
    const by = signer('odd');
    repository.delegate('plain', { paths: ['*'], signers: [by] });
    repository.addTarget('thing', 'content', 'plain');
    repository.says.targets.delegations.roles[0].name = role;
    repository.publish('plain', 'targets');
    const { meta } = repository.says.snapshot;
    Object.defineProperty(meta, `${role}.json`, { value: meta['plain.json'], enumerable: true });
    repository.sign('snapshot');
    repository.sign('timestamp');
    repository.served.set(`1.${role}.json`, repository.served.get('1.plain.json')!);
    const node = new TestNode(repository, ANY_REPOSITORY);
    assert.ok(await (await node.refresh()).target('thing'));
    assert.is(await (await node.refresh()).target(role), undefined);
  });

test('a target called constructor is not there unless it is listed', async () => {
  const repository = new TufRepository();
  const trusted = await new TestNode(repository).refresh();
  for (const path of ['constructor', '__proto__', 'toString', ''])
    assert.is(await trusted.target(path), undefined);
});

for (const path of [
  '/etc/passwd',
  '../x',
  'a//b',
  'a/../b',
  '.x',
  'a/b/c/d/e',
  'a\0b',
  'x'.repeat(300),
  'é',
  '',
])
  test(`our own repositories have no target called ${JSON.stringify(path.slice(0, 20))}`, async () => {
    const repository = new TufRepository();
    repository.addTarget(path, 'content');
    repository.publish();
    assert.match(await new TestNode(repository).refused('ota-malformed', ['targets']), /may not be called/);
  });

test.run();

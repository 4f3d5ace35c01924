/** Who speaks for a target: §5.6.7. */

import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ANY_REPOSITORY, OWN_REPOSITORY } from '../../../../ota/client/tuf/policy.ts';
import { sha256, signer, TufRepository } from '../../../support/tuf-repository.ts';
import { refusal, TestNode } from './support.ts';

/** Delegations as [who, to whom, pattern, terminating]. */
type Edge = readonly [by: string, role: string, pattern: string, terminating?: boolean];

function graph(edges: readonly Edge[]): TufRepository {
  const repository = new TufRepository();
  for (const [by, role, pattern, terminating] of edges)
    repository.delegate(role, { by, paths: [pattern], ...(terminating ? { terminating } : {}) });
  repository.publish(...new Set(edges.map(([, role]) => role)), 'targets');
  return repository;
}

/** The delegated roles that were asked for, in order. */
async function visited(repository: TufRepository, path: string, policy = ANY_REPOSITORY): Promise<string[]> {
  const node = new TestNode(repository, policy);
  const trusted = await node.refresh();
  node.asked();
  assert.is(await trusted.target(path), undefined);
  return node.asked().map((name) => name.replace(/^1\.|\.json$/g, ''));
}

for (const [name, edges, order] of [
  ['one', [['targets', 'A', '*']], 'A'],
  [
    'children before the next sibling',
    [
      ['targets', 'A', '*'],
      ['targets', 'B', '*'],
      ['A', 'C', '*'],
      ['C', 'D', '*'],
    ],
    'ACDB',
  ],
  [
    'only roles whose paths match',
    [
      ['targets', 'A', '*.py'],
      ['targets', 'B', '*'],
      ['A', 'C', '*'],
    ],
    'B',
  ],
  [
    'each role of a chain must cover the path',
    [
      ['targets', 'A', '*'],
      ['A', 'C', '*.py'],
      ['C', 'D', '*'],
    ],
    'A',
  ],
  [
    'nothing after a terminating one',
    [
      ['targets', 'A', '*'],
      ['targets', 'B', '*'],
      ['A', 'C', '*', true],
      ['A', 'D', '*'],
    ],
    'AC',
  ],
  [
    'what is below a terminating one',
    [
      ['targets', 'A', '*', true],
      ['A', 'C', '*'],
      ['A', 'D', '*'],
      ['targets', 'B', '*'],
    ],
    'ACD',
  ],
  [
    'a terminating one about other paths ends nothing',
    [
      ['targets', 'A', '*.py', true],
      ['targets', 'B', '*'],
    ],
    'B',
  ],
] as const satisfies readonly (readonly [string, readonly Edge[], string])[])
  test(`search: ${name}`, async () => {
    for (const policy of [OWN_REPOSITORY, ANY_REPOSITORY])
      assert.is((await visited(graph(edges), 'path', policy)).join(''), order);
  });

test('case 18: a cycle is walked once', async () => {
  const edges: Edge[] = [
    ['targets', 'A', '*'],
    ['A', 'B', '*'],
    ['B', 'C', '*'],
    ['C', 'A', '*'],
  ];
  for (const policy of [OWN_REPOSITORY, ANY_REPOSITORY])
    assert.equal(await visited(graph(edges), 'path', policy), ['A', 'B', 'C']);
});

test('case 18: a diamond is searched once where the specification allows it, and refused in our own repositories', async () => {
  const edges: Edge[] = [
    ['targets', 'A', '*'],
    ['targets', 'B', '*'],
    ['A', 'C', 'x'],
    ['B', 'C', 'y'],
  ];
  assert.equal(await visited(graph(edges), 'x'), ['A', 'C', 'B']);
  const trusted = await new TestNode(graph(edges)).refresh();
  assert.is(await trusted.target('x'), undefined);
  const message = await refusal('ota-malformed', () => trusted.target('y'));
  assert.match(message, /B\.json delegates to a role that A\.json delegates to/);
});

test('case 18: what one delegator vouches for is nothing to another', async () => {
  const repository = new TufRepository();
  for (const name of ['a', 'b']) {
    repository.delegate(`parent-${name}`, { paths: [`${name}/*`] });
    repository.delegate('release', {
      by: `parent-${name}`,
      paths: [`${name}/*`],
      signers: [signer(`release-${name}`)],
    });
  }
  repository.addTarget('a/x', 'good', 'release');
  repository.addTarget('b/x', 'bad', 'release');
  repository.publish('release', 'parent-a', 'parent-b', 'targets');
  const trusted = await new TestNode(repository, ANY_REPOSITORY).refresh();
  assert.is((await trusted.target('a/x'))?.sha256, sha256(Buffer.from('good')));
  assert.match(await refusal('ota-signature', () => trusted.target('b/x')), /that parent-b\.json names/);
});

test('case 18: of 33 delegations the last is not asked', async () => {
  const edges = Array.from({ length: 33 }, (_, i): Edge => ['targets', `r${i}`, '*']);
  const names = edges.map(([, role]) => role);
  for (const policy of [OWN_REPOSITORY, ANY_REPOSITORY])
    assert.equal(await visited(graph(edges), 'path', policy), names.slice(0, 32));
});

test('case 18: our own repositories delegate four levels deep', async () => {
  const edges = Array.from({ length: 6 }, (_, i): Edge => [i === 0 ? 'targets' : `r${i - 1}`, `r${i}`, '*']);
  assert.equal(await visited(graph(edges), 'path', OWN_REPOSITORY), ['r0', 'r1', 'r2', 'r3']);
  assert.equal(await visited(graph(edges), 'path'), ['r0', 'r1', 'r2', 'r3', 'r4', 'r5']);
});

test('case 18: a role twice in one list is refused', async () => {
  const repository = graph([
    ['targets', 'A', 'x'],
    ['targets', 'A', 'y'],
  ]);
  assert.match(await new TestNode(repository).refused('ota-malformed'), /name a role twice/);
});

test('release speaks for bundles, deploy for assignments, and neither for the other', async () => {
  const repository = new TufRepository();
  repository.delegate('release', { paths: ['bundles/*/*'], terminating: true });
  repository.delegate('deploy', { paths: ['assign/*'], terminating: true });
  repository.addTarget('bundles/detector/47.json', 'bundle', 'release');
  repository.addTarget('assign/line-1.json', 'forged', 'release');
  repository.addTarget('assign/line-2.json', 'assignment', 'deploy');
  repository.addTarget('bundles/detector/48.json', 'forged', 'deploy');
  repository.publish('release', 'deploy', 'targets');
  const node = new TestNode(repository);
  const trusted = await node.refresh();
  const bundle = await trusted.target('bundles/detector/47.json');
  assert.equal(bundle, {
    path: 'bundles/detector/47.json',
    length: 6,
    sha256: sha256(Buffer.from('bundle')),
  });
  assert.is((await trusted.target('assign/line-2.json'))?.length, 10);
  assert.is(await trusted.target('assign/line-1.json'), undefined);
  assert.is(await trusted.target('bundles/detector/48.json'), undefined);
  assert.is(await trusted.target('other'), undefined);
  assert.equal(node.asked().slice(-2), ['1.release.json', '1.deploy.json'], 'each was fetched once');

  node.asked();
  const again = await node.refresh();
  assert.ok(await again.target('bundles/detector/47.json'));
  assert.equal(node.asked(), ['2.root.json', 'timestamp.json'], 'and is on disk now');
});

test('a role that cannot be had ends the search: the one after it must not answer in its place', async () => {
  const repository = graph([
    ['targets', 'A', '*'],
    ['targets', 'B', '*'],
  ]);
  repository.addTarget('x', 'content', 'B');
  repository.publish('B', 'targets');
  repository.served.delete('1.A.json');
  const trusted = await new TestNode(repository).refresh();
  await refusal('ota-missing', () => trusted.target('x'));
});

test('a delegated role that the snapshot does not list is not asked for', async () => {
  const repository = graph([['targets', 'A', '*']]);
  delete repository.says.snapshot.meta['A.json'];
  repository.sign('snapshot');
  repository.sign('timestamp');
  const node = new TestNode(repository);
  const trusted = await node.refresh();
  node.asked();
  assert.match(await refusal('ota-mismatch', () => trusted.target('x')), /not listed in snapshot/);
  assert.equal(node.asked(), []);
});

test('path_hash_prefixes delegate by the hash of the path', async () => {
  const path = 'bins/thing';
  const digest = createHash('sha256').update(path).digest('hex');
  for (const [prefix, found] of [
    [digest.slice(0, 2), true],
    [digest, true],
    [`${digest}0`, false],
    [digest.startsWith('0') ? '1' : '0', false],
  ] as const) {
    const repository = new TufRepository();
    repository.delegate('bin', { paths: [] });
    const [role] = repository.says.targets.delegations.roles;
    delete role.paths;
    role.path_hash_prefixes = [prefix];
    repository.addTarget(path, 'content', 'bin');
    repository.publish('bin', 'targets');
    const trusted = await new TestNode(repository).refresh();
    assert.is((await trusted.target(path)) !== undefined, found);
  }
});

test('a delegation by both paths and hashes is refused, and so is one by neither', async () => {
  for (const paths of [undefined, ['*']]) {
    const repository = graph([['targets', 'A', '*']]);
    const [role] = repository.says.targets.delegations.roles;
    role.paths = paths;
    if (paths) role.path_hash_prefixes = ['00'];
    repository.publish();
    await new TestNode(repository).refused('ota-malformed');
  }
});

test('a target with sha512 alone can be had by its hashes, but is no content that a node stores', async () => {
  const repository = new TufRepository();
  repository.says.targets.targets.x = { length: 1, hashes: { sha512: 'a'.repeat(128) }, custom: { any: 1 } };
  repository.publish();
  const trusted = await new TestNode(repository, ANY_REPOSITORY).refresh();
  assert.is((await trusted.targetFile('x'))?.hashes.sha512, 'a'.repeat(128));
  assert.match(await refusal('ota-malformed', () => trusted.target('x')), /without sha256/);
});

test.run();

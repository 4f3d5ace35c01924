/** Metadata that is out of date, or says nothing sensible of when it will be. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EXPIRES, NOW, TufRepository } from '../../../support/tuf-repository.ts';
import { TestNode } from './support.ts';

const EXPIRY = Date.parse(EXPIRES);
const EVERYTHING = ['root', 'timestamp', 'snapshot', 'targets', 'release'];

function expiring(role: string, at: string): { repository: TufRepository; node: TestNode } {
  const repository = new TufRepository();
  repository.delegate('release', { paths: ['bundles/*/*'], terminating: true });
  repository.says[role].expires = at;
  if (role === 'root') repository.publishRoot();
  repository.publish('release', 'targets');
  return { repository, node: new TestNode(repository) };
}

const search = async (node: TestNode, now: number) => (await node.refresh(now)).target('bundles/a/1.json');

for (const role of EVERYTHING)
  test(`case 13: ${role} is good until the millisecond before it expires, and expired at its expiry`, async () => {
    const { node } = expiring(role, '2027-06-01T00:00:00Z');
    const at = Date.parse('2027-06-01T00:00:00Z');
    assert.is(await search(node, at - 1), undefined);
    for (const now of [at, at + 1, EXPIRY])
      await search(node, now).then(
        () => assert.unreachable(),
        (error) => assert.is(error.code, 'ota-expired', error.message),
      );
    assert.is(await search(node, at - 1), undefined, 'what was refused can be had again');
  });

test('case 13: an expired root in between is no obstacle (§5.3.6), and neither is that of the factory', async () => {
  const repository = new TufRepository();
  const late = EXPIRY + 1;
  repository.publishRoot();
  for (const role of EVERYTHING.slice(0, 4)) repository.says[role].expires = '2040-01-01T00:00:00Z';
  repository.publishRoot();
  repository.publish();
  const node = new TestNode(repository);
  assert.is((await node.refresh(late)).versions.root, 3);
});

test('case 13: stored copies that have expired make way for newer ones', async () => {
  const repository = new TufRepository();
  const node = new TestNode(repository);
  for (const role of EVERYTHING.slice(1, 4)) repository.says[role].expires = '2027-06-01T00:00:00Z';
  repository.publish();
  await node.refresh();
  await node.refused('ota-expired', [], Date.parse('2027-06-01T00:00:00Z'));
  for (const role of EVERYTHING.slice(1, 4)) repository.says[role].expires = EXPIRES;
  repository.publish();
  assert.is((await node.refresh(Date.parse('2028-01-01T00:00:00Z'))).versions.timestamp, 3);
});

for (const expires of [
  '',
  'never',
  '2030-01-01',
  '2030-01-01T00:00:00',
  '2030-01-01T00:00:00+00:00',
  '2030-01-01T00:00:00.000Z',
  '2030-01-01t00:00:00z',
  '2030-01-01 00:00:00Z',
  '2030-02-30T00:00:00Z',
  '2030-13-01T00:00:00Z',
  '2030-01-01T24:00:00Z',
  '2030-01-01T00:00:60Z',
  '02030-01-01T00:00:00Z',
  '+275760-09-13T00:00:00Z',
  '２０３０-01-01T00:00:00Z',
  '2030-01-01T00:00:00Z\n',
  ' 2030-01-01T00:00:00Z',
  1893456000,
  null,
  undefined,
  ['2030-01-01T00:00:00Z'],
  { $date: '2030-01-01T00:00:00Z' },
])
  test(`case 14: ${JSON.stringify(expires)} is no time to expire at`, async () => {
    for (const role of EVERYTHING) {
      const { node } = expiring(role, expires as string);
      await search(node, NOW).then(
        () => assert.unreachable(role),
        (error) => assert.is(error.code, 'ota-malformed', error.message),
      );
    }
  });

test('case 14: the year 0000 and the year 9999 are times, long past and far ahead', async () => {
  await expiring('timestamp', '0000-01-01T00:00:00Z').node.refused('ota-expired');
  await expiring('timestamp', '9999-12-31T23:59:59Z').node.refresh();
});

test('§5.1: the time stands still during an update, also for roles that are fetched later', async () => {
  const { node } = expiring('release', '2027-06-01T00:00:00Z');
  const repository = await node.refresh(Date.parse('2027-06-01T00:00:00Z') - 1);
  assert.is(await repository.target('bundles/a/1.json'), undefined);
});

test('x-issued is told once the signature under it is good, even of a timestamp that is refused', async () => {
  const repository = new TufRepository();
  const node = new TestNode(repository);
  await node.refresh();
  assert.is(node.client.issued, undefined);
  repository.says.timestamp['x-issued'] = '2026-12-01T00:00:00Z';
  repository.publish();
  await node.refresh();
  assert.is(node.client.issued, Date.parse('2026-12-01T00:00:00Z'));

  repository.says.timestamp['x-issued'] = '2028-01-01T00:00:00Z';
  repository.says.timestamp.expires = '2028-01-02T00:00:00Z';
  repository.publish();
  await node.refused('ota-expired', ['timestamp'], EXPIRY - 1);
  assert.is(node.client.issued, Date.parse('2028-01-01T00:00:00Z'));

  repository.says.timestamp['x-issued'] = '2027-01-01T00:00:00Z';
  repository.publish();
  await node.refresh();
  assert.is(node.client.issued, Date.parse('2028-01-01T00:00:00Z'), 'it never goes back');
});

test('x-issued of an unsigned timestamp is told to nobody', async () => {
  const repository = new TufRepository();
  const node = new TestNode(repository);
  repository.says.timestamp['x-issued'] = '2029-01-01T00:00:00Z';
  repository.signers.timestamp = repository.signers.snapshot!;
  repository.publish();
  await node.refused('ota-signature');
  assert.is(node.client.issued, undefined);
});

for (const issued of ['2031-01-01T00:00:00Z', 'today', 0, null])
  test(`a timestamp that says it was issued at ${issued} is refused`, async () => {
    const repository = new TufRepository();
    repository.says.timestamp['x-issued'] = issued;
    repository.publish();
    await new TestNode(repository).refused('ota-malformed');
  });

test.run();

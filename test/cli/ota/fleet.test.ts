/** `vigie ota fleet list` and a rollout that is watched, over a real broker, with nodes that only say what they do. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connectLink, type MqttLink } from '../../../ota/protocol/mqtt-link.ts';
import type { ReportedModel } from '../../../ota/protocol/report.ts';
import { OtaTopics } from '../../../ota/protocol/topics.ts';
import { epochMillis } from '../../../runtime/core/units.ts';
import { vigieHere } from '../../support/cli.ts';
import { type Mosquitto, startMosquitto } from '../../support/mosquitto.ts';
import { fakeNode, modelOf, signedReport } from '../../support/node-reports.ts';
import { PASSPHRASE, TestRepository, writeKeys } from '../../support/ota-repository.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-fleet-cli-'));
const topics = new OtaTopics('plant');
const nodes = [fakeNode('north'), fakeNode('south')] as const;
let broker: Mosquitto;
let link: MqttLink;
let repository: TestRepository;
let counter = 0;

test.before(async () => {
  broker = await startMosquitto();
  link = await connectLink(broker.url);
  // The commands go by the machine's clock.
  repository = await TestRepository.make({ now: epochMillis(Date.now()) });
  writeFileSync(join(folder, 'passphrase'), PASSPHRASE);
  await writeKeys(join(folder, 'keys'), repository.keys);
});
test.after(async () => {
  await link.close();
  await broker.stop();
  repository.remove();
  rmSync(folder, { recursive: true });
});

const there = () => ['--broker', broker.url, '--site', 'plant'];
const keys = () => ['--key', join(folder, 'keys'), '--passphrase-file', join(folder, 'passphrase')];
const retained = { qos: 1, retain: true } as const;

async function say(model: Partial<ReportedModel>): Promise<void> {
  counter++;
  for (const node of nodes) {
    const report = signedReport(node, counter, { models: [modelOf('score', model)] });
    await link.publish(topics.state(node.node), report, retained);
  }
}

test('the fleet as a table and as JSON; doubts are shown, and a forged report is not', async () => {
  const none = await vigieHere(['ota', 'fleet', 'list', ...there(), '--wait', '0.3']);
  assert.equal([none.code, none.stdout], [0, 'no node has reported\n']);
  await say({ active: { release: 1, digest: 'ab'.repeat(32) } });
  const path = repository.folder.path;
  const list = await vigieHere(['ota', 'fleet', 'list', path, ...there(), '--wait', '0.5']);
  assert.is(list.code, 0, list.stderr);
  assert.match(list.stdout, /north +default +score 1 +0\.4\.0 +SIGNED/);
  await link.publish(topics.state('north'), signedReport(fakeNode('north'), 99), retained);
  await link.publish(topics.state('south'), Buffer.from('{}'), retained);
  const json = await vigieHere(['ota', 'fleet', 'list', path, ...there(), '--wait', '0.5', '--json']);
  const seen = JSON.parse(json.stdout).nodes as { node: string; doubts: string[]; report?: object }[];
  assert.equal(
    seen.map(({ node, doubts, report }) => [node, doubts, report]),
    [
      ['north', ['other-key'], undefined],
      ['south', ['unsigned'], undefined],
    ],
  );
  const book = JSON.parse(readFileSync(repository.folder.fleetFile, 'utf8'));
  assert.equal(Object.keys(book.nodes), ['north', 'south']);
});

test('a rollout that is watched: to all nodes when they are well, 40 and taken back when they are not', async () => {
  const one = await repository.add({ release: 1 });
  const two = await repository.add({ release: 2 });
  await repository.publish();
  const { path } = repository.folder;
  const start = (what: string) =>
    vigieHere([
      ...['ota', 'rollout', 'start', path, what, '--group', 'default', ...keys(), ...there()],
      ...['--waves', '50,100', '--hold', '0'],
    ]);
  await say({ active: { release: 1, digest: one.digest } });
  const good = await start('score/1');
  assert.is(good.code, 0, good.stderr);
  assert.match(good.stdout, /default\.score\.1 {2}done .*2 run it, 0 try it, 0 wait, 0 failed/);

  const refused = {
    release: 2,
    digest: two.digest,
    code: 'selftest-failed',
    reason: 'output score is wrong',
  };
  await say({ active: { release: 1, digest: one.digest }, refused });
  const bad = await start('score/2');
  assert.is(bad.code, 40, bad.stdout);
  assert.match(bad.stderr, /aborted .* nodes refused it or went back; (north|south): output score is wrong/);
  const status = await vigieHere(['ota', 'repo', 'status', path]);
  assert.match(status.stdout, /group default: score 1 on 100 %; 1 blocked/);
});

test('no broker is 30, a broker in the wrong words is 2', async () => {
  assert.is(
    (await vigieHere(['ota', 'fleet', 'list', '--broker', 'mqtt://127.0.0.1:1', '--site', 'x'])).code,
    30,
  );
  assert.is((await vigieHere(['ota', 'fleet', 'list', '--broker', 'http://x', '--site', 'x'])).code, 2);
  assert.is((await vigieHere(['ota', 'fleet', 'list', ...there(), '--forget', 'north'])).code, 2);
});

test.run();

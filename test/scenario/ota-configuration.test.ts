/** A configuration that comes with a signed assignment: a wrong one is refused, one that does harm is taken back. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import { writeBlob } from '../../ota/publish/repository/add.ts';
import { scoreCase, scoreOnnx } from '../support/bundles.ts';
import { Fleet } from '../support/fleet.ts';
import { freePort, type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { killNodes, runNode } from '../support/node.ts';
import { nodeConfig, startUpdateNode, type UpdateNode } from '../support/update-node.ts';

let fleet: Fleet;
let broker: Mosquitto;
let node: UpdateNode;
let own: { sources: [{ file: string }]; [section: string]: unknown };

test.before(async () => {
  broker = await startMosquitto();
  fleet = new Fleet();
  await fleet.add({ release: 1, model: scoreOnnx(2), cases: [scoreCase([1, 2], 3)] });
  await fleet.assign([{ release: 1 }]);
  await fleet.serve(broker.url);
  const options = { fleet, broker: broker.url, httpPort: await freePort() };
  own = nodeConfig(options) as typeof own;
  node = startUpdateNode(options);
  await node.until('release 1 to serve', ({ active }) => active?.release === 1);
});
test.after(async () => {
  killNodes();
  await fleet?.remove();
  await broker?.stop();
  node?.folder.remove();
});

async function push(sections: object): Promise<string> {
  const bytes = Buffer.from(stringify(sections));
  const sha256 = writeBlob(fleet.folder, bytes);
  await fleet.assign([{ release: 1 }], { configuration: { sha256, length: bytes.length } });
  return sha256;
}

/** The start number `count` of the node in this process, and what it ran on. */
const started = async (count: number) => {
  const starts = () => node.node.lines.filter(({ event }) => event === 'node.started');
  const line = await node.node.logged('node.started', () => starts().length >= count);
  assert.ok(line);
  return String(starts()[count - 1]!.file);
};

test('a configuration that cannot run, or says who the node is, is refused with its problems', async () => {
  for (const [sections, problem] of [
    [{ anomaly: { alarm: { delayOnn: '1s' } } }, /delayOnn/],
    [{ node: { site: 'elsewhere', name: 'other' } }, /every node keeps the one of its own file/],
  ] as const) {
    const from = node.node.lines.length;
    await push(sections);
    const line = await node.node.logged('ota.configuration.refused', () => true, from);
    assert.match(JSON.stringify(line), problem);
  }
  assert.is((await node.status()).configuration, null);
  assert.is(node.node.lines.filter(({ event }) => event === 'node.started').length, 1);
});

test('one that silences a source is tried, and the node goes back to what ran before', async () => {
  const broken = { sources: [{ ...own.sources[0], file: 'nowhere.csv' }] };
  await push(broken);
  assert.match(await started(2), /pushed\/vigie\.yaml$/);
  const { reason } = await node.node.logged('config.rolled-back');
  assert.match(reason, /rows/);
  assert.is(await started(3), node.folder.configFile);
  await node.until('the model', ({ serving }) => serving?.release === 1);
});

test('a good one runs, over the sections of the node that it does not have, and stays over a restart', async () => {
  await push({ log: { level: 'debug' } });
  const file = await started(4);
  assert.match(file, /pushed\/vigie\.yaml$/);
  const text = readFileSync(file, 'utf8');
  assert.match(text, /debug/);
  assert.match(text, /rows\.csv/);
  await node.until('the model', ({ serving }) => serving?.release === 1);
  await node.node.stop();
  node.start();
  assert.match(await started(1), /pushed\/vigie\.yaml$/);
  await node.node.stop();
});

test('a node in safe mode takes one too, and ends, to be started on it', async () => {
  const safe = runNode(node.folder, { args: ['--safe'] });
  await safe.logged('safe-mode.entered');
  await push({ log: { level: 'warn' } });
  assert.equal(await safe.exit, { code: 10, signal: null });
  assert.match(readFileSync(join(node.folder.dataDir, 'pushed/vigie.yaml'), 'utf8'), /warn/);
});

test.run();

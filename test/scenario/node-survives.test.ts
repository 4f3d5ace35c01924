/** A part of the machine is missing or broken: the node says which, and runs on with the rest. */

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../runtime/core/paths.ts';
import { findDatabase, forEachRecord } from '../../runtime/sinks/outbox/inspect.ts';
import { closeDevices, startDevice, type TcpDevice } from '../sources/modbus/device.ts';
import { freePort } from '../support/mosquitto.ts';
import { getJson, killNodes, nodeFolder, runNode } from '../support/node.ts';
import { waitFor } from '../support/wait.ts';

test.after(killNodes);
test.after(closeDevices);

const config = (device: TcpDevice, httpPort: number) => ({
  node: { site: 'test', name: 'tough' },
  sources: [
    {
      type: 'modbus',
      name: 'plc',
      tcp: { host: '127.0.0.1', port: device.port },
      period: '100ms',
      units: [{ id: 1, tags: [{ name: 'level', address: 0 }] }],
    },
  ],
  outbox: { readings: { batch: '1s' } },
  http: { port: httpPort },
});

const polled = (device: TcpDevice) => {
  const from = device.asked.length;
  return waitFor('polls', () => device.asked.length > from + 2);
};

test('a data directory that cannot be made: said twice over, and the node reads and shows', async () => {
  const [device, http] = [await startDevice(), await freePort()];
  const folder = nodeFolder(config(device, http));
  const node = runNode(folder, { dataDir: join(folder.configFile, 'data') });
  const { message } = await node.logged('config.keep.failed');
  assert.match(message, /vigie\.yaml\/data: .*--data-dir/);
  const fault = await node.logged('outbox.disk.fault');
  assert.match(fault.message, /vigie\.yaml\/data/);
  await node.logged('node.started');
  await polled(device);
  const { components } = await getJson(http, '/api/status');
  assert.is(components.outbox.state, 'failed');
  assert.is(components.plc.state, 'ok');
  assert.equal(await node.stop(), { code: 0, signal: null, late: [] });
  await node.logged('outbox.stop.lost');
  assert.is(node.stderr(), '');
  folder.remove();
});

test('the port of the dashboard is taken: degraded, and served once it is free', async () => {
  const [device, http] = [await startDevice(), await freePort()];
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(http, '127.0.0.1', resolve));
  const folder = nodeFolder(config(device, http));
  const node = runNode(folder);
  const { message } = await node.logged('dashboard.listen.failed');
  assert.match(message, new RegExp(`port ${http} of 127\\.0\\.0\\.1 is in use`));
  await node.logged('node.started');
  await polled(device);
  await new Promise((resolve) => squatter.close(resolve));
  await node.logged('dashboard.listen.ok');
  assert.is((await getJson(http, '/api/status')).components.dashboard.state, 'ok');
  assert.equal(await node.stop(), { code: 0, signal: null, late: [] });
  folder.remove();
});

for (const [what, damage] of [
  ['overwritten', (path: string) => writeFileSync(path, 'no database at all '.repeat(500))],
  ['cut short', (path: string) => truncateSync(path, 5000)],
] as const) {
  test(`an outbox that was ${what} is moved aside, reported, and the node runs on`, async () => {
    const [device, http] = [await startDevice(), await freePort()];
    const folder = nodeFolder(config(device, http));
    const before = runNode(folder);
    await before.logged('node.started');
    await waitFor('records', async () => (await getJson(http, '/api/status')).outbox.records > 0);
    await before.stop();
    damage(findDatabase(folder.dataDir));
    const node = runNode(folder);
    const aside = await node.logged('outbox.file.aside');
    assert.match(aside.path, /outbox\.db\.corrupt-1$/);
    const { bootId } = await node.logged('outbox.opened');
    const outbox = async () => (await getJson(http, '/api/status')).components.outbox;
    await node.logged('node.started');
    assert.is((await outbox()).state, 'degraded');
    assert.match((await outbox()).detail, /outbox\.db\.corrupt-1/);
    await polled(device);
    await node.stop();
    const seqs: number[] = [];
    await forEachRecord(findDatabase(folder.dataDir), async (row) => {
      if (row.bootId === bootId) seqs.push(row.seq);
    });
    assert.ok(seqs.length > 0, 'new records are kept');
    folder.remove();
  });
}

test('without the native addon the node runs, and says what it does without', async () => {
  const root = mkdtempSync(join(tmpdir(), 'vigie-root-'));
  for (const name of ['runtime', 'device-profiles', 'package.json'])
    cpSync(join(packageRoot, name), join(root, name), { recursive: true });
  symlinkSync(join(packageRoot, 'node_modules'), join(root, 'node_modules'));
  const [device, http] = [await startDevice(), await freePort()];
  const folder = nodeFolder(config(device, http));
  const node = runNode(folder, { root });
  const { message, error } = await node.logged('addon.missing');
  assert.match(message, /runs without it/);
  assert.match(error, /npm run build:native/);
  await node.logged('node.started');
  await polled(device);
  assert.is((await getJson(http, '/api/status')).components.plc.state, 'ok');
  assert.equal(await node.stop(), { code: 0, signal: null, late: [] });
  folder.remove();
  rmSync(root, { recursive: true });
});

test('a log that nobody reads any more does not end the node', async () => {
  const http = await freePort();
  const folder = nodeFolder({ node: { site: 'test', name: 'mute' }, http: { port: http } });
  const node = runNode(folder);
  await node.logged('node.started');
  node.child.stdout!.destroy();
  for (const level of ['debug', 'info', 'debug']) {
    folder.configure({ node: { site: 'test', name: 'mute' }, log: { level }, http: { port: http } });
    node.signal('SIGHUP');
    await waitFor('the reload', async () => {
      const kept = join(folder.dataDir, 'vigie.last-known-good.yaml');
      return readFileSync(kept, 'utf8').includes(`level: ${level}`);
    });
  }
  assert.is((await getJson(http, '/readyz')).ready, true);
  node.signal('SIGTERM');
  assert.equal(await node.exit, { code: 0, signal: null });
  folder.remove();
});

test.run();

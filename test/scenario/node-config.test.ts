/** What a changed, a broken or a half-broken configuration does to a node: at its start and at SIGHUP. */

import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import { endAll, subscribe } from '../sinks/mqtt/harness.ts';
import { closeDevices, startDevice, type TcpDevice } from '../sources/modbus/device.ts';
import { freePort, startMosquitto } from '../support/mosquitto.ts';
import { getJson, killNodes, nodeFolder, type RunningNode, runNode } from '../support/node.ts';
import { waitFor } from '../support/wait.ts';

test.after(killNodes);
test.after(endAll);
test.after(closeDevices);

const source = (name: string, device: TcpDevice, over: object = {}) => ({
  type: 'modbus',
  name,
  tcp: { host: '127.0.0.1', port: device.port },
  period: '100ms',
  units: [{ id: 1, tags: [{ name: `${name}-0`, address: 0 }] }],
  ...over,
});

const config = (httpPort: number, sources: object[], over: object = {}) => ({
  node: { site: 'test', name: 'config' },
  sources,
  http: { port: httpPort },
  ...over,
});

/** SIGHUP, and the lines of the log from there to the end of the reload. */
async function reload(node: RunningNode, end = 'config.reload.done') {
  const from = node.lines.length;
  node.signal('SIGHUP');
  const line = await node.logged(end, () => true, from);
  return { line, lines: node.lines.slice(from) };
}

test('the start says once which device profile was chosen, and why; another one waits for a restart', async () => {
  const http = await freePort();
  const named = (profile: string) => config(http, [], { device: { profile } });
  const folder = nodeFolder(named('jetson-nano'));
  const node = runNode(folder);
  const chosen = await node.logged('device.profile.chosen');
  assert.equal([chosen.profile, chosen.why], ['jetson-nano', 'named by device.profile']);
  await node.logged('node.started');
  folder.configure(named('raspberry-pi-5'));
  const { lines } = await reload(node);
  assert.equal(lines.find(({ event }) => event === 'config.reload.needs-restart')?.keys, ['device']);
  assert.is(node.lines.filter(({ event }) => event === 'device.profile.chosen').length, 1);
});

test('SIGHUP takes over what it can, and says what waits for a restart', async () => {
  const [a, b] = [await startDevice(), await startDevice()];
  const http = await freePort();
  const [plc, pump] = [source('plc', a), source('pump', b)];
  const folder = nodeFolder(config(http, [plc, pump]));
  const node = runNode(folder);
  await node.logged('node.started');
  await waitFor('both to be read', () => a.asked.length > 0 && b.asked.length > 0);

  const unchanged = await reload(node);
  assert.equal(unchanged.line.sources, []);

  folder.configure(config(http, [plc, pump], { log: { level: 'debug' } }));
  assert.is((await reload(node)).line.logLevel, 'debug');

  const faster = source('plc', a, { timeout: '700ms', maxGap: 0 });
  folder.configure(config(http, [faster, pump]));
  const timing = await reload(node);
  assert.equal([timing.line.sources, timing.line.logLevel], [['plc'], 'info']);
  await waitFor('a new connection', () => a.connections === 2);
  const asked = a.asked.length;
  await waitFor('it to be read on', () => a.asked.length > asked + 2);
  assert.is(b.connections, 1, 'the other source was left alone');

  const other = source('plc', a, { units: [{ id: 1, tags: [{ name: 'plc-new', address: 4 }] }] });
  folder.configure(config(http, [other, pump]));
  const tagChange = await reload(node);
  assert.equal(tagChange.lines.find(({ event }) => event === 'config.reload.needs-restart')?.keys, [
    'sources',
  ]);
  assert.equal(tagChange.line.sources, []);

  // Part of a change is taken over once; the rest is said again at each reload, until the restart.
  const slower = source('pump', b, { timeout: '900ms' });
  const anomaly = { enabled: false };
  folder.configure(config(http, [faster, slower], { anomaly }));
  for (const expected of [['pump'], []]) {
    const { line, lines } = await reload(node);
    assert.equal(line.sources, expected);
    assert.equal(lines.find(({ event }) => event === 'config.reload.needs-restart')?.keys, ['anomaly']);
  }
  assert.equal((await getJson(http, '/api/status')).config, {
    state: 'ok',
    problems: [],
    needsRestart: ['anomaly'],
  });
  assert.equal(await node.stop(), { code: 0, signal: null, late: [] });
  folder.remove();
});

test('a broken file at SIGHUP is refused with its places, and the node runs on', async () => {
  const device = await startDevice();
  const http = await freePort();
  const good = config(http, [source('plc', device)]);
  const folder = nodeFolder(good);
  const node = runNode(folder);
  await node.logged('node.started');
  folder.configure(`${stringify(good)}lgo: {}\n`);
  const { lines } = await reload(node, 'config.reload.refused');
  const problem = lines.find(({ event }) => event === 'config.problem')!;
  const line = stringify(good).split('\n').length;
  assert.is(problem.message, `${folder.configFile}:${line}:1: lgo: unknown key; did you mean 'log'?`);
  const asked = device.asked.length;
  await waitFor('polls to go on', () => device.asked.length > asked + 2);
  const { config: state } = await getJson(http, '/api/status');
  assert.equal([state.state, state.problems], ['last-known-good', [problem.message]]);

  // A device that is wrong now: the running set of tags stays until a restart, and the place is said.
  folder.configure({ ...good, sources: [...good.sources, { type: 'modbus', name: 'half' }] });
  const half = await reload(node);
  assert.ok(
    half.lines.some(({ event, message }) => event === 'config.problem' && /sources\[1\]/.test(message)),
  );
  assert.is((await getJson(http, '/api/status')).config.state, 'quarantine');

  folder.configure(good);
  await reload(node);
  assert.equal((await getJson(http, '/api/status')).config, { state: 'ok', problems: [] });
  assert.is(device.connections, 1);
  // Signals in a burst are worked off one after the other.
  for (let i = 0; i < 5; i++) node.signal('SIGHUP');
  assert.equal(await node.stop(), { code: 0, signal: null, late: [] });
  folder.remove();
});

test('a bad file at the first start ends with 78 and the place of every problem', async () => {
  const folder = nodeFolder('node: { site: test }\nlog: { level: verbose }\nmqtt: { url: broker }\n');
  const node = runNode(folder);
  assert.equal(await node.exit, { code: 78, signal: null });
  const file = folder.configFile;
  for (const place of [`${file}:1:7: node.name`, `${file}:2:15: log.level`, `${file}:3:14: mqtt.url`])
    assert.ok(node.stderr().includes(place), `${place} in ${node.stderr()}`);
  assert.is(node.stdout(), '');
  assert.not.match(node.stderr(), /\n {4}at /, 'no stack for what a person wrote');
  folder.remove();
});

test('a bad file at a later start runs the last good one, and log, status topic and dashboard say so', async () => {
  const device = await startDevice();
  const broker = await startMosquitto();
  const http = await freePort();
  const mqtt = { url: broker.url };
  const folder = nodeFolder(config(http, [source('plc', device)], { mqtt }));
  const before = runNode(folder);
  await before.logged('node.started');
  await before.stop();
  folder.configure('node: { site: test, name: other }\nsources: 3\n');
  const node = runNode(folder);
  await node.logged('node.started');
  const { message } = await node.logged('config.problem');
  assert.is(message, `${folder.configFile}:2:10: sources: expected array, found 3`);
  const { config: state, node: name } = await getJson(http, '/api/status');
  assert.equal([state.state, state.problems, name], ['last-known-good', [message], 'config']);
  const ears = await subscribe(broker.url, 'vigie/test/config/status');
  await waitFor('the status', () => ears.messages.some(({ body }) => body.state === 'online'));
  assert.equal(ears.messages.at(-1)!.body.config, { state: 'last-known-good', problems: [message] });
  const asked = device.asked.length;
  await waitFor('polls', () => device.asked.length > asked + 2);
  await node.stop();
  await ears.close();
  await broker.stop();
  folder.remove();
});

test('a model that cannot be used is a problem from the start, over reloads, to the restart', async () => {
  const device = await startDevice();
  const http = await freePort();
  const anomaly = {
    models: [{ name: 'own', file: '/nowhere/model.onnx', group: 'default', inputs: ['plc-0'], limit: 1 }],
  };
  const folder = nodeFolder(config(http, [source('plc', device)], { anomaly }));
  const node = runNode(folder);
  await node.logged('node.started');
  const { message } = await node.logged('config.problem');
  assert.match(message, /model\.onnx/);
  await reload(node);
  const expected = { state: 'quarantine', problems: [message] };
  assert.equal((await getJson(http, '/api/status')).config, expected);
  await waitFor('polls', () => device.asked.length > 2);
  assert.equal(await node.stop(), { code: 0, signal: null, late: [] });
  folder.remove();
});

test('a unit that is configured wrongly is left out while the others run', async () => {
  const device = await startDevice();
  const http = await freePort();
  const units = [
    { id: 1, tags: [{ name: 'good', address: 0 }] },
    { id: 2, tags: [{ name: 'bad', address: 70_000 }] },
  ];
  const folder = nodeFolder(config(http, [source('plc', device, { units })]));
  const node = runNode(folder);
  await node.logged('node.started');
  const { message, state } = await node.logged('config.problem');
  assert.is(state, 'quarantine');
  assert.match(message, /vigie\.yaml:\d+:\d+: sources\[0\]\.units\[1\]\.tags\[0\]\.address: .*at most 65535/);
  await waitFor('the good unit', () => device.count(1) > 2);
  assert.is(device.count(2), 0);
  const status = await getJson(http, '/api/status');
  assert.equal([status.config.state, status.config.problems.length], ['quarantine', 1]);
  const names = (await getJson(http, '/api/tags')).tags.map(({ name }: { name: string }) => name);
  assert.equal(names, ['good']);
  await node.stop();
  folder.remove();
});

test('a SIGHUP while the node still reads its configuration reloads it later, and ends nothing', async () => {
  const folder = nodeFolder();
  const real = join(folder.path, 'real.yaml');
  writeFileSync(real, stringify(config(await freePort(), [])));
  // Reading a named pipe takes until somebody writes to it.
  execFileSync('mkfifo', [folder.configFile]);
  const node = runNode(folder);
  let pipe: number | undefined;
  await waitFor('the node to open its configuration', () => {
    pipe = openIfRead(folder.configFile);
    return pipe !== undefined;
  });
  node.signal('SIGHUP');
  renameSync(real, folder.configFile);
  writeSync(pipe!, 'half of a file');
  closeSync(pipe!);
  await node.logged('config.reload.done');
  assert.is((await node.stop()).code, 0);
  folder.remove();
});

/** The pipe to write to, once somebody reads it. */
function openIfRead(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

test.run();

/** What `vigie run` writes: JSON lines on standard output, and never a secret, anywhere. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TcpDevice } from '../sources/modbus/device.ts';
import { freePort, startMosquitto } from '../support/mosquitto.ts';
import { killNodes, nodeFolder, runNode } from '../support/node.ts';
import { waitFor } from '../support/wait.ts';

test.after(killNodes);
const device = new TcpDevice();
test.after(() => device.close());

const BROKER_SECRET = 'kingfisher-4711-broker';
const PAGE_SECRET = 'kingfisher-0815-page';

function allFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test('only JSON lines on stdout, nothing on stderr, no secret in the log at level trace or on disk', async () => {
  const broker = await startMosquitto({ passwords: { node: BROKER_SECRET } });
  await device.listen();
  const http = await freePort();
  const folder = nodeFolder();
  const file = (name: string, text: string) => {
    writeFileSync(join(folder.path, name), text);
    return join(folder.path, name);
  };
  const brokerFile = file('broker-password', `${BROKER_SECRET}\n`);
  folder.configure({
    node: { site: 'test', name: 'quiet' },
    log: { level: 'trace' },
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
    mqtt: {
      url: broker.url,
      username: 'node',
      passwordFile: brokerFile,
      reconnect: { min: '100ms', max: '200ms' },
    },
    http: { port: http, passwordFile: file('page-password', `${PAGE_SECRET}\n`) },
  });
  const node = runNode(folder);
  await node.logged('mqtt.connection.up');
  const login = (password: string) => ({
    headers: { authorization: `Basic ${Buffer.from(`vigie:${password}`).toString('base64')}` },
  });
  const status = async (password: string) =>
    (await fetch(`http://127.0.0.1:${http}/api/status`, login(password))).status;
  await waitFor('the page', async () => (await status(PAGE_SECRET)) === 200);
  assert.is(await status(`${PAGE_SECRET}-wrong`), 401);
  await node.logged('dashboard.login.failed');
  // The broker stops letting the node in: the refusal is told, the password is not.
  broker.setPasswords({ node: 'another' });
  await broker.halt();
  await broker.resume();
  await node.logged('mqtt.connection.lost', ({ message }) => /password/.test(message));
  node.signal('SIGHUP');
  await node.logged('config.reload.done');
  const { code } = await node.stop();
  assert.equal([code, node.strays, node.stderr()], [0, [], '']);
  for (const line of node.lines) {
    assert.type(line.event, 'string', JSON.stringify(line));
    assert.match(line.event, /^[a-z0-9]+(\.[a-z0-9-]+)+$/);
    assert.match(line.time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.ok(['trace', 'debug', 'info', 'warn', 'error', 'fatal'].includes(line.level));
  }
  const bytes = [node.stdout(), ...allFiles(folder.dataDir).map((path) => readFileSync(path, 'latin1'))].join(
    '\n',
  );
  for (const secret of [BROKER_SECRET, PAGE_SECRET]) {
    for (const form of [
      secret,
      Buffer.from(secret).toString('base64').replace(/=+$/, ''),
      encodeURIComponent(secret),
    ])
      assert.not.ok(bytes.includes(form), 'a secret is in the log or in the data directory');
  }
  await broker.stop();
  folder.remove();
});

test.run();

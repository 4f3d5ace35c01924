/** The node as a service: what it tells its manager, and that it gives no sign of life when it hangs. */

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../runtime/core/paths.ts';
import { closeDevices, startDevice } from '../sources/modbus/device.ts';
import { freePort } from '../support/mosquitto.ts';
import { killNodes, nodeFolder, runNode } from '../support/node.ts';
import { type NotifySocket, notifySocket } from '../support/notify-socket.ts';
import { waitFor } from '../support/wait.ts';

test.after(killNodes);
const sockets: NotifySocket[] = [];
test.after(async () => {
  await closeDevices();
  for (const socket of sockets) await socket.close();
});

const config = (port: number, httpPort: number) => ({
  node: { site: 'test', name: 'served' },
  sources: [
    {
      type: 'modbus',
      name: 'plc',
      tcp: { host: '127.0.0.1', port },
      period: '50ms',
      timeout: '300ms',
      units: [{ id: 1, tags: [{ name: 'level', address: 0 }] }],
    },
  ],
  http: { port: httpPort },
});

async function socket(): Promise<NotifySocket> {
  const made = await notifySocket();
  sockets.push(made);
  return made;
}

const alive = (manager: NotifySocket) => manager.messages().filter(([line]) => line === 'WATCHDOG=1').length;
const WATCHDOG_USEC = '1000000';

test('ready after the first good reading; alive while it reads; silent when its only source hangs, and says why', async () => {
  const plc = await startDevice();
  const folder = nodeFolder(config(plc.port, await freePort()));
  const manager = await socket();
  const runtime = join(folder.path, 'run');
  mkdirSync(runtime);
  const node = runNode(folder, {
    env: {
      NOTIFY_SOCKET: manager.address,
      WATCHDOG_USEC,
      RUNTIME_DIRECTORY: runtime,
      NODE_OPTIONS: `--import=${join(packageRoot, 'test/support/hang-bus.ts')}`,
    },
  });
  await waitFor('READY', () => manager.messages().some((lines) => lines.includes('READY=1')));
  assert.equal(
    manager.messages().find((lines) => lines.includes('READY=1')),
    ['READY=1', 'STATUS=reading'],
  );
  await waitFor('a status line', () => /; 1 tag/.test(manager.status()));
  assert.match(readFileSync(`/proc/${node.child.pid}/environ`, 'utf8'), /NOTIFY_SOCKET/, 'it was given');
  await waitFor('signs of life', () => alive(manager) > 3);

  node.signal('SIGUSR2');
  const { why } = await node.logged('service.watchdog.starved');
  assert.match(why, /no source has delivered anything for \d+ s/);
  await node.logged('source.silent');
  const before = alive(manager);
  await sleep(1500);
  assert.is(alive(manager), before, 'no sign of life in more than the time that the manager waits');
  assert.match(manager.status(), /^stuck: no source/);
  assert.match(readFileSync(join(runtime, 'last-words'), 'utf8'), /no source has delivered/);
  // The event loop turns all the while: the page answers.
  const said = await fetch(
    `http://127.0.0.1:${(await node.logged('dashboard.listen.ok')).url.split(':')[2]}healthz`,
  );
  assert.is(said.status, 200);
  node.signal('SIGKILL');
  await node.exit;
  folder.remove();
});

test('a plant that does not answer: ready all the same, and said; stopped from outside it is silent; a stop is announced', async () => {
  const folder = nodeFolder(config(await freePort(), await freePort()));
  const manager = await socket();
  const node = runNode(folder, { env: { NOTIFY_SOCKET: manager.address, WATCHDOG_USEC } });
  await waitFor('READY', () => manager.messages().some((lines) => lines.includes('READY=1')));
  const [, status] = manager.messages().find((lines) => lines.includes('READY=1'))!;
  assert.match(
    status!,
    /^STATUS=degraded, nothing was read yet: plc: cannot connect .*nothing listens/,
    status,
  );
  await waitFor('signs of life', () => alive(manager) > 3);

  node.signal('SIGSTOP');
  await sleep(300);
  const before = alive(manager);
  await sleep(1200);
  assert.is(alive(manager), before);
  node.signal('SIGCONT');
  await waitFor('signs of life again', () => alive(manager) > before);

  node.signal('SIGHUP');
  await waitFor('a reload', () => manager.messages().some(([line]) => line === 'RELOADING=1'));
  await waitFor('its end', () => manager.messages().filter(([line]) => line === 'READY=1').length === 2);
  await node.stop();
  assert.ok(manager.messages().some(([line]) => line === 'STOPPING=1'));
  folder.remove();
});

test('without the native addon systemd-notify speaks for the node', async () => {
  const plc = await startDevice();
  const folder = nodeFolder(config(plc.port, await freePort()));
  const manager = await socket();
  const node = runNode(folder, {
    env: { NOTIFY_SOCKET: manager.address, WATCHDOG_USEC, VIGIE_ADDON: join(folder.path, 'none.node') },
  });
  await waitFor('READY', () => manager.messages().some((lines) => lines.includes('READY=1')));
  await waitFor('signs of life', () => alive(manager) > 1);
  await node.stop();
  folder.remove();
});

test('a configuration that cannot run ends with 78, and its problems are the last words', async () => {
  const folder = nodeFolder('node: { site: here }\n');
  const runtime = join(folder.path, 'run');
  const node = runNode(folder, { env: { RUNTIME_DIRECTORY: runtime } });
  assert.equal(await node.exit, { code: 78, signal: null });
  assert.match(readFileSync(join(runtime, 'last-words'), 'utf8'), /vigie\.yaml:1:\d+: node/);
  folder.remove();
});

test.run();

/** `vigie run --safe`: a node that measures nothing says why, keeps its page, and leaves when it was mended. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { askNode } from '../../runtime/cli/ask-node.ts';
import { closeDevices, startDevice } from '../sources/modbus/device.ts';
import { freePort } from '../support/mosquitto.ts';
import { getJson, killNodes, type NodeFolder, nodeFolder, runNode } from '../support/node.ts';
import { waitFor } from '../support/wait.ts';

test.after(killNodes);
test.after(closeDevices);

function config(port: number, httpPort: number) {
  return {
    node: { site: 'test', name: 'tired' },
    sources: [
      {
        type: 'modbus',
        name: 'plc',
        tcp: { host: '127.0.0.1', port },
        units: [{ id: 1, tags: [{ name: 'level', address: 0 }] }],
      },
    ],
    http: { port: httpPort },
  };
}

function safeNode(folder: NodeFolder, end?: string, words?: string) {
  const runtime = join(folder.path, 'run');
  mkdirSync(runtime, { recursive: true });
  if (end !== undefined) writeFileSync(join(runtime, 'last-end'), end);
  if (words !== undefined) writeFileSync(join(runtime, 'last-words'), words);
  return runNode(folder, { args: ['--safe'], env: { RUNTIME_DIRECTORY: runtime } });
}

test('it polls nothing, says on its page and its socket why, and ends with 10 when the configuration is mended', async () => {
  const device = await startDevice();
  const http = await freePort();
  const folder = nodeFolder(config(device.port, http));
  const node = safeNode(folder, 'watchdog dumped ABRT', 'no source has delivered anything for 120 s');
  const { why } = await node.logged('safe-mode.entered');
  assert.match(why, /ended by the watchdog; it said last: no source has delivered/);
  await node.logged('dashboard.listen.ok');
  const status = await getJson(http, '/api/status');
  assert.is(status.health.state, 'degraded');
  assert.match(
    status.components['safe-mode'].detail,
    /^SAFE MODE, nothing is measured: .*systemctl restart vigie/,
  );
  assert.is(status.components.plc, undefined);
  const ready = await fetch(`http://127.0.0.1:${http}/readyz`);
  assert.is(ready.status, 503);
  assert.match(await ready.text(), /safe-mode failed: SAFE MODE/);
  const asked = await askNode(folder.dataDir, 'node-status');
  assert.match(JSON.stringify(asked), /SAFE MODE/);
  assert.is(device.connections, 0);

  // Worse first: it stays. Then mended: it leaves.
  folder.configure('node: { site: test }\n');
  const changed = await node.logged('safe-mode.configuration.changed');
  assert.is(changed.good, false);
  folder.configure(config(device.port + 1, http));
  await node.logged('safe-mode.configuration.changed', (line) => line.good === true);
  assert.equal(await node.exit, { code: 10, signal: null });
  folder.remove();
});

test('without any configuration that can run it is there under the name of the machine, and says what is wrong', async () => {
  const folder = nodeFolder('node: { site: test }\nsources: 7\n');
  const node = safeNode(folder, 'exit-code exited 78');
  const { why } = await node.logged('safe-mode.entered');
  assert.match(why, /ended with status 78.*vigie\.yaml:1:\d+: node.*name/s);
  const asked = await askNode(folder.dataDir, 'node-status');
  assert.match(JSON.stringify(asked), /SAFE MODE.*vigie\.yaml/s);
  node.signal('SIGTERM');
  assert.equal(await node.exit, { code: 0, signal: null }, 'stopped on request is not left for another try');
  folder.remove();
});

test('safe mode that does not stay up itself goes on without broker, updates and native code', async () => {
  const folder = nodeFolder({ ...config(1, await freePort()), mqtt: { url: 'mqtt://127.0.0.1:1' } });
  for (const bare of [false, false, true]) {
    const node = safeNode(folder, 'signal killed SEGV');
    await node.logged('node.started');
    const { components } = await askNode(folder.dataDir, 'node-status');
    assert.is('mqtt' in (components as object), !bare);
    assert.is(
      node.lines.some(({ event }) => event === 'addon.missing'),
      bare,
    );
    node.signal('SIGKILL');
    await node.exit;
  }
  assert.is(readFileSync(join(folder.path, 'run/safe-mode'), 'utf8'), '0 3');
  folder.remove();
});

test('a pushed configuration on trial is the first suspect: safe mode goes back from it', async () => {
  const folder = nodeFolder(config(1, await freePort()));
  const pushed = join(folder.dataDir, 'pushed');
  mkdirSync(pushed);
  writeFileSync(join(pushed, 'vigie.yaml'), 'node: { site: test, name: pushed }\n');
  writeFileSync(join(pushed, 'state.json'), '{"startsLeft":1,"well":[],"hasBefore":false}');
  const node = safeNode(folder);
  const { file } = await node.logged('node.started');
  assert.is(file, folder.configFile);
  const state = await waitFor('the state', () => readFileSync(join(pushed, 'state.json'), 'utf8'));
  assert.match(state, /did not stay up/);
  await node.stop();
  folder.remove();
});

test.run();

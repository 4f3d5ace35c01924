/** `vigie doctor` finds what is wrong around a node, and says the fix. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import type { Finding } from '../../runtime/cli/doctor/finding.ts';
import { TcpDevice } from '../sources/modbus/device.ts';
import { vigie } from '../support/cli.ts';
import { freePort, startMosquitto } from '../support/mosquitto.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-doctor-'));
const device = new TcpDevice();
test.after(async () => {
  await device.close();
  rmSync(folder, { recursive: true, force: true });
});

const unit = { id: 1, tags: [{ name: 't', address: 0 }] };
const plc = (name: string, port: number) => ({
  type: 'modbus',
  name,
  tcp: { host: '127.0.0.1', port },
  units: [{ ...unit, tags: [{ name, address: 0 }] }],
});

async function diagnose(config: object | string, dataDir = folder) {
  const file = join(folder, 'vigie.yaml');
  writeFileSync(file, typeof config === 'string' ? config : stringify(config));
  const { code, stdout, stderr } = await vigie(['doctor', '--json', '--config', file, '--data-dir', dataDir]);
  assert.is(stderr, '');
  const findings = JSON.parse(stdout) as Finding[];
  for (const { check, state, fix } of findings)
    assert.ok(state === 'ok' ? fix === '' : fix !== '', `${check}: ${state} goes with '${fix}'`);
  const found = (check: string) => {
    const finding = findings.find((one) => one.check === check);
    if (!finding) throw new Error(`nothing about ${check} in ${stdout}`);
    return finding;
  };
  return { code, findings, found };
}

test('a dead bus, a missing port, a refusing broker, a taken dashboard port: each with its fix', async () => {
  const broker = await startMosquitto({ passwords: { node: 'right' } });
  const squatter = createServer().listen(0, '127.0.0.1').unref();
  await new Promise((resolve) => squatter.once('listening', resolve));
  const password = join(folder, 'password');
  writeFileSync(password, 'wrong-on-purpose\n');
  const { code, findings, found } = await diagnose({
    node: { site: 'test', name: 'ill' },
    sources: [
      plc('dead-bus', await freePort()),
      {
        type: 'modbus',
        name: 'no-port',
        serial: { path: '/dev/serial/by-id/usb-none' },
        units: [{ ...unit, tags: [{ name: 'rtu', address: 0 }] }],
      },
      { type: 'replay', name: 'no-file', file: 'none.csv', tags: [{ name: 'column' }] },
    ],
    mqtt: { url: broker.url, username: 'node', passwordFile: password },
    http: { port: (squatter.address() as { port: number }).port },
  });
  assert.is(code, 1);
  assert.is(found('source dead-bus').state, 'failure');
  assert.match(found('source dead-bus').detail, /127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  assert.match(found('source dead-bus').fix, /address, port, cable and firewall/);
  assert.is(found('source no-port').state, 'failure');
  assert.match(found('source no-port').detail, /usb-none/);
  assert.is(found('source no-file').state, 'failure');
  assert.match(found('source no-file').detail, /none\.csv/);
  assert.is(found('broker').state, 'failure');
  assert.match(found('broker').fix, /password/);
  assert.is(found('dashboard').state, 'warning');
  assert.match(found('dashboard').fix, /http\.port/);
  assert.not.match(JSON.stringify(findings), /wrong-on-purpose/);
  squatter.close();
  await broker.stop();
});

test('a node in order: no failure, and the broker really let it in', async () => {
  const broker = await startMosquitto();
  await device.listen();
  const { code, findings, found } = await diagnose({
    node: { site: 'test', name: 'well' },
    sources: [plc('plc', device.port)],
    mqtt: { url: broker.url },
    http: { port: await freePort() },
  });
  const failures = findings.filter(({ state }) => state === 'failure');
  assert.equal([code, failures], [0, []]);
  for (const check of [
    'versions',
    'addon',
    'data directory',
    'configuration',
    'cameras',
    'source plc',
    'broker',
    'dashboard',
  ])
    assert.is(found(check).state, 'ok', check);
  assert.match(found('broker').detail, /lets the node in \(MQTT 5\)/);
  assert.equal(device.asked, [], 'it only looks');
  await broker.stop();
});

test('the board, its profile, and what can run models here', async () => {
  const site = { node: { site: 'test', name: 'board' }, http: { enabled: false } };
  const own = await diagnose(site);
  assert.is(own.found('device profile').state, 'ok');
  assert.match(own.found('backends').detail, /onnxruntime.* can run models/);
  const named = await diagnose({ ...site, device: { profile: 'raspberry-pi-4' } });
  assert.match(named.found('device profile').detail, /^raspberry-pi-4 for .*\(named by device\.profile\)/);
  const wrong = await diagnose({ ...site, device: { profile: 'raspberry-pie-4' } });
  assert.is(wrong.found('device profile').state, 'failure');
  assert.match(wrong.found('device profile').detail, /did you mean 'raspberry-pi-4'/);
  const jetson = await diagnose({ ...site, device: { profile: 'jetson-nano' } });
  assert.is(jetson.found('backends').state, 'warning');
  assert.match(jetson.found('backends').detail, /tensorrt cannot: /);
});

test('a configuration with errors: each at its place; the parts that are right are looked at', async () => {
  const broken = await diagnose('node: { site: a }\nlgo: {}\n');
  assert.is(broken.code, 1);
  const details = broken.findings
    .filter(({ check }) => check === 'configuration')
    .map(({ detail }) => detail);
  assert.match(details[0]!, /vigie\.yaml:1:7: node\.name: is missing/);
  assert.match(details[1]!, /vigie\.yaml:2:1: lgo/);
  const half = await diagnose({
    node: { site: 'test', name: 'half' },
    sources: [{ type: 'modbus', name: 'wrong' }, plc('right', await freePort())],
    http: { enabled: false },
  });
  assert.match(half.found('configuration').detail, /sources\[0\]/);
  assert.match(half.found('source right').detail, /ECONNREFUSED/);
  assert.is(half.found('broker').state, 'warning');
});

test('a data directory below a file, a password that is not there, a configuration that is not there', async () => {
  const file = join(folder, 'a-file');
  writeFileSync(file, '');
  const http = { host: '0.0.0.0', port: await freePort(), passwordFile: join(folder, 'nowhere') };
  const { code, found } = await diagnose({ node: { site: 'a', name: 'b' }, http }, join(file, 'data'));
  assert.is(code, 1);
  assert.is(found('data directory').state, 'failure');
  assert.match(found('data directory').fix, /--data-dir/);
  assert.is(found('dashboard').state, 'failure');
  assert.match(found('dashboard').detail, /nowhere/);
  const absent = await vigie(['doctor', '--config', join(folder, 'absent.yaml'), '--data-dir', folder]);
  assert.is(absent.code, 1);
  assert.match(absent.stderr + absent.stdout, /absent\.yaml/);
});

test('as text: one line per finding, the fix below what is wrong', async () => {
  const file = join(folder, 'text.yaml');
  writeFileSync(file, stringify({ node: { site: 'a', name: 'b' }, http: { enabled: false } }));
  const { code, stdout } = await vigie(['doctor', '--config', file, '--data-dir', folder]);
  assert.is(code, 0);
  assert.match(stdout, /^ok {7}versions: vigie \d/m);
  assert.match(stdout, /^warning {2}broker: none configured.*\n {9}add mqtt:/m);
});

test.run();

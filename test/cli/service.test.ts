/** What of the sandbox is opened for which configuration, and that nothing else ever is. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Machine, wantedBy } from '../../runtime/cli/service/devices.ts';
import { dropIn } from '../../runtime/cli/service/drop-in.ts';
import { findDevice } from '../../runtime/config/device-profile/device.ts';
import { loadConfig } from '../../runtime/config/load.ts';
import type { Config } from '../../runtime/config/schema/root.ts';
import { vigieHere } from '../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-service-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const NODE = 'node: { site: test, name: node }\n';
const serial = (path: string, name = 'line') => `
  - type: modbus
    name: ${name}
    serial: { path: ${JSON.stringify(path)} }
    units: [{ id: 1, tags: [{ name: t-${name}, address: 0 }] }]`;
const configOf = (text: string): Config => {
  const { config, problems } = loadConfig(NODE + text, folder);
  assert.ok(config, JSON.stringify(problems));
  return config;
};
const machine = (profile: string, over: Partial<Machine> = {}): Machine => ({
  profile: findDevice({ reference: profile, by: 'the test' }).profile,
  resolve: (path) => path,
  ...over,
});
const linesOf = (config: Config, on: Machine) => [
  ...new Set(wantedBy(config, on).openings.flatMap(({ lines }) => lines)),
];

test('sensors over the network open nothing', () => {
  const tcp = `sources: [{ type: modbus, name: a, tcp: { host: plc }, units: [{ id: 1, tags: [{ name: t, address: 0 }] }] }]`;
  assert.equal(linesOf(configOf(tcp), machine('raspberry-pi-4')), []);
});

test('serial ports: a plugged one opens its kind, a built-in one itself, a link what it leads to', () => {
  const on = machine('raspberry-pi-4', {
    resolve: (path) => ({ '/dev/rs485': '/dev/ttyUSB3', '/dev/serial0': '/dev/ttyAMA0' })[path] ?? path,
  });
  const opened = (path: string) => linesOf(configOf(`sources:${serial(path)}`), on);
  assert.equal(opened('/dev/ttyUSB0'), ['PrivateDevices=no', 'DeviceAllow=char-ttyUSB rw']);
  assert.equal(opened('/dev/ttyAMA10'), ['PrivateDevices=no', 'DeviceAllow=/dev/ttyAMA10 rw']);
  assert.equal(opened('/dev/ttyTHS1'), ['PrivateDevices=no', 'DeviceAllow=/dev/ttyTHS1 rw']);
  assert.equal(opened('/dev/rs485'), ['PrivateDevices=no', 'DeviceAllow=char-ttyUSB rw']);
  assert.equal(opened('/dev/serial0'), ['PrivateDevices=no', 'DeviceAllow=/dev/ttyAMA0 rw']);
  assert.equal(opened('/dev/serial/by-id/usb-FTDI_x-if00-port0'), [
    'PrivateDevices=no',
    'DeviceAllow=char-ttyUSB rw',
    'DeviceAllow=char-ttyACM rw',
  ]);
});

test('what is no serial port and no camera is refused, whoever wrote the configuration', () => {
  const paths = [
    '/dev/sda',
    '/dev/mem',
    '/dev/tty1',
    '/dev/tty0',
    '/etc/shadow',
    '/dev/ttyUSB0/../sda',
    '/dev/kmsg',
  ];
  for (const path of paths) {
    const { openings, refused } = wantedBy(configOf(`sources:${serial(path)}`), machine('generic-arm64'));
    assert.equal([openings, refused.length], [[], 1], path);
  }
  const camera = configOf('cameras: [{ name: c, source: { type: usb, device: /dev/sda } }]');
  assert.match(wantedBy(camera, machine('generic-arm64')).refused[0]!, /\/dev\/sda is no video device/);
});

test('cameras: what their kind takes on this board', () => {
  const usb = configOf('cameras: [{ name: c, source: { type: usb } }]');
  assert.equal(linesOf(usb, machine('generic-arm64')), [
    'PrivateDevices=no',
    'DeviceAllow=char-video4linux rw',
  ]);
  const csi = configOf('cameras: [{ name: c, source: { type: csi } }]');
  const pi = linesOf(csi, machine('raspberry-pi-5'));
  for (const line of [
    'DeviceAllow=char-media rw',
    'DeviceAllow=char-dma_heap rw',
    'RestrictAddressFamilies=AF_NETLINK',
    'SystemCallFilter=sched_setaffinity',
  ])
    assert.ok(pi.includes(line), line);
  const jetson = linesOf(csi, machine('jetson-orin-nano'));
  assert.ok(jetson.includes('PrivateTmp=no'));
  assert.ok(jetson.includes('DeviceAllow=/dev/nvmap rw'));
  assert.ok(jetson.includes('SystemCallFilter=ioprio_set'));
  assert.not.match(jetson.join('\n'), /nvme|nvram/, 'disks are none of the GPU');
  const stream = configOf('cameras: [{ name: c, source: { type: rtsp, url: rtsp://camera/ } }]');
  assert.equal(linesOf(stream, machine('generic-arm64')), []);
});

const ALLOWED =
  /^(PrivateDevices=no|PrivateTmp=no|RestrictAddressFamilies=AF_NETLINK|SystemCallFilter=(ioprio_set|sched_setaffinity)|DeviceAllow=(char-(ttyUSB|ttyACM|video4linux|media|dma_heap)|\/dev\/tty[A-Z]+\d+) rw|\[Service\]|)$/;

test('no name and no path gets a line of its own into the unit', () => {
  const nasty = fc.stringMatching(/^\/dev\/(tty|serial\/by-id\/|video|v4l\/by-id\/)?[ -~\n\r\t\\]{0,40}$/);
  const on = machine('generic-arm64');
  fc.assert(
    fc.property(nasty, fc.boolean(), (path, camera) => {
      const config = {
        sources: camera ? [] : [{ type: 'modbus', name: `a\nUser=root`, serial: { path } }],
        cameras: camera ? [{ name: 'c\\', source: { type: 'usb', device: path } }] : [],
        anomaly: { models: [] },
      } as unknown as Config;
      const { openings, refused } = wantedBy(config, on);
      const text = dropIn({ openings, refused, systemd: undefined, timesyncd: true });
      for (const line of text.split('\n')) {
        assert.ok(line.startsWith('# ') || ALLOWED.test(line), JSON.stringify({ path, line }));
        assert.not.match(line, /\\$/);
      }
    }),
    { numRuns: 500 },
  );
});

test('back-off where systemd knows it, the kernel asked for the clock where nothing else says it', () => {
  const facts = { openings: [], refused: [], timesyncd: true };
  assert.not.match(dropIn({ ...facts, systemd: 252 }), /RestartSteps/);
  assert.not.match(dropIn({ ...facts, systemd: undefined }), /RestartSteps/);
  assert.match(dropIn({ ...facts, systemd: 257 }), /RestartSteps=6\nRestartMaxDelaySec=60/);
  assert.match(
    dropIn({ ...facts, systemd: 257, timesyncd: false }),
    /ProtectClock=no\nSystemCallFilter=adjtimex/,
  );
});

test('apply writes once, knows what it has seen, and leaves all as it is when the configuration is wrong', async () => {
  const root = join(folder, 'root');
  const config = join(root, 'etc/vigie/vigie.yaml');
  const written = join(root, 'etc/systemd/system/vigie.service.d/50-node.conf');
  mkdirSync(join(root, 'etc/vigie'), { recursive: true });
  mkdirSync(join(root, 'usr/lib/systemd'), { recursive: true });
  writeFileSync(join(root, 'usr/lib/systemd/libsystemd-shared-257.so'), '');
  writeFileSync(config, `${NODE}sources:${serial('/dev/ttyUSB0')}\n`);
  const apply = () => vigieHere(['service', 'apply', '--root', root]);
  const first = await apply();
  assert.equal([first.code, first.stderr], [0, '']);
  assert.match(first.stdout, /50-node\.conf is written/);
  const text = readFileSync(written, 'utf8');
  assert.match(
    text,
    /RestartSteps=6[\s\S]*# source line: \/dev\/ttyUSB0\nPrivateDevices=no\nDeviceAllow=char-ttyUSB rw\n/,
  );
  assert.match(
    readFileSync(join(written, '../50-node.sums'), 'utf8'),
    /^[0-9a-f]{64} {2}\/etc\/vigie\/vigie\.yaml\n$/,
  );
  assert.is(statSync(written).mode & 0o777, 0o644);
  assert.match((await apply()).stdout, /nothing has changed/);

  writeFileSync(config, 'node: 7\n');
  const wrong = await apply();
  assert.is(wrong.code, 1);
  assert.match(wrong.stderr, /stays as it is; the configuration is wrong:\n.*vigie\.yaml:1:7/);
  assert.is(readFileSync(written, 'utf8'), text);

  // One that was pushed runs instead, or will not: both are opened.
  writeFileSync(config, `${NODE}sources:${serial('/dev/ttyUSB0')}\n`);
  mkdirSync(join(root, 'var/lib/vigie/pushed'), { recursive: true });
  writeFileSync(join(root, 'var/lib/vigie/pushed/vigie.yaml'), `${NODE}sources:${serial('/dev/ttyAMA0')}\n`);
  assert.match((await apply()).stdout, /is written/);
  assert.match(readFileSync(written, 'utf8'), /char-ttyUSB rw\n[\s\S]*\/dev\/ttyAMA0 rw\n/);
});

test('refused devices are told', async () => {
  const file = join(folder, 'odd.yaml');
  writeFileSync(file, `${NODE}sources:${serial('/dev/sda')}\n`);
  const { stdout } = await vigieHere(['service', 'show', '--config', file]);
  assert.match(stdout, /# not opened: source line: \/dev\/sda is no serial port/);
});

test.run();

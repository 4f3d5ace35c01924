/** What `vigie doctor` says of cameras that cannot be read: GStreamer or a plugin that is not there, devices, files, servers. */

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stringify } from 'yaml';
import type { Finding } from '../../runtime/cli/doctor/finding.ts';
import { packageRoot } from '../../runtime/core/paths.ts';
import { canCapture } from '../support/cameras.ts';
import { freePort } from '../support/mosquitto.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-doctor-cameras-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
// Another user looks at some of it.
chmodSync(folder, 0o755);

interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  /** As a user who may open nothing. */
  readonly nobody?: boolean;
}

async function diagnose(cameras: object[], { env = {}, nobody = false }: Surroundings = {}) {
  const file = join(folder, 'vigie.yaml');
  const site = { node: { site: 's', name: 'n' }, http: { enabled: false } };
  writeFileSync(file, stringify({ ...site, cameras }), { mode: 0o644 });
  const main = join(packageRoot, 'runtime/main.ts');
  const who = nobody && process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const flags = ['--disable-warning=ExperimentalWarning', main, 'doctor', '--json'];
  const child = spawn(process.execPath, [...flags, '--config', file, '--data-dir', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
    ...who,
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  const findings = JSON.parse(stdout) as Finding[];
  const found = (check: string) => {
    const finding = findings.find((one) => one.check === check);
    if (!finding) throw new Error(`nothing about ${check} in ${stdout}`);
    return finding;
  };
  return { code, found, findings };
}

if (canCapture()) {
  test('cameras that give frames, and those that cannot, each with its fix', async () => {
    const caps = 'videotestsrc is-live=true ! video/x-raw,format=RGB';
    const { code, found } = await diagnose([
      { name: 'good', source: { type: 'test' }, resolution: { width: 64, height: 48 } },
      { name: 'gone', source: { type: 'usb', device: '/dev/video99' } },
      { name: 'film', source: { type: 'file', file: 'none.mp4' } },
      { name: 'wrong', source: { type: 'test' }, pipeline: caps },
      { name: 'strange', source: { type: 'test' }, pipeline: 'nosuchsrc' },
      { name: 'far', source: { type: 'rtsp', url: `rtsp://127.0.0.1:${await freePort()}/x` } },
      {
        name: 'secret',
        source: { type: 'rtsp', url: 'rtsp://127.0.0.1/x', user: 'u', passwordFile: '/nowhere' },
      },
      { name: 'ribbon', source: { type: 'csi' } },
    ]);
    assert.is(code, 1);
    assert.equal(found('camera good'), {
      check: 'camera good',
      state: 'ok',
      detail: 'gives frames',
      fix: '',
    });
    const wrong: [camera: string, detail: RegExp, fix: RegExp][] = [
      ['gone', /device-missing.*video99/, /ls -l \/dev\/video\*/],
      ['film', /device-missing.*none\.mp4/, /relative ones start at the configuration file/],
      ['wrong', /format-refused/, /add videoconvert/],
      ['strange', /nosuchsrc/, /gst/],
      ['far', /unreachable/, /address, port, network/],
      ['secret', /\/nowhere/, /docs\/cameras\.md/],
      ['ribbon', /has no pipeline for ribbon cameras/, /docs\/cameras\.md/],
    ];
    for (const [name, detail, fix] of wrong) {
      const finding = found(`camera ${name}`);
      assert.is(finding.state, 'failure', name);
      assert.match(finding.detail, detail, name);
      assert.match(finding.fix, fix, name);
    }
  });

  test('a plugin that is not there is named with its package', async () => {
    const none = join(folder, 'no-plugins');
    mkdirSync(none);
    const env = {
      GST_PLUGIN_SYSTEM_PATH_1_0: none,
      GST_PLUGIN_PATH_1_0: none,
      GST_REGISTRY_1_0: join(none, 'r'),
    };
    const { code, found } = await diagnose([{ name: 'gate', source: { type: 'test' } }], { env });
    assert.is(code, 1);
    assert.match(found('camera gate').detail, /element-missing|bad-pipeline/);
    assert.match(found('camera gate').detail, /videotestsrc|appsink/);
    assert.match(found('camera gate').fix, /apt-get install .*gstreamer1\.0-plugins-base/);
  });

  test('a device that may not be opened is told with the group that may', async () => {
    const device = join(folder, 'video9');
    if (spawnSync('mknod', ['-m', '0', device, 'c', '81', '250']).status !== 0) {
      console.log('skip: no device file can be made here (needs root)');
      return;
    }
    const { found } = await diagnose([{ name: 'gate', source: { type: 'usb', device } }], { nobody: true });
    assert.match(found('camera gate').detail, /device-refused.*Permission denied/);
    assert.match(found('camera gate').fix, 'usermod -aG video vigie');
  });

  test('GStreamer that is not there is named with its packages', async () => {
    // A library that cannot be loaded stands before the system's.
    const broken = join(folder, 'no-gstreamer');
    mkdirSync(broken);
    writeFileSync(join(broken, 'libgstreamer-1.0.so.0'), 'no library', { mode: 0o644 });
    const env = { LD_LIBRARY_PATH: broken };
    const { code, found, findings } = await diagnose([{ name: 'gate', source: { type: 'test' } }], { env });
    assert.is(code, 1);
    assert.is(found('cameras').state, 'failure');
    assert.match(found('cameras').detail, /1 configured, and none can be read: cameras need GStreamer/);
    assert.match(found('cameras').detail, 'apt-get install libgstreamer');
    assert.not.ok(findings.some(({ check }) => check === 'camera gate'));
    assert.is(found('addon').state, 'ok', 'the rest of the addon loads');
    const without = await diagnose([], { env });
    assert.is(without.found('cameras').state, 'ok', 'who has no camera misses nothing');
  });
}

test.run();

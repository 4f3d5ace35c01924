/** The units as systemd sees them: no unknown key, no missing file, an exposure of at most 1.5, with devices too. */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dropIn } from '../../runtime/cli/service/drop-in.ts';
import { packageRoot } from '../../runtime/core/paths.ts';

const MOST = 1.5;
const UNITS = ['vigie.service', 'vigie-safe.service', 'vigie-apply.service'];

const folder = mkdtempSync(join(tmpdir(), 'vigie-units-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const analyse = (...args: string[]) =>
  spawnSync('systemd-analyze', args, {
    encoding: 'utf8',
    // The units of the machine, which ours name, come after ours.
    env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:`, SYSTEMD_PAGER: '', LC_ALL: 'C' },
  });
const missing = analyse('--version').error !== undefined;
const skip = 'skip: there is no systemd-analyze here: the units are not checked';
if (missing) console.log(skip);
const run = missing ? test.skip : test;

/** As a package installs them, but for the program, which lies in this checkout. */
function install(): void {
  cpSync(join(packageRoot, 'systemd'), folder, { recursive: true, dereference: true });
  for (const unit of UNITS) {
    const path = join(folder, unit);
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replaceAll('/usr/bin/vigie', join(packageRoot, 'bin/vigie')),
    );
  }
}

function exposure(unit: string): { level: number; report: string } {
  const { stdout, stderr } = analyse('security', '--offline=yes', join(folder, unit));
  const level = /exposure level for \S+ (\d+\.\d)/.exec(stdout)?.[1];
  return { level: Number(level), report: `${stdout}${stderr}` };
}

run('verify finds nothing to say', () => {
  install();
  const { status, stdout, stderr } = analyse(
    'verify',
    '--man=no',
    ...[...UNITS, 'vigie-apply.path'].map((unit) => join(folder, unit)),
  );
  // What it says of units of the machine is none of ours.
  const ours = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('vigie'));
  assert.equal(ours, []);
  assert.is(status, 0, stderr);
});

run('a wrong key is found: the check checks', () => {
  const path = join(folder, 'vigie.service');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace('WatchdogSec=', 'WatchdogSecs='));
  assert.match(analyse('verify', '--man=no', path).stderr, /WatchdogSecs/);
  writeFileSync(path, text);
});

for (const unit of UNITS) {
  run(`${unit}: exposure of at most ${MOST}`, () => {
    const { level, report } = exposure(unit);
    assert.ok(level <= MOST, report);
  });
}

run('without the sandbox it would be far more: the drop-in counts', () => {
  rmSync(join(folder, 'vigie.service.d'), { recursive: true });
  assert.ok(exposure('vigie.service').level > 5);
  install();
});

run(`with serial ports and cameras: exposure of at most ${MOST}, and verify finds nothing`, () => {
  const openings = [
    { why: 'source a: /dev/ttyUSB0', lines: ['PrivateDevices=no', 'DeviceAllow=char-ttyUSB rw'] },
    { why: 'camera b', lines: ['PrivateDevices=no', 'DeviceAllow=char-video4linux rw'] },
  ];
  const text = dropIn({ openings, refused: [], systemd: 252, timesyncd: true });
  mkdirSync(join(folder, 'vigie.service.d'), { recursive: true });
  writeFileSync(join(folder, 'vigie.service.d/50-node.conf'), text);
  const { level, report } = exposure('vigie.service');
  assert.ok(level <= MOST, report);
  assert.match(report, /char-ttyUSB:rw/);
  const { stderr } = analyse('verify', '--man=no', join(folder, 'vigie.service'));
  assert.not.match(stderr, /vigie/);
});

test('safe mode has the very same sandbox, and the two lists of files that are looked at agree', () => {
  const read = (path: string) => readFileSync(join(packageRoot, 'systemd', path), 'utf8');
  assert.is(read('vigie-safe.service.d/10-sandbox.conf'), read('vigie.service.d/10-sandbox.conf'));
  const [, list] = /sha256sum (.*?) 2>/.exec(read('vigie-apply.service'))!;
  assert.is(list, '/etc/vigie/vigie.yaml /var/lib/vigie/pushed/vigie.yaml /usr/lib/vigie/package.json');
  for (const file of list!.split(' ').slice(0, 2))
    assert.match(read('vigie-apply.path'), `PathChanged=${file}\n`);
});

test('exit statuses of the program are those that the units name', () => {
  const read = (path: string) => readFileSync(join(packageRoot, path), 'utf8');
  const number = (path: string, name: string) =>
    Number(new RegExp(`${name} = (\\d+);`).exec(read(path))?.[1]);
  const configuration = number('runtime/cli/run.ts', 'EXIT_CONFIGURATION');
  assert.match(read('systemd/vigie.service'), `RestartPreventExitStatus=${configuration}\n`);
  const leave = number('runtime/cli/run/safe.ts', 'EXIT_LEAVE_SAFE_MODE');
  assert.match(read('systemd/vigie-safe.service'), `RestartPreventExitStatus=${leave}\n`);
  assert.match(read('systemd/vigie-safe.service'), `!= ${leave} ]`);
});

test.run();

/** What the image builder says to those who ask for something that cannot be. Nothing is built. */

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../runtime/core/paths.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-image-'));
/** Every program of this machine but those that a test hides, and stand-ins for those that the builder looks for. */
const programs = join(folder, 'bin');
const TOOLS = [
  ...['mmdebstrap', 'mksquashfs', 'mke2fs', 'mkfs.vfat', 'mcopy', 'sfdisk', 'zstd', 'flock', 'grub-mkimage'],
  ...['qemu-aarch64', 'qemu-x86_64', 'update-binfmts'],
];

test.before(() => {
  mkdirSync(programs);
  for (const name of readdirSync('/usr/bin')) symlinkSync(join('/usr/bin', name), join(programs, name));
  for (const name of TOOLS) stub(name, 'exit 0');
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

function stub(name: string, script: string): void {
  rmSync(join(programs, name), { force: true });
  writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(programs, name), 0o755);
}

function build(...args: string[]) {
  const { status, stdout, stderr } = spawnSync('sh', [join(packageRoot, 'image-build/build.sh'), ...args], {
    encoding: 'utf8',
    env: { PATH: programs, HOME: folder },
  });
  return { status, said: stdout + stderr };
}

function deb(name: string, architecture: string): string {
  const tree = join(folder, `${name}-${architecture}`);
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  const fields = {
    Package: name,
    Version: '1',
    Architecture: architecture,
    Maintainer: 'a <a@b>',
    Description: 'x',
  };
  writeFileSync(
    join(tree, 'DEBIAN/control'),
    Object.entries(fields)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(''),
  );
  const file = `${tree}.deb`;
  assert.is(spawnSync('dpkg-deb', ['-b', tree, file]).status, 0);
  return file;
}

test('--help names every target file, with its title', () => {
  const { status, said } = build('--help');
  assert.is(status, 0);
  for (const file of readdirSync(join(packageRoot, 'image-build/targets')))
    if (file.endsWith('.conf')) assert.match(said, `  ${file.replace('.conf', '')} `);
  assert.match(said, 'Raspberry Pi 4, 400, CM4 and 5');
});

test('no target, an unknown one, two, an unknown option: status 2, and what there is', () => {
  for (const [args, text] of [
    [[], 'say for which target:'],
    [['raspbery-pi'], "there is no target 'raspbery-pi'; there are:"],
    [['generic-arm64', 'raspberry-pi'], 'one target at a time'],
    [['generic-arm64', '--cameras'], 'unknown option --cameras'],
    [['generic-arm64', '--version'], '--version needs a value'],
    [['generic-arm64', '--version', 'a b'], 'a version consists of'],
    [['generic-arm64', '--deb', '/nowhere.deb'], 'there is no file /nowhere.deb'],
  ] as const) {
    const { status, said } = build(...args);
    assert.is(status, 2, said);
    assert.match(said, text);
    assert.match(said, '--help');
  }
});

test('a missing program is named with the line that installs it', () => {
  rmSync(join(programs, 'mksquashfs'));
  const { status, said } = build('generic-amd64');
  stub('mksquashfs', 'exit 0');
  assert.is(status, 1);
  assert.match(said, /apt-get install -y --no-install-recommends squashfs-tools/);
});

test('a package for another processor is refused', () => {
  const { status, said } = build('generic-amd64', '--deb', deb('vigie', 'arm64'));
  assert.is(status, 1);
  assert.match(said, /is for arm64, and generic-amd64 for amd64/);
});

test('too little room on the disk is said before anything is made', () => {
  stub('df', 'echo Avail; echo 1200M');
  const own = [deb('vigie', 'all'), deb('vigie-camera', 'all')].flatMap((file) => ['--deb', file]);
  const { status, said } = build('generic-amd64', '--output', join(folder, 'out'), ...own);
  assert.is(status, 1);
  assert.match(said, /has 1200 MB left; a build takes up to \d+ MB/);
});

test.run();

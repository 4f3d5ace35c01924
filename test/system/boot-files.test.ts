/** The boot loaders' own files: what the flashed image has, what GRUB's own tools make of ours, what damage does. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeFileSystem } from '../../runtime/core/file-system.ts';
import { type BootState, consistent, other, SLOTS } from '../../runtime/system/boot-state.ts';
import { decodeState, encodeState, GRUB_STATE, GrubChooser } from '../../runtime/system/grub-chooser.ts';
import {
  AUTOBOOT,
  decodeAutoboot,
  encodeAutoboot,
  TrybootChooser,
} from '../../runtime/system/tryboot-chooser.ts';
import { compareVersions } from '../../runtime/system/versions.ts';
import { hasPrograms, updateFolder } from '../support/system-node.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-boot-files-'));
test.after(() => rmSync(folder, { recursive: true }));

const FLASHED: BootState = { primary: 'A', trial: null, bad: null };
const SECTOR = 512;

const states = fc.record({ primary: fc.constantFrom(...SLOTS), tries: fc.nat(3), what: fc.nat(2) }).map(
  ({ primary, tries, what }): BootState => ({
    primary,
    trial: what === 1 ? { slot: other(primary), tries } : null,
    bad: what === 2 ? other(primary) : null,
  }),
);

test('every state survives its file, which keeps its length and changes within one sector', () => {
  fc.assert(
    fc.property(states, (state) => {
      const bytes = encodeState(state);
      assert.equal(decodeState(bytes), state);
      assert.is(bytes.length, 1024);
      assert.equal(bytes.subarray(SECTOR), encodeState(FLASHED).subarray(SECTOR));
    }),
  );
  for (const slot of SLOTS) {
    assert.is(decodeAutoboot(encodeAutoboot(slot)), slot);
    assert.ok(encodeAutoboot(slot).length < SECTOR);
  }
  assert.is(encodeAutoboot('A').length, encodeAutoboot('B').length);
});

test('whatever lies in the files, a consistent state comes of it', () => {
  const words = fc.constantFrom(
    'primary=',
    'trial=',
    'tries=',
    'bad=',
    'A',
    'B',
    '7',
    '-1',
    'NaN',
    '\n',
    '#',
    '[all]\n',
  );
  const text = fc.array(words).map((parts) => Buffer.from(`# GRUB Environment Block\n${parts.join('')}`));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 2000 }), text), (bytes) => {
      const state = decodeState(bytes);
      assert.equal(consistent(state), state);
      decodeAutoboot(bytes);
    }),
  );
});

test("GRUB's own tool reads ours and writes what we read; its parser takes grub.cfg", () => {
  if (!hasPrograms('grub-editenv', 'grub-script-check')) {
    process.stdout.write('skip: GRUB is not installed (apt-get install grub-common)\n');
    return;
  }
  const file = join(folder, 'grubenv');
  writeFileSync(file, encodeState({ primary: 'B', trial: { slot: 'A', tries: 2 }, bad: null }));
  const list = execFileSync('grub-editenv', [file, 'list'], { encoding: 'utf8' });
  assert.is(list, 'primary=B\ntrial=A\ntries=2\n');
  execFileSync('grub-editenv', [file, 'set', 'tries=1']);
  assert.equal(decodeState(readFileSync(file)), { primary: 'B', trial: { slot: 'A', tries: 1 }, bad: null });
  const checked = spawnSync('grub-script-check', [join(updateFolder, 'grub.cfg')], { encoding: 'utf8' });
  assert.is(checked.status, 0, checked.stderr);
});

test("a flashed Raspberry Pi's boot partition, through a real FAT file system and back", () => {
  const files = join(folder, 'pi');
  execFileSync('sh', [join(updateFolder, 'bootconfig.sh'), files, 'raspberry-pi']);
  if (hasPrograms('mcopy', '/sbin/mkfs.vfat')) {
    const image = join(folder, 'bootconfig.vfat');
    execFileSync('truncate', ['-s', '64M', image]);
    execFileSync('/sbin/mkfs.vfat', ['-n', 'VIGIE', image], { stdio: 'pipe' });
    execFileSync('mcopy', ['-i', image, join(files, AUTOBOOT), join(files, 'vigie-slots.txt'), '::']);
    rmSync(files, { recursive: true });
    execFileSync('mkdir', [files]);
    execFileSync('mcopy', ['-i', image, '::*', files]);
  } else process.stdout.write('skip: no FAT tools (apt-get install mtools dosfstools)\n');
  assert.is(
    readFileSync(join(files, AUTOBOOT), 'utf8'),
    '[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n',
  );
  const paths = { bootPartition: files, rebootParameter: join(folder, 'run/reboot-param') };
  const chooser = new TrybootChooser(paths, nodeFileSystem);
  assert.equal(chooser.read(), FLASHED);
  chooser.write({ primary: 'A', trial: { slot: 'B', tries: 1 }, bad: null });
  assert.is(readFileSync(paths.rebootParameter, 'utf8'), '0 tryboot\n');
  chooser.write({ primary: 'B', trial: null, bad: null });
  assert.equal(decodeAutoboot(readFileSync(join(files, AUTOBOOT))), 'B');
  assert.throws(() => readFileSync(paths.rebootParameter), /ENOENT/);
});

test("a flashed UEFI board's state is that of a new node", () => {
  const files = join(folder, 'uefi');
  execFileSync('mkdir', ['-p', join(files, 'grub')]);
  const script = readFileSync(join(updateFolder, 'bootconfig.sh'), 'utf8');
  const state = /^state\(\) \{\n[^}]*\n\}/m.exec(script)![0];
  execFileSync('sh', ['-c', `${state}; state "${join(files, GRUB_STATE)}"`]);
  assert.equal(readFileSync(join(files, GRUB_STATE)), Buffer.from(encodeState(FLASHED)));
  assert.equal(new GrubChooser(files, nodeFileSystem).read(), FLASHED);
});

test('versions are older and newer as dpkg says', () => {
  const versions = [
    '1.9',
    '1.10',
    '1.0~rc1',
    '1.0',
    '1.0+2',
    '1.0a',
    '2',
    '0.1.0+20261121',
    '1.0-1',
    '01.0',
    '1.0.0',
  ];
  for (const a of versions) {
    for (const b of versions) {
      const order = Math.sign(compareVersions(a, b));
      const word = order < 0 ? 'lt' : order > 0 ? 'gt' : 'eq';
      // A suffix keeps dpkg from taking what follows a `-` for a package's revision.
      const args = ['--compare-versions', a.replaceAll('-', '+'), word, b.replaceAll('-', '+')];
      if (a.includes('-') === b.includes('-')) assert.is(spawnSync('dpkg', args).status, 0, args.join(' '));
    }
  }
});

test.run();

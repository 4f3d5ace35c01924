/**
 * Power cuts on a real file system (case 46): an ext4 on a loop device is shut down at chosen changes of an update, with
 * and without its journal flushed, mounted again, and the node started on what is left. Needs root.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type FileSystem, nodeFileSystem } from '../../runtime/core/file-system.ts';
import type { CrashFs } from '../support/crash-fs.ts';
import { makeBundle, Rig, RigHub } from '../support/ota/update-rig.ts';

const IMAGE_BYTES = 24 * 1024 ** 2;
const CUTS = 8;
/** Changes between two cuts; an update makes about 80. */
const STRIDE = 10;
/** EXT4_IOC_SHUTDOWN; 1: the journal is flushed first, 2: it is not. */
const SHUTDOWN = `import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', int(sys.argv[2])))`;

const folder = mkdtempSync(join(tmpdir(), 'vigie-ext4-'));
const image = join(folder, 'disk');
const mounted = join(folder, 'mounted');

function run(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** Whether such a disk can be made and shut down here. */
function prepare(): boolean {
  mkdirSync(mounted);
  writeFileSync(image, '');
  truncateSync(image, IMAGE_BYTES);
  if (!run('mkfs.ext4', '-q', '-F', image) || !run('mount', '-o', 'loop', image, mounted)) return false;
  const works = run('python3', '-c', SHUTDOWN, mounted, '1');
  return run('umount', mounted) && works && run('mkfs.ext4', '-q', '-F', image);
}

test.after(() => {
  run('umount', mounted);
  rmSync(folder, { recursive: true, force: true });
});

interface RealDisk extends FileSystem {
  changes: number;
  /** Called before each change. */
  before: (change: number) => void;
  peek: (path: string) => Uint8Array;
}

function realDisk(flushes = true): RealDisk {
  const disk: RealDisk = {
    ...nodeFileSystem,
    changes: 0,
    before: () => {},
    peek: (path) => readFileSync(path),
    open: (path, how, mode) => counted(how === 'w', () => nodeFileSystem.open(path, how, mode)),
    write: (fd, bytes, position) => counted(true, () => nodeFileSystem.write(fd, bytes, position)),
    sync: (fd) => counted(true, () => (flushes ? nodeFileSystem.sync(fd) : undefined)),
    syncAside: async (fd) => counted(true, () => (flushes ? nodeFileSystem.syncAside(fd) : undefined)),
    rename: (from, to) => counted(true, () => nodeFileSystem.rename(from, to)),
    remove: (path) => counted(true, () => nodeFileSystem.remove(path)),
  };
  const counted = <T>(isChange: boolean, work: () => T): T => {
    if (isChange) disk.before(disk.changes++);
    return work();
  };
  return disk;
}

function rigOn(hub: RigHub, disk = realDisk()): Rig {
  return new Rig(disk as unknown as CrashFs, hub, { directory: join(mounted, 'ota') });
}

/** Cut before change `at`, or else at the end. @returns the floor that was told before. */
async function updateCutAt(hub: RigHub, at: number, mode: string, disk = realDisk()): Promise<number> {
  const rig = rigOn(hub, disk);
  let isCut = false;
  const cut = () => {
    if (!isCut) execFileSync('python3', ['-c', SHUTDOWN, mounted, mode]);
    isCut = true;
  };
  disk.before = (change) => {
    if (change === at) cut();
  };
  try {
    await rig.updater.start();
    await rig.update();
  } catch {
    // What a disk that is gone refuses.
  }
  cut();
  await rig.updater.stop().catch(() => {});
  return rig.reports.at(-1)?.models[0]?.floor ?? 0;
}

const mount = () => run('mount', '-o', 'loop', image, mounted);

/** A new disk with release 1 committed, and release 2 assigned. */
async function newDisk(hub: RigHub): Promise<void> {
  assert.ok(run('mkfs.ext4', '-q', '-F', image) && mount());
  hub.assign([{ release: 1 }]);
  const rig = rigOn(hub);
  await rig.updater.start();
  await rig.update();
  assert.is(rig.model?.active?.release, 1);
  await rig.updater.stop();
  hub.assign([{ release: 2 }]);
  assert.ok(run('umount', mounted) && mount());
}

function newHub(): RigHub {
  const hub = new RigHub();
  hub.add(makeBundle(1), makeBundle(2));
  return hub;
}

const able = prepare();
if (!able)
  console.log('skip: an ext4 on a loop device cannot be made or shut down here (needs root and python3)');

for (const [mode, what] of [
  ['1', 'flushed'],
  ['2', 'lost'],
] as const) {
  (able ? test : test.skip)(
    `case 46: ext4 goes down in the middle of an update, its journal ${what}`,
    async () => {
      const hub = newHub();
      for (let cut = 0; cut < CUTS; cut++) {
        await newDisk(hub);
        const toldFloor = await updateCutAt(hub, 3 + cut * STRIDE, mode);
        assert.ok(run('umount', mounted) && mount());
        const rig = rigOn(hub);
        await rig.updater.start();
        assert.ok(rig.host.serving, `cut ${cut}: ${rig.host.idleReason}`);
        assert.ok((rig.model?.floor ?? 0) >= toldFloor, 'I-13');
        await rig.update();
        assert.equal([rig.model?.active?.release, rig.host.violations], [2, []]);
        await rig.updater.stop();
        assert.ok(run('umount', mounted));
      }
    },
  );
}

(able ? test : test.skip)(
  'the same finds a disk that is never flushed: what was told is forgotten',
  async () => {
    const hub = newHub();
    await newDisk(hub);
    assert.is(await updateCutAt(hub, Number.POSITIVE_INFINITY, '2', realDisk(false)), 2);
    assert.ok(run('umount', mounted) && mount());
    const rig = rigOn(hub);
    await rig.updater.start();
    assert.is.not(rig.model?.floor, 2);
    await rig.updater.stop();
    assert.ok(run('umount', mounted));
  },
);

test.run();

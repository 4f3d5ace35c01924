/** The disk of its own on which a benchmark's node writes. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DATA_OPTIONS, OwnDisk } from '../../../bench/lib/own-disk.ts';
import { packageRoot } from '../../../runtime/core/paths.ts';

test('it is mounted as images mount their data partition', () => {
  const fstab = readFileSync(join(packageRoot, 'image-build/rootfs/overlay/etc/fstab'), 'utf8');
  assert.is(/^\S+ \/data ext4 (\S+?),nofail/m.exec(fstab)?.[1], DATA_OPTIONS);
});

test('what is written to it is counted, with what the file system adds', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-own-disk-'));
  let disk: OwnDisk | undefined;
  try {
    disk = new OwnDisk(folder);
    const before = disk.written();
    writeFileSync(join(disk.folder, 'file'), Buffer.alloc(2 ** 20, 1));
    const more = disk.written() - before;
    assert.ok(more > 2 ** 20 && more < 2 ** 21, `${more} bytes`);
  } catch (error) {
    if ((error as { code?: string }).code !== 'bench-disk') throw error;
    console.log(`skip: ${(error as Error).message}`);
  } finally {
    disk?.close();
    rmSync(folder, { recursive: true });
  }
});

test.run();

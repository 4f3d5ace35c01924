/** A whole installation, from the look to the commit, from a folder: what the card has to take. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyDelta } from '../../ota/bundle/delta/apply.ts';
import type { ModelHost } from '../../ota/client/host.ts';
import { Updater } from '../../ota/client/machine/updater.ts';
import { importDirectory } from '../../ota/client/transport/import-directory.ts';
import { SystemClock } from '../../runtime/core/clock.ts';
import { type FileSystem, nodeFileSystem } from '../../runtime/core/file-system.ts';
import { createLog } from '../../runtime/core/log.ts';
import { epochMillis, hours, millis } from '../../runtime/core/units.ts';
import { scoreOnnx } from '../../test/support/bundles.ts';
import { Fleet } from '../../test/support/fleet.ts';

const MIB = 1024 ** 2;
const BALLAST = 4 * MIB;

/** @returns bytes written over the bundle's size. */
export async function flashWriteRatio(): Promise<number> {
  const fleet = new Fleet();
  const folder = mkdtempSync(join(tmpdir(), 'vigie-bench-'));
  const written = { bytes: 0 };
  try {
    const model = scoreOnnx(2, 1, 0, BALLAST);
    await fleet.add({ release: 1, model });
    await fleet.assign([{ release: 1 }]);
    const source = importDirectory(fleet.publicFolder);
    const updater = new Updater({
      node: 'node',
      group: fleet.group,
      directory: join(folder, 'ota'),
      clock: new SystemClock(() => true),
      built: epochMillis(0),
      factoryRoot: readFileSync(fleet.rootFile),
      sources: { metadata: source, blobs: source },
      applyDelta,
      host: WELL,
      facts: () => ({ runtime: '1.0.0', board: 'bench', architecture: process.arch, ramBytes: 1e9 }),
      publishReport: async () => {},
      checkEvery: hours(1),
      log: createLog('silent'),
      fs: counting(written),
      tickEvery: millis(0),
    });
    await updater.start();
    await updater.check();
    await updater.tick();
    await updater.stop();
    return written.bytes / model.length;
  } finally {
    await fleet.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

const WELL: ModelHost = {
  choose: () => ({ artifact: 'model.onnx', backend: 'onnxruntime', needs: ['manifest.json', 'model.onnx'] }),
  selftest: async () => {},
  reference: () => ({}),
  serve: async () => ({ switchMs: 0 }),
  measures: () => undefined,
  idle: async () => {},
};

/** Everything that the client hands to the disk: blobs, maps, records, metadata. */
function counting(written: { bytes: number }): FileSystem {
  return {
    ...nodeFileSystem,
    write: (fd, data, ...rest) => {
      const count = nodeFileSystem.write(fd, data, ...rest);
      written.bytes += count;
      return count;
    },
  };
}

/** See test/support/ota/power-cut.ts: the power goes at every change of the disk. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CrashFsOptions } from '../../../support/crash-fs.ts';
import { diskAfter, emptyDisk, newHub, run, type Scene } from '../../../support/ota/power-cut.ts';

async function installScene(options: CrashFsOptions = {}): Promise<Scene> {
  const hub = newHub();
  const disk = await diskAfter(hub, options);
  hub.assign([{ release: 2 }]);
  // Told only once it is on disk: the report is the acknowledgement.
  return { hub, behaviour: new Map(), disk, work: (rig) => rig.update(), end: [2] };
}

test('case 46: the power goes at every change of an install, a trial and a commit', async () => {
  const tally = await run('install to commit', await installScene());
  assert.equal(tally.violations, []);
  assert.ok(tally.states > 1500, `${tally.states} states`);
});

test('case 46: the power goes at every change of a first install on an empty disk', async () => {
  const hub = newHub();
  hub.assign([{ release: 1 }]);
  const scene: Scene = {
    hub,
    behaviour: new Map(),
    disk: emptyDisk(),
    work: (rig) => rig.update(),
    end: [1],
  };
  const tally = await run('first install', scene);
  // Until the first commit there is nothing that could serve.
  const wrong = tally.violations.filter((text) => !/no release is active|nothing serves/.test(text));
  assert.equal(wrong, []);
});

test('the harness finds a directory that is not flushed, and a file that is not', async () => {
  for (const ignores of ['directory', 'file'] as const) {
    const scene = { ...(await installScene({ ignores })), subsets: 1 };
    const tally = await run(`without flush of ${ignores}`, scene, { ignores });
    assert.ok(tally.violations.length > 0, `a missing flush of the ${ignores} was not found`);
  }
});

test.run();

/** See test/support/ota/power-cut.ts: the power goes at every change of the disk. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { diskAfter, newHub, run } from '../../../support/ota/power-cut.ts';
import { type Behaviour, Rig } from '../../../support/ota/update-rig.ts';

test('case 46: the power goes at every change of a trial that fails and is rolled back', async () => {
  const hub = newHub();
  const behaviour = new Map<number, Behaviour>([[2, { measures: { errors: 50 } }]]);
  const disk = await diskAfter(hub, {});
  hub.assign([{ release: 2 }]);
  const tally = await run('roll back', {
    hub,
    behaviour,
    disk,
    work: (rig) => rig.update(),
    end: [1],
  });
  assert.equal(tally.violations, []);
});

test('case 50: the power goes at every change of a trial that goes on after a power cut', async () => {
  const hub = newHub();
  const settled = await diskAfter(hub, {});
  hub.assign([{ release: 2 }]);
  const rig = new Rig(settled, hub);
  await rig.updater.start();
  await rig.updater.check();
  assert.equal([rig.host.serving?.release, rig.model?.trial?.attemptsLeft], [2, 2]);
  const disk = rig.fs.afterCut(() => true);
  await rig.updater.stop();
  const work = (again: Rig) => again.runTrial();
  const tally = await run('trial goes on', { hub, behaviour: new Map(), disk, work, end: [2] });
  assert.equal(tally.violations, []);
});

test('case 46: the power goes at every change of a rollback by hand', async () => {
  const hub = newHub();
  const disk = await diskAfter(hub, {}, async (rig) => {
    hub.assign([{ release: 2 }]);
    await rig.update();
    assert.is(rig.model?.active?.release, 2);
  });
  const tally = await run('roll back by hand', {
    hub,
    behaviour: new Map(),
    disk,
    work: async (rig) => {
      await rig.updater.rollBack('score', 'an operator did not like it');
      await rig.updater.tick();
    },
    end: [1, 2],
  });
  assert.equal(tally.violations, []);
});

test.run();

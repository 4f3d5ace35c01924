import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LiveZoneStore } from '../../../runtime/config/zones/live-zone-store.ts';
import type { ZoneStore, ZonesWritten } from '../../../runtime/core/zone-store.ts';

function rig(outcome: { needsRestart: string[]; refused?: string }, written?: ZonesWritten) {
  let reloads = 0;
  const file: ZoneStore = {
    read: async () => ({ zones: [], tripwires: [], revision: 'a' }),
    write: async () => written ?? { revision: 'b', takesEffect: 'at-restart' },
  };
  const store = new LiveZoneStore(file, async () => {
    reloads++;
    return outcome;
  });
  return { store, reloads: () => reloads };
}

test('what was written is in use, and what else waits for a restart is said', async () => {
  const { store } = rig({ needsRestart: ['mqtt', 'cameras.yard.fps'] });
  const needsRestart = ['mqtt', 'cameras.yard.fps'];
  assert.equal(await store.write('gate', {}), { revision: 'b', takesEffect: 'now', needsRestart });
  assert.equal(await rig({ needsRestart: [] }).store.write('gate', {}), {
    revision: 'b',
    takesEffect: 'now',
  });
});

test('it waits where more of the camera was changed, or the node does not take the file', async () => {
  for (const key of ['cameras', 'cameras.gate.fps']) {
    const { store } = rig({ needsRestart: [key] });
    assert.equal(await store.write('gate', {}), {
      revision: 'b',
      takesEffect: 'at-restart',
      needsRestart: [key],
    });
  }
  const refused = await rig({ needsRestart: [], refused: 'is wrong' }).store.write('gate', {});
  assert.equal(refused, { revision: 'b', takesEffect: 'at-restart', refused: 'is wrong' });
});

test('what was not written is not reloaded', async () => {
  const problems = [{ path: ['zones', 0], message: 'is wrong' }];
  const { store, reloads } = rig({ needsRestart: [] }, { problems });
  assert.equal(await store.write('gate', {}), { problems });
  assert.is(reloads(), 0);
  assert.is((await store.read('gate')).revision, 'a');
});

test.run();

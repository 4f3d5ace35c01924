/** See test/support/ota/power-cut.ts: the power goes at every change of an install by delta. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { applyDelta } from '../../../../ota/bundle/delta/apply.ts';
import type { ApplyDelta } from '../../../../ota/client/blob-source.ts';
import { BLOCK_BYTES } from '../../../../ota/client/blob-source.ts';
import { encodeDelta } from '../../../../ota/publish/delta/make-delta.ts';
import { diskAfter, run, type Scene } from '../../../support/ota/power-cut.ts';
import { makeBundle, RigHub, sha, weights } from '../../../support/ota/update-rig.ts';

const LENGTH = BLOCK_BYTES + 700;
const base = weights(1, LENGTH);
/** A retrain: one byte in seven moved by one. */
const next = base.map((byte, i) => (i % 7 === 0 ? byte + 1 : byte));
const IN_MEMORY = { mostDeltaInMemory: 8 * 1024 ** 2 };
const ON_DISK = { mostDeltaInMemory: 0 };

interface Deltas {
  readonly scene: Scene;
  /** Deltas that made their file, and those that did not. */
  readonly made: { right: number; wrong: number };
}

/** Release 1 is committed; release 2 comes as a delta that makes `target` of it. @param whole whether the hub has the file as well. */
async function byDelta(target: Uint8Array, whole: boolean, where: object): Promise<Deltas> {
  const hub = new RigHub();
  const content = await encodeDelta(base, target);
  const deltas = [{ path: 'model', from: sha(base), content }];
  hub.add(makeBundle(1, { files: { model: base } }), makeBundle(2, { files: { model: next }, deltas }));
  const disk = await diskAfter(hub, {});
  hub.assign([{ release: 2 }]);
  if (!whole) hub.blobs.delete(sha(next));
  const made = { right: 0, wrong: 0 };
  const counting: ApplyDelta = async (work) => {
    try {
      await applyDelta(work);
      made.right += 1;
    } catch (error) {
      made.wrong += 1;
      throw error;
    }
  };
  const options = { applyDelta: counting, ...where };
  return {
    scene: { hub, behaviour: new Map(), disk, work: (rig) => rig.update(), end: [2], options },
    made,
  };
}

for (const [where, options] of [
  ['memory', IN_MEMORY],
  ['the disk', ON_DISK],
] as const) {
  test(`case 46: the power goes at every change of an install by a delta in ${where}`, async () => {
    const { scene, made } = await byDelta(next, false, options);
    const tally = await run(`delta in ${where}`, scene);
    assert.equal(tally.violations, []);
    assert.ok(tally.states > 1500, `${tally.states} states`);
    assert.ok(made.right > 50, `${made.right} deltas made their file`);
  });
}

test('case 46: the power goes at every change of an install whose delta makes another file', async () => {
  const other = next.map((byte, i) => (i > BLOCK_BYTES ? byte + 1 : byte));
  const { scene, made } = await byDelta(other, true, ON_DISK);
  const tally = await run('delta that is wrong', scene);
  assert.equal(tally.violations, []);
  assert.equal(made.right, 0);
  assert.ok(made.wrong > 100, `${made.wrong} deltas were given up for the file`);
});

test('the harness finds a delta on a disk that flushes no files', async () => {
  const { scene } = await byDelta(next, false, ON_DISK);
  const tally = await run('delta, no flush', { ...scene, subsets: 1 }, { ignores: 'file' });
  assert.ok(tally.violations.length > 0, 'a missing flush was not found');
});

test.run();

/** A model that runs at several places outside the process: all of them or none, and what they tell of it. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { judge } from '../../../ota/client/machine/gate.ts';
import { ModelError } from '../../../runtime/core/errors.ts';
import { bytes, millis } from '../../../runtime/core/units.ts';
import {
  type RemoteModel,
  RemoteSlot,
  type RemoteUser,
} from '../../../runtime/pipeline/models/remote-slot.ts';
import { rejects } from '../../support/rejects.ts';
import { testSpine } from '../../support/spine.ts';

const model = (release: number) => ({ name: 'lamp', release, digest: `d${release}` }) as RemoteModel;

class User implements RemoteUser {
  /** What looks; empty for nothing. */
  has = '';
  /** Digest that it cannot load. */
  refuses = '';
  misfit = '';
  resides = 0;
  waits = 0;
  /** Set: serving waits for it. */
  gate: Promise<void> | undefined;

  check({ digest }: RemoteModel): void {
    if (digest === this.misfit) throw new ModelError('model-labels', 'it finds no persons');
  }
  async serve({ digest }: RemoteModel): Promise<void> {
    await this.gate;
    if (digest === this.refuses) throw new ModelError('no-backend', 'it does not load here');
    this.has = digest;
  }
  clear(reason: string): void {
    this.has = `none: ${reason}`;
  }
  resident() {
    return this.resides === 0 ? undefined : bytes(this.resides);
  }
  oldestCall() {
    return millis(this.waits);
  }
}

function slotOf(...users: User[]): RemoteSlot {
  const slot = new RemoteSlot({ name: 'lamp', ...testSpine() });
  for (const user of users) slot.join(user);
  return slot;
}

test('where one user cannot take a release all keep the one before', async () => {
  const [a, b] = [new User(), new User()];
  const slot = slotOf(a, b);
  b.refuses = 'd1';
  await rejects(slot.serve(model(1)), 'no-backend');
  assert.is(a.has, 'none: no release of it was installed yet');
  assert.is(slot.serving, undefined);
  await slot.serve(model(2));
  b.refuses = 'd3';
  await rejects(slot.serve(model(3)), 'no-backend');
  await new Promise(setImmediate);
  assert.equal([a.has, b.has, slot.serving?.release], ['d2', 'd2', 2]);
  b.misfit = 'd4';
  await rejects(slot.serve(model(4)), 'model-labels');
  assert.equal([a.has, b.has], ['d2', 'd2'], 'nobody loaded it');
});

test('what comes up after another was chosen does not serve', async () => {
  const user = new User();
  const slot = slotOf(user);
  let open = () => {};
  user.gate = new Promise((resolve) => {
    open = resolve;
  });
  const slow = rejects(slot.serve(model(1)), 'model-late');
  user.gate = undefined;
  await slot.serve(model(2));
  open();
  await slow;
  assert.is(slot.serving?.release, 2);
  slot.clear('rolled back by hand');
  assert.equal(
    [slot.serving, slot.emptyBecause, user.has],
    [undefined, 'rolled back by hand', 'none: rolled back by hand'],
  );
  assert.is(slot.measures(), undefined);
});

test('looks of all users are measured, those of a replaced release are not', async () => {
  const [a, b] = [new User(), new User()];
  const slot = slotOf(a, b);
  await slot.serve(model(1));
  assert.is(slot.measures()!.latencyP95, undefined);
  for (let i = 0; i < 60; i++) slot.looked('d1', millis(20), [0.8, 0.6]);
  await slot.serve(model(2));
  slot.looked('d1', millis(500), []);
  assert.is(slot.measures()!.inferences, 0);
  for (let i = 0; i < 60; i++) slot.looked('d2', millis(30), [0.8, 0.6]);
  [a.resides, b.resides] = [100, 300];
  const { inferences, errors, latencyP95, rss, outputShift } = slot.measures()!;
  assert.equal([inferences, errors, latencyP95, rss, outputShift], [60, 0, 30, 300, 0]);
  a.waits = 4_000;
  assert.is(slot.measures()!.latencyP95, 4_000, 'a look that hangs');
});

test('finding more at a time is another distribution, though the best score is the same', async () => {
  const slot = slotOf(new User());
  await slot.serve(model(1));
  for (let i = 0; i < 60; i++) slot.looked('d1', millis(20), [0.8]);
  await slot.serve(model(2));
  for (let i = 0; i < 60; i++) slot.looked('d2', millis(20), [0.8, 0.5, 0.5]);
  assert.is(slot.measures()!.outputShift, 1);
});

test('frames that the model failed at, and processes that ended over it, end a trial', async () => {
  const slot = slotOf(new User());
  await slot.serve(model(1));
  const gate = { windowSeconds: 60, minInferences: 20, maxErrorRate: 0.05 };
  slot.missed('d0', 'it failed');
  slot.missed('d1', 'it failed');
  assert.is(judge(gate, slot.measures(), 1000).verdict, 'wait', 'one may be chance');
  slot.missed('d1', 'it failed');
  const verdict = judge(gate, slot.measures(), 1000);
  assert.equal(verdict, {
    verdict: 'roll-back',
    reason: '2 of 2 inferences failed (the last: it failed); at most 5 % may',
  });
});

test('processes that end over a release end its trial, however many errors it may have', async () => {
  const slot = slotOf(new User());
  await slot.serve(model(1));
  const gate = { windowSeconds: 60, minInferences: 1000, maxErrorRate: 0.05 };
  slot.ended('d0', 'that of another release');
  for (const expected of ['wait', 'roll-back']) {
    slot.ended('d1', 'ended by SIGSEGV');
    const verdict = judge(gate, slot.measures(), 1000);
    assert.is(verdict.verdict, expected);
    if (verdict.verdict === 'roll-back')
      assert.is(verdict.reason, 'its process ended 2 times (the last: ended by SIGSEGV)');
  }
  await slot.serve(model(2));
  assert.is(slot.measures()!.ends, 0);
});

test('a release that serves takes its place again from one that does not come up', async () => {
  const user = new User();
  const slot = slotOf(user);
  await slot.serve(model(1));
  slot.looked('d1', millis(20), []);
  let open = () => {};
  user.gate = new Promise((resolve) => {
    open = resolve;
  });
  const late = rejects(slot.serve(model(2)), 'model-late');
  user.gate = undefined;
  await slot.serve(model(1));
  open();
  await late;
  assert.equal([slot.serving?.release, slot.measures()!.inferences], [1, 1], 'measured as before');
  user.has = '';
  await slot.serve(model(1));
  assert.is(user.has, '', 'it is not asked again for what it has');
});

test.run();

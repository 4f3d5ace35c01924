/** When a system on trial is kept, and when its node goes back. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { HealthState } from '../../runtime/core/component.ts';
import { minutes } from '../../runtime/core/units.ts';
import type { Baseline } from '../../runtime/system/record.ts';
import { Trial, type Verdict } from '../../runtime/system/trial.ts';

const BEFORE: Baseline = {
  answered: true,
  components: { outbox: 'ok', mqtt: 'ok', 'modbus/line-1': 'failed' },
};
const SAME = { outbox: 'ok', mqtt: 'ok', 'modbus/line-1': 'failed' } as const;

type Moment = Readonly<Record<string, HealthState>> | string;

/** One look a minute, the last one repeated; window 5 min, limit 20 min. @returns the verdict and the minute it fell. */
function tried(moments: readonly (Moment | { bootId: string; components: Moment })[], baseline = BEFORE) {
  const trial = new Trial({ baseline, window: minutes(5), limit: minutes(20) });
  let verdict: Verdict = { verdict: 'wait', trouble: null };
  let minute = -1;
  while (verdict.verdict === 'wait') {
    minute++;
    const moment = moments[Math.min(minute, moments.length - 1)]!;
    verdict = trial.look({ mono: minutes(minute), node: looked(moment) });
  }
  return { ...verdict, minute };
}

function looked(moment: Moment | { bootId: string; components: Moment }) {
  if (typeof moment === 'string') return { silent: moment };
  const isStart = typeof moment.bootId === 'string' && typeof moment.components === 'object';
  const { bootId, states } = isStart
    ? { bootId: moment.bootId as string, states: moment.components as Record<string, HealthState> }
    : { bootId: 'boot-1', states: moment as Record<string, HealthState> };
  const components = Object.fromEntries(
    Object.entries(states).map(([name, state]) => [name, { state, detail: `${name} says ${state}` }]),
  );
  return { bootId, components };
}

test('a node that does as well as before is kept after the window, however ill a sensor was before', () => {
  assert.equal(tried([SAME]), { verdict: 'keep', minute: 5 });
  assert.equal(tried(['no socket', 'no socket', { ...SAME, mqtt: 'starting' }, SAME]), {
    verdict: 'keep',
    minute: 8,
  });
  assert.equal(tried([{ ...SAME, 'modbus/line-1': 'ok' }]), { verdict: 'keep', minute: 5 });
});

test('each break begins the window anew', () => {
  assert.is(tried([SAME, SAME, SAME, SAME, { ...SAME, mqtt: 'degraded' }, SAME]).minute, 10);
});

test('what was well and is not ends the trial, with its own words', () => {
  const { verdict, minute, ...rest } = tried([{ ...SAME, mqtt: 'degraded' }]);
  assert.equal([verdict, minute], ['go-back', 20]);
  assert.match(
    (rest as { reason: string }).reason,
    /^not well for 5 min on end within 20 min: mqtt is degraded, was ok: mqtt says degraded$/,
  );
});

test('a node that never answers, or starts again and again, is no good', () => {
  const silent = tried(['no node answers on /x: start it']) as { verdict: string; reason: string };
  assert.is(silent.verdict, 'go-back');
  assert.match(silent.reason, /the node does not answer: no node answers on/);
  const starts = Array.from({ length: 30 }, (_, index) => ({ bootId: `boot-${index}`, components: SAME }));
  assert.match((tried(starts) as unknown as { reason: string }).reason, /started again \(\d+ times\)/);
});

test('what is gone, as in safe mode, is missed; what is new has to do no more than not fail', () => {
  assert.match((tried([{ outbox: 'ok' }]) as unknown as { reason: string }).reason, /mqtt is gone, was ok/);
  assert.is(tried([{ ...SAME, dashboard: 'starting' }]).verdict, 'keep');
  assert.is(tried([{ ...SAME, dashboard: 'failed' }]).verdict, 'go-back');
});

test('where no node answered before, none has to', () => {
  const unset: Baseline = { answered: false, components: {} };
  assert.equal(tried(['there is no node yet'], unset), { verdict: 'keep', minute: 5 });
});

test.run();

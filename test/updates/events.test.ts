/** Which events follow from what the update client says of a model now and said before. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ReportedModel } from '../../ota/protocol/report.ts';
import { eventsOf, toldOf } from '../../runtime/updates/events.ts';

const of = (release: number) => ({ release, digest: `${release}`.repeat(64).slice(0, 64) });
const EMPTY: ReportedModel = {
  name: 'score',
  active: null,
  previous: null,
  trial: null,
  staged: null,
  floor: 0,
  serving: null,
  trouble: null,
  blocked: [],
  pinned: false,
  refused: null,
};
const model = (over: Partial<ReportedModel>): ReportedModel => ({ ...EMPTY, ...over });
const steps = (before: ReportedModel, now: ReportedModel) =>
  eventsOf(toldOf(before), now).map(({ step, release }) => `${step} ${release}`);

const serving = model({ active: of(1), serving: of(1), floor: 1 });
const trying = model({ ...serving, trial: { ...of(2), attemptsLeft: 1 }, serving: of(2) });
const because = { ...of(2), code: 'ota-unhealthy', reason: 'slow' };

test('a release goes from staged to committed', () => {
  assert.equal(steps(EMPTY, model({ staged: of(1) })), ['staged 1']);
  assert.equal(steps(serving, trying), ['trial 2']);
  assert.equal(steps(trying, model({ active: of(2), previous: of(1), serving: of(2) })), ['committed 2']);
  assert.equal(steps(EMPTY, serving), ['committed 1'], 'all of it between two looks');
  assert.equal(steps(serving, serving), []);
});

test('a trial that ends badly is rolled back; what never served is refused', () => {
  assert.equal(steps(trying, model({ ...serving, refused: because })), ['rolled-back 2']);
  const failed = { ...of(2), code: 'selftest-failed', reason: 'wrong' };
  assert.equal(steps(serving, model({ ...serving, refused: failed })), ['refused 2']);
  const now = model({ ...serving, refused: because });
  assert.equal(steps(now, now), [], 'told once');
});

test('a commit after a refusal is told, a release that serves again is no news', () => {
  const refusing = model({ ...trying, refused: because });
  assert.equal(steps(refusing, model({ active: of(3), serving: of(3) })), ['committed 3']);
  const two = model({ active: of(2), previous: of(1), serving: of(2) });
  assert.equal(steps(two, model({ active: of(1), serving: of(1), refused: because })), ['rolled-back 2']);
});

test('nothing that serves is told once, with the reason', () => {
  const idle = model({ ...serving, serving: null, trouble: 'it does not load' });
  const [event] = eventsOf(toldOf(serving), idle);
  assert.equal([event!.step, event!.reason], ['idle', 'it does not load']);
  assert.equal(steps(idle, idle), []);
});

test.run();

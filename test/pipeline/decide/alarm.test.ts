import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Millis, seconds } from '../../../runtime/core/units.ts';
import { AlarmLatch, type AlarmOptions } from '../../../runtime/pipeline/decide/alarm.ts';

const options = (part: Partial<AlarmOptions> = {}): AlarmOptions => ({
  delayOn: seconds(0),
  delayOff: seconds(0),
  minDuration: seconds(0),
  clear: 1,
  ...part,
});

/** One score a second. */
function run(latch: AlarmLatch, scores: readonly number[]): string {
  return scores.map((score, i) => (latch.step(score, seconds(i)) ? '#' : '.')).join('');
}

test('without delays the alarm follows the limit', () => {
  assert.is(run(new AlarmLatch(options()), [0, 0.99, 1, 2, 0.5, 1]), '..##.#');
});

test('the on-delay asks for a condition without a break', () => {
  const latch = new AlarmLatch(options({ delayOn: seconds(2) }));
  assert.is(run(latch, [1, 1, 0, 1, 1, 1, 0]), '.....#.');
  const again = new AlarmLatch(options({ delayOn: seconds(2) }));
  again.step(1, seconds(0));
  assert.is(again.onset, undefined);
  again.step(1, seconds(2));
  assert.is(again.onset, seconds(0), 'the onset is when the condition began, not when the alarm came');
});

test('hysteresis keeps the condition up between clear and the limit', () => {
  const latch = new AlarmLatch(options({ clear: 0.8 }));
  assert.is(run(latch, [0.9, 1, 0.9, 0.8, 0.79, 0.9]), '.###..');
});

test('the off-delay bridges gaps, and one alarm keeps its onset', () => {
  const latch = new AlarmLatch(options({ delayOff: seconds(2) }));
  assert.is(run(latch, [1, 0, 1, 0, 0, 0, 0]), '#####..');
  const bridged = new AlarmLatch(options({ delayOff: seconds(2) }));
  run(bridged, [0, 1, 0, 1]);
  assert.is(bridged.onset, seconds(1));
});

test('an alarm lasts its minimum duration', () => {
  assert.is(run(new AlarmLatch(options({ minDuration: seconds(3) })), [1, 0, 0, 0, 0]), '###..');
});

test('NaN says nothing', () => {
  const latch = new AlarmLatch(options({ delayOn: seconds(2) }));
  assert.is(run(latch, [1, Number.NaN, 1, Number.NaN, 0]), '..##.');
  assert.is(run(new AlarmLatch(options()), [Number.NaN, Number.NaN]), '..');
});

test('a reset forgets alarm and delays', () => {
  const latch = new AlarmLatch(options({ delayOn: seconds(2), delayOff: seconds(9) }));
  run(latch, [1, 1, 1]);
  assert.ok(latch.active);
  latch.reset();
  assert.not.ok(latch.active);
  assert.not.ok(latch.step(1, seconds(3)));
});

/** The definition, looked up in the whole history at every step: slow and plain. */
function reference(scores: readonly number[], times: readonly number[], o: AlarmOptions): boolean[] {
  const up: boolean[] = [];
  const known = scores.flatMap((score, i) => (Number.isNaN(score) ? [] : [i]));
  let on = false;
  let onAt = 0;
  return scores.map((score, i) => {
    if (Number.isNaN(score)) return on;
    const n = up.length;
    up.push(score >= 1 || (n > 0 && up[n - 1]! && score >= o.clear));
    // First moment of the present run of equal comparator states.
    let first = n;
    while (first > 0 && up[first - 1] === up[n]) first--;
    const held = times[i]! - times[known[first]!]!;
    if (!on && up[n] && held >= o.delayOn) {
      on = true;
      onAt = times[i]!;
    } else if (on && !up[n] && held >= o.delayOff && times[i]! - onAt >= o.minDuration) on = false;
    return on;
  });
}

test('agrees with the plain definition on any course of scores', () => {
  const delay = fc.integer({ min: 0, max: 6 }).map((n) => n as Millis);
  const settings = fc.record({
    delayOn: delay,
    delayOff: delay,
    minDuration: delay,
    clear: fc.constantFrom(0.5, 0.8, 1),
  });
  const course = fc.array(
    fc.record({
      score: fc.constantFrom(0, 0.6, 0.9, 1, 3, Number.NaN),
      after: fc.integer({ min: 0, max: 3 }),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(settings, course, (o, steps) => {
      let now = 0;
      const times = steps.map(({ after }) => {
        now += after;
        return now;
      });
      const scores = steps.map(({ score }) => score);
      const latch = new AlarmLatch(o);
      assert.equal(
        scores.map((score, i) => latch.step(score, times[i]! as Millis)),
        reference(scores, times, o),
      );
    }),
    { numRuns: 500 },
  );
});

test.run();

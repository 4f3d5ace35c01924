import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Millis, millis, seconds } from '../../../runtime/core/units.ts';
import { HealingLadder, type LadderLimits } from '../../../runtime/sources/camera/ladder.ts';

const LIMITS: LadderLimits = {
  stall: seconds(2),
  startWithin: seconds(5),
  freeze: seconds(10),
  restartArgus: false,
};
const at = seconds;

/** Ticks each half second. @returns `time rung reason` of each step. */
function run(
  ladder: HealingLadder,
  from: number,
  to: number,
  each: (now: Millis) => void = () => {},
): string[] {
  const steps: string[] = [];
  for (let now = from; now <= to; now += 0.5) {
    each(at(now));
    const step = ladder.tick(at(now));
    if (step) steps.push(`${now} ${step.rung} ${step.reason}`);
  }
  return steps;
}

const moving = (ladder: HealingLadder) => (now: Millis) => void ladder.frame(now, now);

test('frames that come leave it at rest', () => {
  const ladder = new HealingLadder(LIMITS, at(0));
  assert.equal(run(ladder, 0, 100, moving(ladder)), []);
  assert.is(ladder.trouble, undefined);
});

test('no frame at all: rebuild, rebuild, rebuild, process, process, report, and on with long pauses', () => {
  const ladder = new HealingLadder(LIMITS, at(0));
  const steps = run(ladder, 0, 400).map((step) => step.split(' ')[1]);
  const first = ['rebuild', 'rebuild', 'rebuild', 'restart-process', 'restart-process', 'report'];
  assert.equal(steps.slice(0, 6), first);
  assert.ok(steps.slice(6).every((rung) => rung === 'restart-process'));
  assert.ok(steps.length < 14, `${steps.length} steps in 400 s`);
  assert.ok(ladder.reported);
});

test('a stall after frames is seen after its limit, and frames that return are told once', () => {
  const ladder = new HealingLadder(LIMITS, at(0));
  run(ladder, 0, 10, moving(ladder));
  assert.equal(run(ladder, 10.5, 13), ['12.5 rebuild stall']);
  assert.is(ladder.trouble?.reason, 'stall');
  assert.is(ladder.frame(at(12), at(12)), false, 'a frame from before the step');
  assert.is(ladder.frame(at(14), at(14)), true);
  assert.is(ladder.frame(at(15), at(15)), false);
  assert.is(ladder.trouble, undefined);
});

test('what is not there is looked for again and again by new pipelines alone, and reported after three', () => {
  const ladder = new HealingLadder(LIMITS, at(0));
  const steps = run(ladder, 0, 60, () => ladder.fault('device-missing', "no '/dev/video99'"));
  assert.equal(steps.slice(0, 5), [
    '0 rebuild absent',
    '1 rebuild absent',
    '3 rebuild absent',
    '7 report absent',
    '15 rebuild absent',
  ]);
  assert.ok(steps.slice(4).every((step) => step.endsWith('rebuild absent')));
  assert.ok(ladder.reported);
});

test('while a frame is looked at for long, that none is taken is no stall', () => {
  const ladder = new HealingLadder(LIMITS, at(0));
  run(ladder, 0, 10, moving(ladder));
  for (let now = 10; now < 15; now += 0.5) assert.is(ladder.tick(at(now), true), undefined);
  assert.is(ladder.tick(at(15))?.reason, 'stall', 'nor is any taken when it is over');
  const fresh = new HealingLadder(LIMITS, at(0));
  assert.is(fresh.tick(at(6), true), undefined, 'its pipeline was built anew meanwhile');
  const frozen = new HealingLadder(LIMITS, at(0));
  frozen.frame(at(1), at(1));
  frozen.frame(at(12), at(1));
  assert.is(
    frozen.tick(at(12), true)?.reason,
    'frozen',
    'a model that is always busy hides no frozen picture',
  );
});

test('the same picture for too long is a fault, healed by another picture alone', () => {
  const ladder = new HealingLadder(LIMITS, at(0));
  const frozen = (since: number) => (now: Millis) => void ladder.frame(now, at(since));
  const steps = run(ladder, 0.5, 11, frozen(0.5));
  assert.equal(steps, ['11 rebuild frozen']);
  assert.is(ladder.frame(at(12), at(12)), false, 'the first picture of the new pipeline may be the old one');
  assert.is(ladder.frame(at(13), at(12)), false);
  assert.is(ladder.frame(at(14), at(14)), true);
});

test('a picture that freezes again and again climbs the ladder', () => {
  const ladder = new HealingLadder(LIMITS, at(0));
  let started = 0;
  const rungs: string[] = [];
  for (let now = 0.5; now < 120; now += 0.5) {
    ladder.frame(at(now), at(started));
    const step = ladder.tick(at(now));
    if (!step) continue;
    rungs.push(step.rung);
    started = now;
  }
  assert.equal(rungs.slice(0, 4), ['rebuild', 'rebuild', 'rebuild', 'restart-process']);
});

test('without a freeze limit a still picture is fine', () => {
  const ladder = new HealingLadder({ ...LIMITS, freeze: undefined }, at(0));
  assert.equal(
    run(ladder, 0.5, 500, (now) => void ladder.frame(now, at(0))),
    [],
  );
});

test('a fault is answered at once, the next with a pause', () => {
  const ladder = new HealingLadder(LIMITS, at(0));
  ladder.fault('capture-failed', 'it broke');
  const step = ladder.tick(at(0));
  assert.equal([step?.rung, step?.reason, step?.attempt], ['rebuild', 'fault', 1]);
  assert.match(step!.detail, 'it broke');
  ladder.fault('capture-failed', 'again');
  assert.is(ladder.tick(at(0.5)), undefined);
  assert.is(ladder.tick(at(1))?.attempt, 2);
});

test('a pipeline that cannot be taken apart takes its process with it', () => {
  const ladder = new HealingLadder(LIMITS, at(0));
  ladder.fault('capture-hung', 'did not end');
  assert.is(ladder.tick(at(0))?.rung, 'restart-process');
});

test('who is not there is waited for: never a process is started again for it', () => {
  const ladder = new HealingLadder(LIMITS, at(0));
  const steps = run(ladder, 0, 300, () => ladder.fault('unreachable', 'no route'));
  const rungs = steps.map((step) => step.split(' ')[1]);
  assert.equal(rungs.slice(0, 5), ['rebuild', 'rebuild', 'rebuild', 'report', 'rebuild']);
  assert.not(rungs.includes('restart-process'));
  assert.ok(steps.length > 18, 'at least each 15 s');
  assert.is(rungs.filter((rung) => rung === 'report').length, 1);
});

test('what no restart mends is told at once and looked at each minute', () => {
  const ladder = new HealingLadder(LIMITS, at(0));
  const steps = run(ladder, 0, 130, () => ladder.fault('element-missing', 'no element "foo"'));
  assert.equal(steps, ['0 report refused', '60 rebuild refused', '120 rebuild refused']);
});

test('a Jetson may restart the Argus daemon, once, before it reports', () => {
  const ladder = new HealingLadder({ ...LIMITS, restartArgus: true }, at(0));
  const rungs = run(ladder, 0, 400).map((step) => step.split(' ')[1]);
  assert.equal(rungs.slice(4, 8), ['restart-process', 'restart-argus', 'report', 'restart-process']);
});

test('only a camera that was well for a while starts at the first rung again', () => {
  const ladder = new HealingLadder(LIMITS, at(0));
  run(ladder, 0, 30);
  run(ladder, 30.5, 40, moving(ladder));
  ladder.fault('capture-failed', 'x');
  assert.is(run(ladder, 40.5, 46)[0], '46 report fault');
  const other = new HealingLadder(LIMITS, at(0));
  run(other, 0, 30);
  run(other, 30.5, 80, moving(other));
  other.fault('capture-failed', 'x');
  assert.is(other.tick(at(81))?.rung, 'rebuild');
});

test('whatever happens, two steps are at least a second apart', () => {
  const happening = fc.record({
    kind: fc.constantFrom('frame', 'same', 'fault', 'absent', 'refused', 'none'),
    wait: fc.integer({ min: 50, max: 5000 }),
  });
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 300 }), (happenings) => {
      const ladder = new HealingLadder(LIMITS, millis(0));
      const steps: number[] = [];
      let now = 0;
      for (const { kind, wait } of happenings) {
        now += wait;
        if (kind === 'frame') ladder.frame(millis(now), millis(now));
        if (kind === 'same') ladder.frame(millis(now), millis(0));
        if (kind === 'fault') ladder.fault('capture-failed', '');
        if (kind === 'absent') ladder.fault('device-missing', '');
        if (kind === 'refused') ladder.fault('bad-pipeline', '');
        if (ladder.tick(millis(now))) steps.push(now);
      }
      for (let i = 1; i < steps.length; i++) assert.ok(steps[i]! - steps[i - 1]! >= 1000);
    }),
  );
});

test.run();

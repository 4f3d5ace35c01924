/** What gives way when the board cannot keep up. */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { millis } from '../../../../runtime/core/units.ts';
import type { Heat } from '../../../../runtime/pipeline/detection/rate/heat.ts';
import {
  nextRate,
  RATE_START,
  type RateChange,
  type RateOptions,
  type RateState,
} from '../../../../runtime/pipeline/detection/rate/policy.ts';

const OPTIONS: RateOptions = { variants: ['float', 'int8'], minFps: 1, wantedFps: 5 };
const COOL: Heat = { level: 'cool', reason: '' };
const HOT: Heat = { level: 'hot', reason: 'cpu-thermal is at 81.0 °C' };
const PERIOD = 1000 / 15;

interface Told extends RateChange {
  readonly at: number;
}

/** Looks as the rate allows, until `seconds`; `cost` in ms of a variant at a time. */
function run(
  seconds: number,
  cost: (variant: number, at: number) => number,
  heat: (at: number) => Heat = () => COOL,
  options = OPTIONS,
): { state: RateState; changes: Told[] } {
  let state = RATE_START;
  const changes: Told[] = [];
  for (let frame = 0; frame * PERIOD < 1000 * seconds; frame++) {
    if (frame % state.rate.everyNth !== 0) continue;
    const at = frame * PERIOD;
    const inferenceMs = cost(state.rate.variant, at / 1000);
    const reading = { mono: millis(at), heat: heat(at / 1000), inferenceMs, framePeriodMs: PERIOD };
    const step = nextRate(state, reading, options);
    state = step.state;
    if (step.change) changes.push({ ...step.change, at: at / 1000 });
  }
  return { state, changes };
}

test('a model that keeps up is left alone', () => {
  assert.equal(run(60, () => 40).changes, []);
});

test('a model slower than the camera skips as many frames as it needs, once', () => {
  const { state, changes } = run(60, () => 100);
  assert.equal(state.rate, { everyNth: 2, variant: 0 });
  assert.is(changes.length, 1);
  assert.is(changes[0]!.cause, 'slow');
  assert.match(changes[0]!.reason, /inference is slower than the camera \(100 ms, a frame every 67 ms\)/);
});

test('one slow look is no reason', () => {
  assert.equal(run(60, (_, at) => (Math.abs(at - 20) < 0.04 ? 200 : 40)).changes, []);
});

test('a latency around the limit does not flap', () => {
  const { changes } = run(120, (_, at) => 62 + 6 * Math.sin(at));
  assert.ok(changes.length <= 1, JSON.stringify(changes));
});

test('a model too slow for the wanted rate gives way to its faster variant, and comes back with the time to', () => {
  const { state, changes } = run(60, (variant) => (variant === 0 ? 400 : 60));
  assert.equal(state.rate, { everyNth: 1, variant: 1 });
  assert.ok(changes.some(({ to }) => to.variant === 1));
  assert.ok(
    changes.every(({ from, to }) => to.variant >= from.variant),
    'no way back and forth',
  );
  // Something else had the processor for half a minute: the cost of both falls to a quarter.
  const busy = run(120, (variant, at) => (variant === 0 ? 400 : 100) / (at < 30 ? 1 : 4));
  assert.is(busy.state.rate.variant, 0);
});

test('heat asks for the faster variant first, then for fewer looks, never below the least', () => {
  const { state, changes } = run(
    120,
    () => 20,
    () => HOT,
  );
  assert.is(changes[0]!.cause, 'heat');
  assert.is(changes[0]!.reason, HOT.reason);
  assert.equal(changes[0]!.to, { everyNth: 1, variant: 1 });
  assert.equal(state.rate, { everyNth: 15, variant: 1 });
  assert.ok(changes.every(({ to }) => to.everyNth <= 15));
});

test('a board that cools comes back step by step', () => {
  const { state, changes } = run(
    600,
    () => 20,
    (at) => (at < 12 ? HOT : COOL),
  );
  assert.equal(state.rate, { everyNth: 1, variant: 0 });
  const back = changes.filter(({ cause }) => cause === 'cool');
  assert.ok(back.length >= 2);
  for (let i = 1; i < back.length; i++) assert.ok(back[i]!.at - back[i - 1]!.at >= 59);
});

test('settled heat changes nothing either way', () => {
  const heat = (at: number): Heat => (at < 6 ? HOT : { level: 'settled', reason: '' });
  const { changes } = run(300, () => 20, heat);
  assert.ok(changes.every(({ cause }) => cause === 'heat'));
});

test('one variant alone: only looks give way', () => {
  const options = { ...OPTIONS, variants: ['float'] };
  assert.is(
    run(
      60,
      () => 900,
      () => COOL,
      options,
    ).state.rate.variant,
    0,
  );
  assert.is(
    run(
      120,
      () => 20,
      () => HOT,
      options,
    ).state.rate.everyNth,
    15,
  );
});

test('whatever is read, the rate is one, and every change has a reason', () => {
  const reading = fc.record({
    gap: fc.integer({ min: 0, max: 60_000 }),
    level: fc.constantFrom('cool', 'settled', 'warm', 'hot'),
    inferenceMs: fc.oneof(fc.constant(undefined), fc.double({ min: 0, max: 5000 })),
    framePeriodMs: fc.double({ min: 4, max: 2000, noNaN: true }),
    variants: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(reading, { maxLength: 80 }), fc.integer({ min: 1, max: 3 }), (readings, count) => {
      const options = { ...OPTIONS, variants: ['a', 'b', 'c'].slice(0, count) };
      let state = RATE_START;
      let at = 0;
      for (const { gap, level, inferenceMs, framePeriodMs } of readings) {
        at += gap;
        const heat = { level, reason: level } as Heat;
        const step = nextRate(
          state,
          { mono: millis(at), heat, framePeriodMs, ...(inferenceMs === undefined ? {} : { inferenceMs }) },
          options,
        );
        const { everyNth, variant } = step.state.rate;
        assert.ok(Number.isInteger(everyNth) && everyNth >= 1);
        assert.ok(Number.isInteger(variant) && variant >= 0 && variant < count);
        if (step.change) {
          assert.ok(step.change.reason.length > 0);
          assert.equal(step.change.from, state.rate);
          assert.equal(step.change.to, step.state.rate);
        } else assert.equal(step.state.rate, state.rate);
        state = step.state;
      }
    }),
  );
});

test.run();

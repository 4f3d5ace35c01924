import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Box } from '../../../../runtime/core/geometry.ts';
import { millis } from '../../../../runtime/core/units.ts';
import {
  type AxisState,
  BoxFilter,
  predictAxis,
  predictSize,
  updateAxis,
  updateSize,
} from '../../../../runtime/pipeline/detection/tracking/kalman.ts';

const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const axis: fc.Arbitrary<AxisState> = fc
  .tuple(number(-1, 2), number(-2, 2), number(1e-6, 1), number(-1, 1), number(1e-6, 4))
  // A covariance is positive definite.
  .map(([x, v, xx, r, vv]) => ({ x, v, xx, xv: 0.99 * r * Math.sqrt(xx * vv), vv }));
const close = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));

test('one long prediction is many short ones', () => {
  fc.assert(
    fc.property(axis, fc.array(number(0, 2), { maxLength: 6 }), number(0, 3), (state, steps, noise) => {
      const many = steps.reduce((now, dt) => predictAxis(now, dt, noise), state);
      const one = predictAxis(
        state,
        steps.reduce((sum, dt) => sum + dt, 0),
        noise,
      );
      for (const key of ['x', 'v', 'xx', 'xv', 'vv'] as const) {
        assert.ok(close(many[key], one[key]), `${key}: ${many[key]} ${one[key]}`);
      }
    }),
  );
});

test('a covariance stays one: time adds doubt, a measurement takes it away', () => {
  fc.assert(
    fc.property(axis, number(0, 5), number(-1, 2), number(1e-3, 1), (state, dt, measured, deviation) => {
      const later = predictAxis(state, dt, 1);
      const after = updateAxis(later, measured, deviation);
      for (const { xx, xv, vv } of [later, after]) {
        assert.ok(xx > 0 && vv > 0 && xx * vv - xv * xv > -1e-12 * xx * vv);
      }
      assert.ok(after.xx <= later.xx && after.vv <= later.vv + 1e-12);
      assert.ok(after.xx <= deviation ** 2 + 1e-12, 'no less sure than the measurement');
      const [low, high] = [Math.min(later.x, measured), Math.max(later.x, measured)];
      assert.ok(after.x >= low - 1e-9 && after.x <= high + 1e-9, 'between prediction and measurement');
    }),
  );
});

test('a size does not run away: it stays where it was measured, and is less sure with time', () => {
  fc.assert(
    fc.property(number(0.01, 1), number(0, 5), number(0.01, 1), (size, dt, measured) => {
      const before = { x: size, xx: 1e-4 };
      const later = predictSize(before, dt, 0.3);
      assert.is(later.x, size);
      assert.ok(later.xx >= before.xx);
      const after = updateSize(later, measured, 0.05);
      assert.ok(after.xx <= later.xx && after.xx <= 0.05 ** 2 + 1e-12);
      assert.ok(after.x >= Math.min(size, measured) - 1e-9 && after.x <= Math.max(size, measured) + 1e-9);
    }),
  );
});

test('who is hidden bit by bit keeps a size to be found again by', () => {
  const filter = new BoxFilter([0.4, 0.2, 0.1, 0.6]);
  for (let i = 1; i <= 8; i++) {
    filter.predict(millis(100));
    filter.update([0.4, 0.2, 0.1, 0.6 - 0.05 * i]);
  }
  for (let i = 0; i < 20; i++) filter.predict(millis(100), true);
  assert.ok(filter.box[3] > 0.19, `${filter.box[3]}`);
});

/** A person of a tenth of the picture who walks to the right. */
const walking = (seconds: number, speed: number): Box => [0.1 + speed * seconds, 0.4, 0.1, 0.3];

test('a steady walk is followed and foreseen, whatever the intervals', () => {
  const intervals = fc.array(fc.integer({ min: 20, max: 400 }), { minLength: 12, maxLength: 20 });
  fc.assert(
    fc.property(intervals, number(-0.05, 0.1), (list, speed) => {
      let at = 0;
      const filter = new BoxFilter(walking(0, speed));
      for (const dt of list) {
        at += dt;
        filter.predict(millis(dt));
        filter.update(walking(at / 1000, speed));
      }
      const [x, y, width, height] = filter.box;
      const truth = walking(at / 1000, speed);
      assert.ok(Math.abs(x - truth[0]) < 0.01, `${x} ${truth[0]}`);
      assert.ok(Math.abs(y - 0.4) < 1e-6 && Math.abs(width - 0.1) < 1e-6 && Math.abs(height - 0.3) < 1e-6);
      filter.predict(millis(200));
      assert.ok(Math.abs(filter.box[0] - walking((at + 200) / 1000, speed)[0]) < 0.02);
    }),
  );
});

test('who is not seen comes to rest, and keeps a size', () => {
  const filter = new BoxFilter(walking(0, 0.2));
  for (let i = 1; i <= 20; i++) {
    filter.predict(millis(100));
    filter.update(walking(i / 10, 0.2));
  }
  for (let i = 0; i < 100; i++) filter.predict(millis(100), true);
  const [x, , width, height] = filter.box;
  assert.ok(x < walking(2, 0.2)[0] + 0.3, `${x}`);
  assert.ok(Math.abs(filter.velocity[0]) < 1e-4);
  assert.ok(Math.abs(width - 0.1) < 0.01 && Math.abs(height - 0.3) < 0.03);
});

test('time that goes back is no time', () => {
  const filter = new BoxFilter(walking(0, 0));
  const before = filter.box;
  filter.predict(millis(-5000));
  assert.equal(filter.box, before);
});

test.run();

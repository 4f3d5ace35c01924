import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { millis } from '../../../runtime/core/units.ts';
import { systemTimers } from '../../../runtime/pipeline/analysis/timers.ts';

test('a timer fires again and again until it is stopped', async () => {
  let fired = 0;
  const stop = systemTimers.every(millis(5), () => {
    fired += 1;
  });
  for (let i = 0; i < 2000 && fired < 3; i++) await delay(10);
  assert.ok(fired >= 3);
  stop();
  const before = fired;
  await delay(30);
  assert.is(fired, before);
});

test('a pause lets what waits run first', async () => {
  const order: string[] = [];
  setImmediate(() => order.push('waiting'));
  await systemTimers.pause();
  order.push('after');
  assert.equal(order, ['waiting', 'after']);
});

test.run();

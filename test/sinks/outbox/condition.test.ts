/** When the outbox counts as hanging, with time as an argument. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Clock } from '../../../runtime/core/clock.ts';
import { millis, minutes } from '../../../runtime/core/units.ts';
import { Condition } from '../../../runtime/sinks/outbox/condition.ts';

test('one piece of work that does not end hangs; work that fails, again and again, does not', async () => {
  const time = { now: 0 };
  const condition = new Condition({ mono: () => millis(time.now) } as Clock);
  assert.is(condition.stuck(minutes(60)), undefined, 'nothing to do');
  let finish = () => {};
  const working = condition.during(() => new Promise<void>((resolve) => (finish = resolve)));
  assert.is(condition.stuck(minutes(4)), undefined);
  assert.match(condition.stuck(minutes(6))!, /the outbox has waited for its disk for 360 s/);
  finish();
  await working;
  assert.is(condition.stuck(minutes(6)), undefined);
  for (time.now = 0; time.now < minutes(60); time.now += minutes(4)) {
    await condition.during(() => Promise.reject(new RangeError('refused'))).catch(() => {});
    assert.is(condition.stuck(millis(time.now)), undefined);
  }
});

test.run();

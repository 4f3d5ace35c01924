import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SystemClock } from '../../runtime/core/clock.ts';
import { millis } from '../../runtime/core/units.ts';

/** Its monotonic clock is turned by hand; everything else is the real one. */
class TurnedClock extends SystemClock {
  now = 1000;
  override mono() {
    return millis(this.now);
  }
}

test('the machine is asked for the quality of its time at most once in 5 s', () => {
  let [asked, synced] = [0, false];
  const clock = new TurnedClock(() => {
    asked += 1;
    return synced;
  });
  assert.is(clock.timeQuality(), 'unsynced');
  for (let i = 0; i < 100; i++) clock.stamp();
  assert.is(asked, 1);
  synced = true;
  clock.now += 4999;
  assert.is(clock.timeQuality(), 'unsynced');
  clock.now += 1;
  assert.is(clock.timeQuality(), 'synced');
  assert.is(asked, 2);
  synced = false;
  clock.now += 5000;
  assert.is(clock.stamp().timeQuality, 'unsynced', 'a clock may lose its source again');
});

test('monotonic time never goes back and is the kernel’s, in milliseconds', () => {
  const clock = new SystemClock(() => true);
  let last = clock.mono();
  for (let i = 0; i < 1000; i++) {
    const now = clock.mono();
    assert.ok(now >= last);
    last = now;
  }
  const kernel = Number(process.hrtime.bigint()) / 1e6;
  assert.ok(kernel - last < 60_000 && kernel >= last);
  assert.ok(clock.wall() > Date.UTC(2020));
});

test.run();

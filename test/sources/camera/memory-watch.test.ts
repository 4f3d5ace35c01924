import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bytes, seconds } from '../../../runtime/core/units.ts';
import { MemoryWatch } from '../../../runtime/sources/camera/memory-watch.ts';

const MIB = 1024 ** 2;
const limits = { most: bytes(200 * MIB), growthPerHour: bytes(20 * MIB) };

/** Looks each second. @returns the first trouble and when it came. */
function run(last: number, resident: (second: number) => number) {
  const watch = new MemoryWatch(limits, seconds(0));
  for (let second = 1; second <= last; second++) {
    const trouble = watch.look(bytes(resident(second)), seconds(second));
    if (trouble) return { ...trouble, second };
  }
  return undefined;
}

test('a peak is let pass, a ceiling that stays exceeded is not', () => {
  assert.is(
    run(100, (second) => (second % 10 < 2 ? 300 : 100) * MIB),
    undefined,
  );
  const trouble = run(100, (second) => (second > 50 ? 201 : 100) * MIB);
  assert.equal([trouble?.reason, trouble?.second], ['memory-ceiling', 53]);
  assert.match(trouble!.detail, '201 MiB');
});

test('steady growth is a leak and is told with its slope, long before the ceiling', () => {
  const trouble = run(3600, (second) => 80 * MIB + (second * 40 * MIB) / 3600);
  assert.is(trouble?.reason, 'memory-leak');
  assert.match(trouble!.detail, '40 MiB an hour');
  assert.ok(trouble!.second < 1200);
});

test('a slow growth, a saw and what fills up at first are none', () => {
  assert.is(
    run(7200, (second) => 80 * MIB + (second * 10 * MIB) / 3600),
    undefined,
  );
  assert.is(
    run(7200, (second) => (80 + (second % 45)) * MIB),
    undefined,
  );
  assert.is(
    run(7200, (second) => (40 + Math.min(second, 170) / 2) * MIB),
    undefined,
  );
});

test('a larger model is no leak, growth behind it is one, and the ceiling stands', () => {
  const look = (settles: boolean, resident: (second: number) => number) => {
    const watch = new MemoryWatch(limits, seconds(0));
    for (let second = 1; second <= 7200; second++) {
      if (settles && second === 1200) watch.settle(seconds(second));
      const trouble = watch.look(bytes(resident(second) * MIB), seconds(second));
      if (trouble) return { ...trouble, second };
    }
    return undefined;
  };
  const step = (second: number) => (second < 1200 ? 80 : 120);
  assert.is(look(false, step)?.reason, 'memory-leak');
  assert.is(look(true, step), undefined);
  const leak = look(true, (second) => step(second) + second / 60);
  assert.ok(leak!.reason === 'memory-leak' && leak!.second < 2400);
  assert.is(look(true, (second) => (second < 1200 ? 80 : 201))?.second, 1202);
});

test.run();

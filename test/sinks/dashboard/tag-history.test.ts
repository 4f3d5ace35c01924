import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { millis } from '../../../runtime/core/units.ts';
import { TagHistory } from '../../../runtime/sinks/dashboard/tag-history.ts';

test('the memory is bounded: more tags, fewer points', () => {
  assert.is(new TagHistory(0).points, 120);
  assert.is(new TagHistory(127).points, 120);
  assert.is(new TagHistory(10_000).points, 26);
  assert.is(new TagHistory(100_000).points, 8);
});

test('readings that are close together share a point, the last one wins', () => {
  const history = new TagHistory(2);
  for (const [mono, value] of [
    [0, 1],
    [100, 2],
    [499, 3],
    [500, 4],
  ] as const)
    history.push(1, millis(mono), value);
  assert.equal(history.read(1, millis(1500)), { ages: [1.5, 1], values: [3, 4] });
  assert.equal(history.read(0, millis(1500)), { ages: [], values: [] });
});

test('switches are 0 and 1; text, nothing and NaN are gaps', () => {
  const history = new TagHistory(1);
  const values = [true, false, 'open', null, Number.NaN, Number.POSITIVE_INFINITY, 5n];
  values.forEach((value, i) => {
    history.push(0, millis(i * 5000), value);
  });
  assert.equal(history.read(0, millis(0)).values, [1, 0, null, null, null, null, 5]);
});

test('whatever comes in, the newest points come out, oldest first', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 400 });
  fc.assert(
    fc.property(gaps, (steps) => {
      const history = new TagHistory(3);
      let mono = 0;
      steps.forEach((step, i) => {
        mono += step;
        history.push(1, millis(mono), i);
      });
      const { ages, values } = history.read(1, millis(mono));
      assert.ok(ages.length <= history.points);
      assert.is(values.at(-1), steps.length > 0 ? steps.length - 1 : undefined);
      for (let i = 1; i < ages.length; i++) assert.ok(ages[i]! < ages[i - 1]!);
      assert.equal(history.read(0, millis(mono)).ages, []);
      assert.equal(history.read(2, millis(mono)).ages, []);
    }),
    { numRuns: 60 },
  );
});

test.run();

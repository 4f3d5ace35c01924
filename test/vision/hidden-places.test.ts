/** Where persons stay hidden whom the model does not find any more. */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Box } from '../../runtime/core/geometry.ts';
import { HiddenPlaces } from '../../runtime/vision/hidden-places.ts';

const at = (x: number): Box => [x, 0.2, 0.1, 0.4];
/** Whether the box lies within one of those that are hidden. */
const covers = (hidden: readonly Box[], [x, y, w, h]: Box) =>
  hidden.some(
    ([a, b, c, d]) => a <= x + 1e-9 && b <= y + 1e-9 && a + c >= x + w - 1e-9 && b + d >= y + h - 1e-9,
  );

test('who is not found again stays hidden where they were, for half a minute', () => {
  const places = new HiddenPlaces();
  places.see(0, [at(0.5)]);
  for (let time = 100; time <= 30_000; time += 100)
    assert.ok(covers(places.see(time, []), at(0.5)), `${time}`);
  assert.equal(places.see(30_200, []), []);
});

test('a lost place grows: who was seen last there moves', () => {
  const places = new HiddenPlaces();
  places.see(0, [at(0.5)]);
  const width = (time: number) => places.see(time, [])[0]![2];
  const [early, late] = [width(1500), width(4500)];
  assert.ok(early > 0.1 && late > early && late < 0.25, `${early}, ${late}`);
});

test('a walk leaves no trail: only the last second of it is hidden', () => {
  const places = new HiddenPlaces();
  for (let step = 0; step <= 40; step++) places.see(step * 100, [at(step * 0.02)]);
  const hidden = places.see(4100, [at(0.82)]);
  assert.ok(
    hidden.every(([x]) => x > 0.55),
    JSON.stringify(hidden),
  );
});

test('who is found again where they were lost is hidden once', () => {
  const places = new HiddenPlaces();
  places.see(0, [at(0.5)]);
  assert.ok(places.see(3000, []).length > 0);
  places.see(5000, [at(0.52)]);
  assert.equal(places.see(7000, [at(0.52)]), [at(0.52)]);
});

test('two looks more than a second apart hide who was missed at the second', () => {
  const places = new HiddenPlaces();
  places.see(0, [at(0.1), at(0.7)]);
  const hidden = places.see(2500, [at(0.1)]);
  assert.ok(covers(hidden, at(0.7)));
});

test('what is found is always hidden, and everything within the picture stays so', () => {
  const box = fc
    .tuple(fc.double({ min: 0, max: 0.9, noNaN: true }), fc.double({ min: 0, max: 0.9, noNaN: true }))
    .map(([x, y]): Box => [x, y, 0.1, 0.1]);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: -500, max: 3000 }), fc.array(box, { maxLength: 5 })), {
        maxLength: 40,
      }),
      (looks) => {
        const places = new HiddenPlaces();
        let time = 0;
        for (const [step, boxes] of looks) {
          time += step;
          const hidden = places.see(time, boxes);
          for (const one of boxes) assert.ok(covers(hidden, one));
          for (const [x, y, w, h] of hidden)
            assert.ok(x >= 0 && y >= 0 && x + w <= 1.0001 && y + h <= 1.0001);
        }
      },
    ),
  );
});

test.run();

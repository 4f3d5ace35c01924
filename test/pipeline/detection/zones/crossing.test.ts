/** Tripwires: who crosses is told once, with the direction. */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Point } from '../../../../runtime/core/geometry.ts';
import { Crossing, MARGIN } from '../../../../runtime/pipeline/detection/zones/crossing.ts';
import { person, play, sceneOf } from '../synthetic.ts';

/** Up the middle of the picture: left of it is left. */
const UP: [Point, Point] = [
  [0.5, 0.8],
  [0.5, 0.2],
];

const crossings = (line: readonly [Point, Point], way: readonly Point[]) => {
  const wire = new Crossing(line);
  return way.flatMap((point) => wire.look(point) ?? []);
};

test('there and back are two crossings', () => {
  const way: Point[] = [
    [0.3, 0.5],
    [0.45, 0.5],
    [0.55, 0.5],
    [0.7, 0.5],
    [0.4, 0.5],
  ];
  assert.equal(crossings(UP, way), ['left-to-right', 'right-to-left']);
});

test('a way round the end is none across', () => {
  const round: Point[] = [
    [0.4, 0.5],
    [0.4, 0.1],
    [0.6, 0.1],
    [0.6, 0.5],
  ];
  assert.equal(crossings(UP, round), []);
  // Round the end and back across the line is one crossing: from right to left.
  assert.equal(crossings(UP, [...round, [0.4, 0.5]]), ['right-to-left']);
});

test('who lingers on the line crosses it once, or not at all', () => {
  const linger = fc.array(fc.double({ min: -0.9 * MARGIN, max: 0.9 * MARGIN, noNaN: true }), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(linger, fc.boolean(), (offsets, across) => {
      const way: Point[] = [
        [0.4, 0.5],
        ...offsets.map((offset): Point => [0.5 + offset, 0.5]),
        [across ? 0.6 : 0.4, 0.5],
      ];
      assert.equal(crossings(UP, way), across ? ['left-to-right'] : []);
    }),
  );
});

test('stepping exactly onto the line counts once', () => {
  assert.equal(
    crossings(UP, [
      [0.4, 0.5],
      [0.5, 0.5],
      [0.6, 0.5],
    ]),
    ['left-to-right'],
  );
  assert.equal(
    crossings(UP, [
      [0.6, 0.5],
      [0.5, 0.5],
      [0.4, 0.5],
    ]),
    ['right-to-left'],
  );
  assert.equal(
    crossings(UP, [
      [0.4, 0.5],
      [0.5, 0.5],
      [0.4, 0.5],
    ]),
    [],
  );
});

test('crossings alternate, and their number is that of the changes of side along the line', () => {
  const coordinate = fc.integer({ min: 0, max: 40 }).map((n) => n / 40);
  const way = fc.array(fc.tuple(coordinate, coordinate) as fc.Arbitrary<Point>, {
    minLength: 2,
    maxLength: 30,
  });
  // A line over the whole picture has no end to go round.
  const whole: [Point, Point] = [
    [0.51, 1.5],
    [0.51, -0.5],
  ];
  fc.assert(
    fc.property(way, (points) => {
      const found = crossings(whole, points);
      const sides = points.map(([x]) => x - 0.51).filter((d) => Math.abs(d) >= MARGIN);
      const changes = sides.filter((d, i) => i > 0 && Math.sign(d) !== Math.sign(sides[i - 1]!));
      assert.equal(
        found,
        changes.map((d) => (d > 0 ? 'left-to-right' : 'right-to-left')),
      );
    }),
    { numRuns: 500 },
  );
});

test('turning the line around turns the directions around', () => {
  const way: Point[] = [
    [0.3, 0.5],
    [0.7, 0.5],
  ];
  assert.equal(crossings([UP[1], UP[0]], way), ['right-to-left']);
});

test('a person over a tripwire is one event, in the direction that counts', () => {
  const fence = { name: 'fence', line: UP as [[number, number], [number, number]] };
  const passing = (ms: number) => person(0.2 + ms / 10_000, 0.6);
  const of = (direction: 'both' | 'left-to-right' | 'right-to-left') =>
    play(sceneOf({ tripwires: [{ ...fence, direction }] }), [passing], 6000).events;
  const [event, ...more] = of('both');
  assert.equal(more, []);
  assert.is(event!.kind, 'crossing');
  assert.is(event!.direction, 'left-to-right');
  assert.match(event!.summary, /crossed tripwire 'fence' of camera 'yard' from left to right/);
  assert.is(of('left-to-right').length, 1);
  assert.is(of('right-to-left').length, 0);
});

test('who is hidden while crossing has crossed', () => {
  const tripwires = [{ name: 'fence', line: UP as [[number, number], [number, number]] }];
  const passing = (ms: number) => (ms > 2000 && ms < 3600 ? undefined : person(0.2 + ms / 10_000, 0.6));
  assert.is(play(sceneOf({ tripwires }), [passing], 6000).events.length, 1);
});

test.run();

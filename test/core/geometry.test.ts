import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  area,
  type Box,
  inPolygon,
  iou,
  onSegment,
  type Point,
  segmentsMeet,
  selfCrossing,
  turn,
} from '../../runtime/core/geometry.ts';

/** Multiples of 1/16: their products are exact, so that the edges are exact, too. */
const sixteenth = fc.integer({ min: 0, max: 16 }).map((n) => n / 16);
const point = fc.tuple(sixteenth, sixteenth) as fc.Arbitrary<Point>;

/** How often the polygon winds around the point, by summing angles: another way to the same answer. */
function winding([x, y]: Point, polygon: readonly Point[]): number {
  const angle = ([a, b]: Point) => Math.atan2(b - y, a - x);
  let sum = 0;
  for (let i = 0; i < polygon.length; i++) {
    let difference = angle(polygon[(i + 1) % polygon.length]!) - angle(polygon[i]!);
    if (difference > Math.PI) difference -= 2 * Math.PI;
    if (difference < -Math.PI) difference += 2 * Math.PI;
    sum += difference;
  }
  return Math.round(sum / (2 * Math.PI));
}

const onEdge = (p: Point, polygon: readonly Point[]) =>
  polygon.some((corner, i) => onSegment(p, corner, polygon[(i + 1) % polygon.length]!));

test('a point is in a polygon where the winding number is odd, and on its edge', () => {
  const polygons = fc.array(point, { minLength: 3, maxLength: 8 });
  fc.assert(
    fc.property(point, polygons, (p, polygon) => {
      const expected = onEdge(p, polygon) || winding(p, polygon) % 2 !== 0;
      assert.is(inPolygon(p, polygon), expected, JSON.stringify([p, polygon]));
    }),
    { numRuns: 2000 },
  );
});

test('the border of the picture belongs to a zone that reaches up to it', () => {
  const picture: Point[] = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ];
  for (const p of [...picture, [0.5, 1], [1, 0.3], [0.2, 0.9]] as Point[]) assert.ok(inPolygon(p, picture));
  assert.is(area(picture), 1);
});

test('stars around a centre never cross themselves; swapping two corners of a convex one does', () => {
  const angles = fc.uniqueArray(fc.integer({ min: 0, max: 359 }), { minLength: 4, maxLength: 12 });
  fc.assert(
    fc.property(angles, fc.nat(), (list, at) => {
      const corners = list
        .sort((a, b) => a - b)
        .map((degrees): Point => {
          const angle = (degrees * Math.PI) / 180;
          return [0.5 + Math.cos(angle) / 2, 0.5 + Math.sin(angle) / 2];
        });
      assert.is(selfCrossing(corners), undefined);
      const i = at % corners.length;
      const next = (i + 1) % corners.length;
      const swapped = [...corners];
      [swapped[i], swapped[next]] = [corners[next]!, corners[i]!];
      assert.ok(selfCrossing(swapped));
    }),
  );
});

test('degenerate polygons cross themselves: corners twice, edges over each other', () => {
  const of = (...corners: Point[]) => selfCrossing(corners);
  assert.ok(of([0, 0], [1, 0], [0, 0]));
  assert.ok(of([0, 0], [1, 0], [0.5, 0]));
  assert.ok(of([0, 0], [1, 0], [1, 1], [0.5, 0], [0, 1]), 'a corner on another edge');
  assert.equal(of([0, 0], [1, 1], [1, 0], [0, 1]), [0, 2], 'a bow tie');
});

test('segments meet as their equations say, and the order of the ends does not matter', () => {
  fc.assert(
    fc.property(point, point, point, point, (a, b, c, d) => {
      const meet = segmentsMeet(a, b, c, d);
      assert.is(segmentsMeet(b, a, c, d), meet);
      assert.is(segmentsMeet(c, d, a, b), meet);
      const denominator = (b[0] - a[0]) * (d[1] - c[1]) - (b[1] - a[1]) * (d[0] - c[0]);
      if (denominator === 0) return;
      const t = ((c[0] - a[0]) * (d[1] - c[1]) - (c[1] - a[1]) * (d[0] - c[0])) / denominator;
      const u = ((c[0] - a[0]) * (b[1] - a[1]) - (c[1] - a[1]) * (b[0] - a[0])) / denominator;
      // Beyond rounding of the reference.
      if ([t, u].some((v) => Math.abs(v) < 1e-9 || Math.abs(v - 1) < 1e-9)) return;
      assert.is(meet, t > 0 && t < 1 && u > 0 && u < 1);
    }),
    { numRuns: 2000 },
  );
});

test('right of a way to the right is down', () => {
  assert.ok(turn([0, 0.5], [1, 0.5], [0.5, 0.9]) > 0);
  assert.ok(turn([0, 0.5], [1, 0.5], [0.5, 0.1]) < 0);
});

test('overlap is symmetric, 1 with itself, and does not change when an axis is scaled', () => {
  const side = fc.integer({ min: 1, max: 16 }).map((n) => n / 16);
  const box = fc.tuple(sixteenth, sixteenth, side, side) as fc.Arbitrary<Box>;
  const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-9, `${a} ${b}`);
  fc.assert(
    fc.property(box, box, (a, b) => {
      near(iou(a, b), iou(b, a));
      near(iou(a, a), 1);
      const scaled = ([x, y, w, h]: Box): Box => [1280 * x, 720 * y, 1280 * w, 720 * h];
      near(iou(scaled(a), scaled(b)), iou(a, b));
      assert.ok(iou(a, b) >= 0 && iou(a, b) <= 1);
    }),
  );
});

test.run();

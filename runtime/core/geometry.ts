/** Points, polygons and segments of a picture in normalised coordinates: 0 … 1 from left to right and from top to bottom. */

export type Point = readonly [x: number, y: number];

/** x, y of the upper left corner, width, height. */
export type Box = readonly [x: number, y: number, width: number, height: number];

/** Twice the signed area of the triangle: above 0 when `c` lies to the right of the way from `a` to `b`, as seen in the picture. */
export function turn(a: Point, b: Point, c: Point): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

/** Whether `point` lies on the segment, ends included. */
export function onSegment(point: Point, a: Point, b: Point): boolean {
  if (turn(a, b, point) !== 0) return false;
  const within = (value: number, one: number, other: number) =>
    value >= Math.min(one, other) && value <= Math.max(one, other);
  return within(point[0], a[0], b[0]) && within(point[1], a[1], b[1]);
}

/** Whether two closed segments have a point in common. */
export function segmentsMeet(a: Point, b: Point, c: Point, d: Point): boolean {
  const [abc, abd, cda, cdb] = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)];
  if (opposite(abc, abd) && opposite(cda, cdb)) return true;
  return onSegment(c, a, b) || onSegment(d, a, b) || onSegment(a, c, d) || onSegment(b, c, d);
}

const opposite = (a: number, b: number) => (a > 0 && b < 0) || (a < 0 && b > 0);

/** Even-odd rule; the edge belongs to the polygon, so that a zone up to the picture's border holds who stands at it. */
export function inPolygon(point: Point, polygon: readonly Point[]): boolean {
  const [x, y] = point;
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [a, b] = [polygon[i]!, polygon[j]!];
    if (onSegment(point, a, b)) return true;
    if (a[1] > y !== b[1] > y && x < ((b[0] - a[0]) * (y - a[1])) / (b[1] - a[1]) + a[0]) inside = !inside;
  }
  return inside;
}

/** The first two edges that meet where they should not, by the index of the corner they start at. */
export function selfCrossing(polygon: readonly Point[]): readonly [number, number] | undefined {
  const count = polygon.length;
  const corner = (index: number) => polygon[index % count]!;
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) {
      const neighbours = j === i + 1 || (i === 0 && j === count - 1);
      if (neighbours ? foldsBack(corner, i, j, count) : edgesMeet(corner, i, j)) return [i, j];
    }
  }
  return undefined;
}

const edgesMeet = (corner: (index: number) => Point, i: number, j: number) =>
  segmentsMeet(corner(i), corner(i + 1), corner(j), corner(j + 1));

/** Neighbouring edges share a corner; beyond it they may not run over each other. */
function foldsBack(corner: (index: number) => Point, i: number, j: number, count: number): boolean {
  const shared = j === i + 1 ? j : i;
  const [before, after] = [corner(shared + count - 1), corner(shared + 1)];
  return onSegment(before, corner(shared), after) || onSegment(after, corner(shared), before);
}

/** Of a simple polygon. */
export function area(polygon: readonly Point[]): number {
  let twice = 0;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [a, b] = [polygon[j]!, polygon[i]!];
    twice += a[0] * b[1] - b[0] * a[1];
  }
  return Math.abs(twice) / 2;
}

/** Intersection over union. */
export function iou(a: Box, b: Box): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (a[2] * a[3] + b[2] * b[3] - shared);
}

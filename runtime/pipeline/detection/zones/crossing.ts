/** One track and one tripwire. */

import { type Point, segmentsMeet, turn } from '../../../core/geometry.ts';

export type Direction = 'left-to-right' | 'right-to-left';

/** Who stands on the line is on neither side: this far from it (parts of the picture) a side is sure. */
export const MARGIN = 0.01;

/**
 * Tells a crossing once the track is clearly on the other side, so that one who lingers on the line crosses it once. The
 * way between two looks is taken as straight; a way round the line's end is none across it.
 */
export class Crossing {
  readonly #line: readonly [Point, Point];
  readonly #length: number;
  #last: Point | undefined;
  /** -1 left, 1 right, 0 not known yet. */
  #side = 0;
  /** Ways across to the right minus ways to the left, since the side was last sure. */
  #net = 0;

  constructor(line: readonly [Point, Point]) {
    this.#line = line;
    this.#length = Math.hypot(line[1][0] - line[0][0], line[1][1] - line[0][1]);
  }

  isOf(line: readonly [Point, Point]): boolean {
    return this.#line.every((end, i) => end[0] === line[i]![0] && end[1] === line[i]![1]);
  }

  look(point: Point): Direction | undefined {
    const [a, b] = this.#line;
    if (this.#last) this.#net += this.#across(this.#last, point);
    this.#last = point;
    const distance = turn(a, b, point) / this.#length;
    if (Math.abs(distance) < MARGIN) return undefined;
    const side = Math.sign(distance);
    const crossed = this.#side !== 0 && side !== this.#side && Math.sign(this.#net) === side;
    this.#side = side;
    this.#net = 0;
    if (!crossed) return undefined;
    return side > 0 ? 'left-to-right' : 'right-to-left';
  }

  #across(from: Point, to: Point): number {
    const [a, b] = this.#line;
    // A point on the line counts as right of it, so that a way in two steps with a stop on the line crosses once.
    const [before, after] = [turn(a, b, from) >= 0, turn(a, b, to) >= 0];
    if (before === after || !segmentsMeet(a, b, from, to)) return 0;
    return after ? 1 : -1;
  }
}

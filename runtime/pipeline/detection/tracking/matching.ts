/** Which detection continues which track: one pass of the association. */

import { type Box, iou } from '../../../core/geometry.ts';
import type { Observation } from '../observation.ts';
import { assign } from './assignment.ts';

export interface Side {
  readonly label: string;
  readonly box: Box;
}

export interface Matched<T> {
  readonly pairs: readonly (readonly [T, Observation])[];
  readonly tracks: readonly T[];
  readonly observations: readonly Observation[];
}

/** 0 … 1: how much a detection looks like the track. */
export type Likeness<T> = (track: T, box: Box) => number;

/**
 * Pairs of the same label and a likeness of at least `least`, so that the sum of likenesses is greatest; and what is left.
 * @param least above 0.
 */
export function match<T extends Side>(
  tracks: readonly T[],
  observations: readonly Observation[],
  least: number,
  likeness: Likeness<T> = (track, box) => iou(track.box, box),
): Matched<T> {
  if (tracks.length === 0 || observations.length === 0) return { pairs: [], tracks, observations };
  const costs = new Float64Array(tracks.length * observations.length).fill(Number.POSITIVE_INFINITY);
  tracks.forEach((track, row) => {
    observations.forEach((one, column) => {
      const alike = one.label === track.label ? likeness(track, one.box) : 0;
      if (alike >= least && alike > 0) costs[row * observations.length + column] = Math.max(1 - alike, 0);
    });
  });
  const columns = assign(costs, tracks.length, observations.length, 1);
  const taken = new Set<number>(columns);
  return {
    pairs: tracks.flatMap((track, row) =>
      columns[row]! < 0 ? [] : [[track, observations[columns[row]!]!] as const],
    ),
    tracks: tracks.filter((_, row) => columns[row]! < 0),
    observations: observations.filter((_, column) => !taken.has(column)),
  };
}

/**
 * Overlap of the boxes made larger on each side by a part of themselves: for what moved further than its own size between two
 * looks.
 */
export function wideOverlap(a: Box, b: Box, margin: number): number {
  const wide = ([x, y, width, height]: Box): Box => [
    x - margin * width,
    y - margin * height,
    width * (1 + 2 * margin),
    height * (1 + 2 * margin),
  ];
  return alikeInSize(a, b) ? iou(wide(a), wide(b)) : 0;
}

/** Nobody doubles between two looks. */
function alikeInSize(a: Box, b: Box): boolean {
  const ratio = (a[2] * a[3]) / (b[2] * b[3]);
  return ratio > 0.4 && ratio < 2.5;
}

/** Of a part's area that lies in the whole, and of the whole's width that it has. */
const WITHIN = 0.85;
const AS_WIDE = 0.5;

/** Whether a box is only a part of another, as the upper half of who is seen whole; someone further away is less wide. */
export function isPart(part: Box, whole: Box): boolean {
  if (part[2] * part[3] >= whole[2] * whole[3] || part[2] < AS_WIDE * whole[2]) return false;
  const width = Math.min(part[0] + part[2], whole[0] + whole[2]) - Math.max(part[0], whole[0]);
  const height = Math.min(part[1] + part[3], whole[1] + whole[3]) - Math.max(part[1], whole[1]);
  return width > 0 && height > 0 && width * height >= WITHIN * part[2] * part[3];
}

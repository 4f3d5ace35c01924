/** Which element of an axis each element of a resized axis takes, in the float32 arithmetic of ONNX Runtime. */

import { refuse } from '../not-expressible.ts';

export interface NearestAxis {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  readonly coordinates: string;
  readonly rounding: string;
}

const { fround } = Math;

export function nearestIndices({ from, to, scale, coordinates, rounding }: NearestAxis): number[] {
  const round = ROUNDINGS[rounding] ?? refuse(`its nearest_mode is ${rounding}`);
  const position = POSITIONS[coordinates] ?? refuse(`it places pixels by ${coordinates}`);
  return Array.from({ length: to }, (_, i) => {
    const at = scale === 1 && from === to ? i : round(position(i, fround(scale), from, to));
    return Math.min(from - 1, Math.max(0, at));
  });
}

type Position = (i: number, scale: number, from: number, to: number) => number;

const POSITIONS: Readonly<Record<string, Position>> = {
  asymmetric: (i, scale) => fround(i / scale),
  half_pixel: (i, scale) => fround(fround((i + 0.5) / scale) - 0.5),
  pytorch_half_pixel: (i, scale, _, to) => (to > 1 ? fround(fround((i + 0.5) / scale) - 0.5) : 0),
  align_corners: (i, _, from, to) => (to === 1 ? 0 : fround(fround(i * (from - 1)) / (to - 1))),
};

const ROUNDINGS: Readonly<Record<string, (at: number) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (at) => Math.ceil(at - 0.5),
  round_prefer_ceil: (at) => Math.floor(at + 0.5),
};

/**
 * Kalman filter of a box, with the time between looks as an argument: the centre moves at a constant velocity, the size
 * wanders. A size with a velocity of its own, as is usual, shrinks who steps behind somebody to nothing. All four move
 * independently of each other, so they are filters of their own, which is exact and needs no matrices.
 */

import type { Box } from '../../../core/geometry.ts';
import type { Millis } from '../../../core/units.ts';

/** Position and speed along one axis, with their covariance. Seconds, and parts of the picture. */
export interface AxisState {
  readonly x: number;
  readonly v: number;
  readonly xx: number;
  readonly xv: number;
  readonly vv: number;
}

/** Standard deviations as parts of the box's width (for x and width) or height. */
export interface Noise {
  /** Of a detection's position and size. */
  readonly measurement: number;
  /** Of the acceleration of the centre, box sizes per second squared. */
  readonly motion: number;
  /** How far the size wanders, box sizes per square root of a second. */
  readonly growth: number;
  /** Of the speed of what is seen for the first time, box sizes per second. */
  readonly speed: number;
}

/** A walking person passes about half of the own height, or twice the own width, in a second. */
export const PERSON_NOISE: Noise = { measurement: 0.06, motion: 3, growth: 0.3, speed: 1.5 };

export function predictAxis(state: AxisState, dt: number, acceleration: number): AxisState {
  const { x, v, xx, xv, vv } = state;
  // White noise of the acceleration, integrated over dt: the same after one long step as after many short ones.
  const q = acceleration * acceleration;
  return {
    x: x + v * dt,
    v,
    xx: xx + 2 * dt * xv + dt * dt * vv + (q * dt ** 3) / 3,
    xv: xv + dt * vv + (q * dt * dt) / 2,
    vv: vv + q * dt,
  };
}

export function updateAxis(state: AxisState, measured: number, deviation: number): AxisState {
  const { x, v, xx, xv, vv } = state;
  const innovation = xx + deviation * deviation;
  const [gain, gainV] = [xx / innovation, xv / innovation];
  const difference = measured - x;
  return {
    x: x + gain * difference,
    v: v + gainV * difference,
    xx: (1 - gain) * xx,
    xv: (1 - gain) * xv,
    vv: vv - gainV * xv,
  };
}

/** A size and its variance. */
export interface SizeState {
  readonly x: number;
  readonly xx: number;
}

export function predictSize({ x, xx }: SizeState, dt: number, growth: number): SizeState {
  return { x, xx: xx + growth * growth * dt };
}

export function updateSize({ x, xx }: SizeState, measured: number, deviation: number): SizeState {
  const gain = xx / (xx + deviation * deviation);
  return { x: x + gain * (measured - x), xx: (1 - gain) * xx };
}

/** Speeds fade while nothing is seen: who walked behind a pillar has not left for the horizon. */
const FADE_SECONDS = 0.5;
/** No box is thinner, whatever a prediction says. */
const LEAST_SIZE = 1e-4;

export class BoxFilter {
  readonly #noise: Noise;
  #centerX: AxisState;
  #centerY: AxisState;
  #width: SizeState;
  #height: SizeState;

  constructor(box: Box, noise: Noise = PERSON_NOISE) {
    this.#noise = noise;
    const [x, y, width, height] = box;
    const variance = (size: number) => (noise.measurement * size) ** 2;
    const start = (value: number, size: number): AxisState => ({
      x: value,
      v: 0,
      xx: variance(size),
      xv: 0,
      vv: (noise.speed * size) ** 2,
    });
    this.#centerX = start(x + width / 2, width);
    this.#centerY = start(y + height / 2, height);
    this.#width = { x: width, xx: variance(width) };
    this.#height = { x: height, xx: variance(height) };
  }

  get box(): Box {
    const [width, height] = [Math.max(this.#width.x, LEAST_SIZE), Math.max(this.#height.x, LEAST_SIZE)];
    return [this.#centerX.x - width / 2, this.#centerY.x - height / 2, width, height];
  }

  /** Of the centre, parts of the picture per second. */
  get velocity(): readonly [number, number] {
    return [this.#centerX.v, this.#centerY.v];
  }

  /** @param dt time since the last prediction; below 0 counts as 0. @param unseen fades the speeds. */
  predict(dt: Millis, unseen = false): void {
    const seconds = Math.max(dt, 0) / 1000;
    const [, , width, height] = this.box;
    const { motion, growth } = this.#noise;
    this.#centerX = predictAxis(this.#centerX, seconds, motion * width);
    this.#centerY = predictAxis(this.#centerY, seconds, motion * height);
    this.#width = predictSize(this.#width, seconds, growth * width);
    this.#height = predictSize(this.#height, seconds, growth * height);
    if (unseen) this.#fade(Math.exp(-seconds / FADE_SECONDS));
  }

  /** @param trust above 1 for a doubtful detection: its deviation grows by this factor. */
  update([x, y, width, height]: Box, trust = 1): void {
    const deviation = this.#noise.measurement * trust;
    const [, , w, h] = this.box;
    this.#centerX = updateAxis(this.#centerX, x + width / 2, deviation * w);
    this.#centerY = updateAxis(this.#centerY, y + height / 2, deviation * h);
    this.#width = updateSize(this.#width, width, deviation * w);
    this.#height = updateSize(this.#height, height, deviation * h);
  }

  #fade(factor: number): void {
    const slower = (state: AxisState): AxisState => ({ ...state, v: state.v * factor });
    this.#centerX = slower(this.#centerX);
    this.#centerY = slower(this.#centerY);
  }
}

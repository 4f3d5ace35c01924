/**
 * Constant-velocity Kalman filter of a box, with the time between looks as an argument. Centre and size move
 * independently of each other, so the eight states are four filters of two, which is exact and needs no matrices.
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
  /** The same of the size, which changes more slowly. */
  readonly growth: number;
  /** Of the speed of what is seen for the first time, box sizes per second. */
  readonly speed: number;
}

/** A walking person passes about half of the own height, or twice the own width, in a second. */
export const PERSON_NOISE: Noise = { measurement: 0.06, motion: 3, growth: 0.4, speed: 1.5 };

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

/** Speeds fade while nothing is seen: who walked behind a pillar has not left for the horizon. */
const FADE_SECONDS = 1;
/** No box is thinner, whatever a prediction says. */
const LEAST_SIZE = 1e-4;

export class BoxFilter {
  readonly #noise: Noise;
  #centerX: AxisState;
  #centerY: AxisState;
  #width: AxisState;
  #height: AxisState;

  constructor(box: Box, noise: Noise = PERSON_NOISE) {
    this.#noise = noise;
    const [x, y, width, height] = box;
    const start = (value: number, size: number, speed: number): AxisState => ({
      x: value,
      v: 0,
      xx: (noise.measurement * size) ** 2,
      xv: 0,
      vv: (speed * size) ** 2,
    });
    this.#centerX = start(x + width / 2, width, noise.speed);
    this.#centerY = start(y + height / 2, height, noise.speed);
    this.#width = start(width, width, noise.growth);
    this.#height = start(height, height, noise.growth);
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
    this.#width = predictAxis(this.#width, seconds, growth * width);
    this.#height = predictAxis(this.#height, seconds, growth * height);
    if (unseen) this.#fade(Math.exp(-seconds / FADE_SECONDS));
  }

  /** @param trust above 1 for a doubtful detection: its deviation grows by this factor. */
  update([x, y, width, height]: Box, trust = 1): void {
    const deviation = this.#noise.measurement * trust;
    const [, , w, h] = this.box;
    this.#centerX = updateAxis(this.#centerX, x + width / 2, deviation * w);
    this.#centerY = updateAxis(this.#centerY, y + height / 2, deviation * h);
    this.#width = updateAxis(this.#width, width, deviation * w);
    this.#height = updateAxis(this.#height, height, deviation * h);
  }

  #fade(factor: number): void {
    const slower = (state: AxisState): AxisState => ({ ...state, v: state.v * factor });
    this.#centerX = slower(this.#centerX);
    this.#centerY = slower(this.#centerY);
    // A size that goes on growing unseen would swallow the picture.
    this.#width = { ...this.#width, v: 0 };
    this.#height = { ...this.#height, v: 0 };
  }
}

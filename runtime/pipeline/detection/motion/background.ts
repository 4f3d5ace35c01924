/** What each cell of a small brightness grid usually looks like, and which cells look different now. */

import type { Millis } from '../../../core/units.ts';

/** Brightness of a picture scaled down to some thousand cells, 0 … 255, row by row. */
export interface LumaGrid {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** How long a cell that is as usual takes to follow, and one that is not: what was put down becomes background. */
const STILL_MS = 2000;
const MOVING_MS = 20_000;
/** A cell's own noise counts this many times. */
const NOISE_FACTOR = 4;
const FIRST_NOISE = 2;

export class Background {
  readonly width: number;
  readonly height: number;
  readonly #threshold: number;
  readonly #mean: Float32Array;
  /** Mean absolute difference while still. */
  readonly #noise: Float32Array;
  readonly #moving: Uint8Array;
  #at: Millis;

  /** @param threshold least change of brightness that counts. */
  constructor(grid: LumaGrid, threshold: number, mono: Millis) {
    this.width = grid.width;
    this.height = grid.height;
    this.#threshold = threshold;
    this.#mean = Float32Array.from(grid.data);
    this.#noise = new Float32Array(grid.data.length).fill(FIRST_NOISE);
    this.#moving = new Uint8Array(grid.data.length);
    this.#at = mono;
  }

  /** @returns 1 for each cell that looks different; valid until the next call. */
  compare({ data }: LumaGrid, mono: Millis): Uint8Array {
    const dt = Math.max(mono - this.#at, 0);
    this.#at = mono;
    const [still, moving] = [1 - Math.exp(-dt / STILL_MS), 1 - Math.exp(-dt / MOVING_MS)];
    const shift = this.#shift(data);
    for (let i = 0; i < data.length; i++) {
      const plain = data[i]! - this.#mean[i]!;
      const difference = Math.abs(plain - shift);
      const moves = difference > Math.max(this.#threshold, NOISE_FACTOR * this.#noise[i]!);
      this.#moving[i] = moves ? 1 : 0;
      this.#mean[i]! += (moves ? moving : still) * plain;
      if (!moves) this.#noise[i]! += still * (difference - this.#noise[i]!);
    }
    return this.#moving;
  }

  /** The median change: a cloud or the camera's exposure, not a person. */
  #shift(data: Uint8Array): number {
    const histogram = new Uint32Array(511);
    for (let i = 0; i < data.length; i++) histogram[Math.round(data[i]! - this.#mean[i]!) + 255]!++;
    let below = 0;
    for (let bin = 0; bin < histogram.length; bin++) {
      below += histogram[bin]!;
      if (2 * below >= data.length) return bin - 255;
    }
    return 0;
  }
}

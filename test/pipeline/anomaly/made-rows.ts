/** Made-up process groups for the detector tests: seeded, correlated, at one row a second. */

import type { Tag } from '../../../runtime/core/messages.ts';
import { type Millis, seconds } from '../../../runtime/core/units.ts';
import type { Detector, Rows } from '../../../runtime/pipeline/anomaly/detector.ts';

export const PERIOD = seconds(1);

export function makeTags(count: number): Tag[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `tag-${index}`,
    index,
    source: 'test',
    group: 'test',
    kind: '',
    unit: '',
    period: PERIOD,
    deadband: 0,
  }));
}

/** Mulberry32, as a standard normal generator (sum of uniforms: bounded at ±6). */
export function normalFrom(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Array.from({ length: 12 }, uniform).reduce((sum, u) => sum + u, -6);
}

/** Rows of a process: two hidden causes drive all tags, plus noise of a fifth of their size. */
export class Process {
  readonly width: number;
  readonly #normal: () => number;
  readonly #loads: number[];
  #now = 0;

  constructor(width: number, seed = 1) {
    this.width = width;
    this.#normal = normalFrom(seed);
    this.#loads = Array.from({ length: 2 * width }, (_, i) => Math.cos(1.7 * i) + (i % 3 === 0 ? 1 : 0));
  }

  get mono(): Millis {
    return this.#now as Millis;
  }

  /** The next row; each tag varies about `100 * (its index + 1)`. */
  next(): Float64Array<ArrayBuffer> {
    this.#now += PERIOD;
    const a = this.#normal();
    const b = this.#normal();
    return Float64Array.from({ length: this.width }, (_, j) => {
      return 100 * (j + 1) + a * this.#loads[2 * j]! + b * this.#loads[2 * j + 1]! + 0.2 * this.#normal();
    });
  }

  rows(count: number, change: (row: Float64Array, i: number) => void = () => {}): Rows {
    const data = new Float64Array(count * this.width);
    const mono = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const row = this.next();
      change(row, i);
      data.set(row, i * this.width);
      mono[i] = this.#now;
    }
    return { count, width: this.width, data, mono };
  }

  /** Steps the detector through `count` more rows. @returns the largest score. */
  run(detector: Detector, count: number, change: (row: Float64Array, i: number) => void = () => {}): number {
    let largest = 0;
    for (let i = 0; i < count; i++) {
      const row = this.next();
      change(row, i);
      const score = detector.step(row, this.mono);
      if (score > largest) largest = score;
    }
    return largest;
  }
}

export function explained(detector: Detector): Float64Array {
  const into = new Float64Array(detector.columns.length);
  detector.explain(into);
  return into;
}

export function top(contributions: Float64Array): number {
  return contributions.indexOf(Math.max(...contributions));
}

export function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

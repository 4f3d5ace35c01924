/** What is counted of one model while it serves: errors, latency, rate, and how its scores are spread. Pure. */

import { type Millis, millis } from '../../core/units.ts';

/** Latencies and scores that are looked at, the latest. */
const KEPT = 512;
const DECILES = 10;
/** Fewer scores than this on either side say nothing of a shift. */
const FEWEST_SCORES = 50;

export class ModelMeasures {
  readonly began: Millis;
  inferences = 0;
  errors = 0;
  readonly #latencies = new Ring(KEPT);
  readonly #scores = new Ring(KEPT);

  constructor(now: Millis) {
    this.began = now;
  }

  done(latency: Millis): void {
    this.inferences += 1;
    this.#latencies.push(latency);
  }

  failed(latency: Millis): void {
    this.done(latency);
    this.errors += 1;
  }

  /** The last call came back with something that is no answer. */
  spoilt(): void {
    this.errors += 1;
  }

  /** @param score what the model says in the end: an anomaly score, or the best confidence. */
  scored(score: number): void {
    this.#scores.push(score);
  }

  /** Undefined before the first inference. */
  get latencyP95(): Millis | undefined {
    const sorted = this.#latencies.sorted();
    return sorted.length === 0 ? undefined : millis(sorted[Math.ceil(sorted.length * 0.95) - 1]!);
  }

  /** Inferences a second. */
  rate(now: Millis): number {
    const took = (now - this.began) / 1000;
    return took > 0 ? this.inferences / took : 0;
  }

  /** Of the latest scores; undefined before there were any. */
  get medianScore(): number | undefined {
    const sorted = this.#scores.sorted();
    return sorted[sorted.length >> 1];
  }

  /** The scores as they are spread now, to hold a successor against; undefined while they are too few. */
  spread(): Float64Array | undefined {
    const sorted = this.#scores.sorted();
    return sorted.length < FEWEST_SCORES ? undefined : sorted;
  }

  /** How far the scores moved against an earlier spread: 0 is the same one, 1 has no value in common. Undefined while they are too few. */
  shift(earlier: Float64Array | undefined): number | undefined {
    const own = this.spread();
    return own && earlier ? distance(own, earlier) : undefined;
  }
}

/**
 * The largest difference between the shares below the decile bounds (Kolmogorov's distance at those bounds): unlike
 * counts by decile it is right where many scores are equal, as those of trees are. Both sorted.
 */
function distance(own: Float64Array, earlier: Float64Array): number {
  let most = 0;
  for (let decile = 0; decile <= DECILES; decile++) {
    const bound = earlier[Math.min(earlier.length - 1, Math.floor((decile / DECILES) * earlier.length))]!;
    for (const inclusive of [false, true]) {
      most = Math.max(
        most,
        Math.abs(shareBelow(own, bound, inclusive) - shareBelow(earlier, bound, inclusive)),
      );
    }
  }
  return most;
}

function shareBelow(sorted: Float64Array, bound: number, inclusive: boolean): number {
  let count = 0;
  while (count < sorted.length && (sorted[count]! < bound || (inclusive && sorted[count] === bound))) count++;
  return count / sorted.length;
}

class Ring {
  readonly #values: Float64Array;
  #count = 0;

  constructor(size: number) {
    this.#values = new Float64Array(size);
  }

  push(value: number): void {
    this.#values[this.#count++ % this.#values.length] = value;
  }

  sorted(): Float64Array {
    return this.#values.slice(0, this.#count).sort();
  }
}

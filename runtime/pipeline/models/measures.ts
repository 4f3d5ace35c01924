/** What is counted of one model while it serves: errors, latency, rate, and how its scores are spread. Pure. */

import type { OutputReference, OutputSpread } from '../../../ota/client/host.ts';
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
  lastError: string | undefined;
  readonly #latencies = new Ring(KEPT);
  readonly #scores = new Ring(KEPT);

  constructor(now: Millis) {
    this.began = now;
  }

  done(latency: Millis): void {
    this.inferences += 1;
    this.#latencies.push(latency);
  }

  /** @param why for a person. */
  failed(latency: Millis, why: string): void {
    this.done(latency);
    this.errors += 1;
    this.lastError = why;
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
  spread(): OutputSpread | undefined {
    const sorted = this.#scores.sorted();
    return sorted.length < FEWEST_SCORES ? undefined : spreadOf(sorted);
  }

  /** How far the scores moved against an earlier spread: 0 is the same one, 1 has no value in common. Undefined while they are too few. */
  shift(earlier: OutputSpread | undefined): number | undefined {
    const own = this.#scores.sorted();
    return earlier && own.length >= FEWEST_SCORES ? distance(own, earlier) : undefined;
  }
}

/** What was held against a model before, where too few outputs of its own were seen. */
export function referenceOf(
  spreads: Readonly<Record<string, OutputSpread | undefined>>,
  before: OutputReference,
): OutputReference {
  const entries = Object.entries(spreads).map(([kind, spread]) => [kind, spread ?? before[kind]] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, OutputSpread] => !!entry[1]));
}

function spreadOf(sorted: Float64Array): OutputSpread {
  const bounds = Array.from({ length: DECILES + 1 }, (_, decile) => {
    return sorted[Math.min(sorted.length - 1, Math.floor((decile / DECILES) * sorted.length))]!;
  });
  return {
    bounds,
    below: bounds.map((bound) => shareBelow(sorted, bound, false)),
    upTo: bounds.map((bound) => shareBelow(sorted, bound, true)),
  };
}

/**
 * The largest difference between the shares below the decile bounds (Kolmogorov's distance at those bounds): unlike
 * counts by decile it is right where many scores are equal, as those of trees are.
 */
function distance(own: Float64Array, { bounds, below, upTo }: OutputSpread): number {
  const differences = bounds.flatMap((bound, i) => [
    Math.abs(shareBelow(own, bound, false) - below[i]!),
    Math.abs(shareBelow(own, bound, true) - upTo[i]!),
  ]);
  return Math.max(...differences);
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

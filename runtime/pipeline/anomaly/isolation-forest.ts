/**
 * An isolation forest over windowed features of a process group: rows that random cuts separate quickly from those
 * of the baseline. Finds unusual combinations without any idea of what the process is.
 */

import { IsolationForest } from '../../addon/isolation-forest.ts';
import type { Tag } from '../../core/messages.ts';
import { FEATURES, sumByTag, WindowedFeatures } from '../features/windowed.ts';
import type { Rows } from './detector.ts';
import { GroupDetector } from './group.ts';
import { learnScale } from './standardiser.ts';
import { badState, openState } from './state.ts';
import { normalMaximum, quantile } from './statistics.ts';

export interface IsolationForestDetectorOptions {
  readonly trees: number;
  /** Rows each tree is grown from. */
  readonly samples: number;
  readonly seed: number;
  /** Time constants of the features, in rows. */
  readonly long: number;
  readonly short: number;
  /** Weight of the newest score in its moving average, in (0, 1]. */
  readonly smoothing: number;
  /** The limit's distance from the median score, in multiples of the largest distance in normal operation. */
  readonly limitFactor: number;
}

const WARM_UP_CONSTANTS = 3;

export class IsolationForestDetector extends GroupDetector {
  readonly name = 'isolation-forest';
  protected readonly values;
  readonly #options: IsolationForestDetectorOptions;
  readonly #windows: WindowedFeatures;
  readonly #missing: Float64Array;
  readonly #contributions: Float64Array<ArrayBuffer>;
  #forest: IsolationForest | undefined;
  #average = Number.NaN;

  constructor(columns: readonly Tag[], options: IsolationForestDetectorOptions) {
    super(columns);
    this.#options = options;
    const n = columns.length;
    this.values = {
      centre: new Float64Array(n),
      scale: new Float64Array(n),
      /** Median anomaly score of the baseline: the detector's score is 0 there. */
      median: new Float64Array(1),
      /** Distance from the median to the alarm limit. */
      limit: new Float64Array(1),
    };
    this.#windows = new WindowedFeatures(n, options);
    this.#missing = new Float64Array(n).fill(Number.NaN);
    this.#contributions = new Float64Array(n * FEATURES.length);
  }

  override reset(): void {
    super.reset();
    this.#windows.reset();
    this.#average = Number.NaN;
  }

  /**
   * SHAP values of the forest's score of the last row, summed over each tag's features: they sum to that score's
   * distance from the expected value, in units of mean path length, and may be negative (the tag looks normal).
   */
  explain(into: Float64Array): void {
    if (!this.#forest) {
      into.fill(0);
      return;
    }
    this.#forest.explain(this.#windows.features, this.#contributions);
    sumByTag(this.#contributions, into);
  }

  override save(): unknown {
    const forest = this.#forest?.serialize().toString('base64') ?? '';
    return { ...(super.save() as Record<string, unknown>), forest };
  }

  override load(state: unknown): void {
    const { forest } = openState(state, this.name, this.columns);
    const loaded = readForest(forest, this.name);
    if (loaded.width !== this.#contributions.length)
      throw badState(this.name, 'its forest has other features');
    super.load(state);
    this.#replace(loaded);
  }

  protected learn(rows: Rows): void {
    const width = this.#contributions.length;
    learnScale(rows, this.values.centre, this.values.scale);
    this.reset();
    const warmUp = this.#warmUp(rows);
    const features = new Float64Array((rows.count - warmUp) * width);
    for (let i = 0; i < rows.count; i++) {
      this.#absorb(rows.data.subarray(i * rows.width, (i + 1) * rows.width));
      if (i >= warmUp) features.set(this.#windows.features, (i - warmUp) * width);
    }
    const { trees, samples, seed } = this.#options;
    this.#replace(IsolationForest.fit({ rows: features, width, trees, samples, seed }));
  }

  protected calibrate(rows: Rows): void {
    this.values.median[0] = 0;
    this.values.limit[0] = 1;
    const seen = new Float64Array(rows.count);
    const warmUp = this.#warmUp(rows);
    let n = 0;
    for (let i = 0; i < rows.count; i++) {
      const score = this.advance(rows.data.subarray(i * rows.width, (i + 1) * rows.width));
      if (i >= warmUp && !Number.isNaN(score)) seen[n++] = score;
    }
    const scores = seen.subarray(0, n);
    const median = quantile(scores, 0.5);
    const reach = normalMaximum(scores.map((score) => Math.max(0, score - median)));
    this.values.median[0] = median;
    this.values.limit[0] = this.#options.limitFactor * reach || Number.POSITIVE_INFINITY;
  }

  protected advance(row: Float64Array): number {
    if (this.#absorb(row) === 0 || !this.#forest) return Number.NaN;
    const score = IsolationForest.anomalyScore(this.#forest.score(this.#windows.features));
    const average = Number.isNaN(this.#average) ? score : this.#average;
    this.#average = average + this.#options.smoothing * (score - average);
    return Math.max(0, this.#average - this.values.median[0]!) / this.values.limit[0]!;
  }

  #absorb(row: Float64Array): number {
    const present = this.prepare(row, this.#missing);
    this.#windows.step(this.z);
    return present;
  }

  /** Rows until the long windows have forgotten where they started. */
  #warmUp(rows: Rows): number {
    return Math.min(WARM_UP_CONSTANTS * this.#options.long, rows.count >> 2);
  }

  #replace(forest: IsolationForest): void {
    this.#forest?.dispose();
    this.#forest = forest;
  }
}

function readForest(text: unknown, detector: string): IsolationForest {
  if (typeof text !== 'string') throw badState(detector, 'it has no forest');
  try {
    return IsolationForest.deserialize(Buffer.from(text, 'base64'));
  } catch (cause) {
    throw badState(detector, cause instanceof Error ? cause.message : 'its forest cannot be read');
  }
}

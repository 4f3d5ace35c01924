/** One causal step of a group: every detector, one fused score, one alarm. Pure. */

import type { Tag } from '../../core/messages.ts';
import type { Millis } from '../../core/units.ts';
import type { Detector } from '../anomaly/detector.ts';
import type { AlarmLatch } from '../decide/alarm.ts';
import type { Evidence } from '../decide/evidence.ts';
import { Fusion, type FusionOptions } from '../decide/fusion.ts';
import type { NormalRange } from './normal-range.ts';

/** Beyond the normal range by this part of its width, a value is off and not just rare. */
const STRAY_MARGIN = 0.25;

export interface ScorerOptions {
  /** All tags of the group, and which of them the detectors look at. */
  readonly tags: readonly Tag[];
  readonly columns: readonly number[];
  /** One per column; null where nobody knows. */
  readonly normal: readonly (NormalRange | null)[];
  /** False while the group judges by its configuration alone. */
  readonly learned: boolean;
  readonly detectors: readonly Detector[];
  readonly fusion: FusionOptions;
  /** Of the group, so that an alarm outlives the scorer that raised it. */
  readonly latch: AlarmLatch;
  /** A detector threw; `first` when its step before had not. */
  readonly onError: (detector: string, error: unknown, first: boolean) => void;
}

/** Its public fields are the `Evidence` of the last step. */
export class Scorer implements Evidence {
  readonly detectors: readonly Detector[];
  /** The analysed tags, one per value of `row`. */
  readonly columns: readonly Tag[];
  readonly normal: readonly (NormalRange | null)[];
  readonly learned: boolean;
  /** The last step's values and each detector's scaled score (NaN for none); reused. */
  readonly row: Float64Array;
  readonly scores: Float64Array;
  /** When each detector reached its limit first since the group was last calm; NaN for not at all. */
  readonly since: Float64Array;
  /** How many steps each took from half its limit to the limit, at that time. */
  readonly rise: Float64Array;
  /** In how many steps each column was well outside its normal range since then. */
  readonly strayed: Float64Array;
  readonly #picks: readonly number[];
  readonly #fusion: Fusion;
  readonly #latch: AlarmLatch;
  readonly #onError: ScorerOptions['onError'];
  readonly #failing: Uint8Array;
  /** Steps since each detector was below half its limit. */
  readonly #climbing: Float64Array;
  #score = Number.NaN;

  constructor(options: ScorerOptions) {
    const { tags, columns, detectors } = options;
    this.detectors = detectors;
    this.columns = columns.map((column) => tags[column]!);
    this.normal = options.normal;
    this.learned = options.learned;
    this.row = new Float64Array(columns.length);
    this.scores = new Float64Array(detectors.length).fill(Number.NaN);
    this.since = new Float64Array(detectors.length).fill(Number.NaN);
    this.rise = new Float64Array(detectors.length).fill(Number.NaN);
    this.strayed = new Float64Array(columns.length);
    this.#climbing = new Float64Array(detectors.length);
    this.#picks = columns;
    this.#fusion = new Fusion(
      detectors.map(({ name }) => name),
      options.fusion,
    );
    this.#latch = options.latch;
    this.#onError = options.onError;
    this.#failing = new Uint8Array(detectors.length);
  }

  /** The last fused score, 1 at the limit; NaN when no detector had one. */
  get score(): number {
    return this.#score;
  }

  /** Index of the detector that made it; -1 for none. */
  get dominant(): number {
    return this.#fusion.dominant;
  }

  get alarm(): boolean {
    return this.#latch.active;
  }

  /** When the condition behind the present alarm began. */
  get onset(): Millis | undefined {
    return this.#latch.onset;
  }

  /** Names of the detectors whose last step threw. */
  get failing(): string[] {
    return this.detectors.filter((_, i) => this.#failing[i] === 1).map(({ name }) => name);
  }

  /** Goes on where the scorer before stands, for what its detectors know of the present. */
  takeOver(before: Scorer): void {
    for (const detector of this.detectors) {
      const former = before.detectors.find(({ name }) => name === detector.name);
      if (former) detector.takeOver?.(former);
    }
  }

  /** @param group one value per tag of the group; NaN for missing. */
  step(group: Float64Array, mono: Millis): void {
    for (let i = 0; i < this.#picks.length; i++) this.row[i] = group[this.#picks[i]!]!;
    for (let i = 0; i < this.detectors.length; i++) {
      const score = this.#stepOne(i, mono);
      this.scores[i] = score;
      if (score < 0.5) this.#climbing[i] = 0;
      else if (score >= 0.5) this.#climbing[i]! += 1;
      if (score >= 1 && Number.isNaN(this.since[i]!)) {
        this.since[i] = mono;
        this.rise[i] = this.#climbing[i]!;
      }
    }
    this.#score = this.#fusion.step(this.scores);
    const alarm = this.#latch.step(this.#score, mono);
    if (!alarm && this.#score < this.#latch.clear) this.#calm();
    else if (this.#score >= 1) this.#stray();
  }

  #calm(): void {
    this.since.fill(Number.NaN);
    this.rise.fill(Number.NaN);
    this.strayed.fill(0);
  }

  #stray(): void {
    for (let i = 0; i < this.row.length; i++) {
      const normal = this.normal[i];
      if (!normal) continue;
      const { low, high } = normal;
      const margin = (high - low) * STRAY_MARGIN;
      if (this.row[i]! > high + margin || this.row[i]! < low - margin) this.strayed[i]! += 1;
    }
  }

  #stepOne(i: number, mono: Millis): number {
    try {
      const score = this.detectors[i]!.step(this.row, mono);
      this.#failing[i] = 0;
      return score;
    } catch (error) {
      this.#onError(this.detectors[i]!.name, error, this.#failing[i] === 0);
      this.#failing[i] = 1;
      return Number.NaN;
    }
  }
}

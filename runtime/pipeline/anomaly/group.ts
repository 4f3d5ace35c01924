/** What the detectors that look at a process group as a whole have in common. */

import type { Tag } from '../../core/messages.ts';
import type { Millis } from '../../core/units.ts';
import type { Detector, Rows } from './detector.ts';
import { SlowReference, standardise } from './standardiser.ts';
import { type Numbers, packState, unpackState, type Values } from './state.ts';
import { checkRows, normalMaximum } from './statistics.ts';

/**
 * Time constant, in rows, with which the reference follows the process. Days and seasons move a plant far beyond what
 * a baseline of some hours has seen, slowly; faults worth an alarm are faster. On the benchmark it costs nothing.
 */
export const REFERENCE_ROWS = 1000;
/**
 * Beyond the limit the reference moves at this share of its speed: a fault must not soon become the norm, but a plant
 * that has moved for good must not be in alarm for ever.
 */
export const FAULT_SHARE = 0.1;

export abstract class GroupDetector implements Detector {
  abstract readonly name: string;
  readonly columns: readonly Tag[];
  /** The present row, standardised, relative to the slow reference. */
  protected readonly z: Numbers;
  readonly #reference: SlowReference;
  #ready = false;
  #lastScore = 0;

  /** @param referenceRows time constant of the slow reference; Infinity keeps to the baseline's centre. */
  constructor(columns: readonly Tag[], referenceRows = REFERENCE_ROWS) {
    this.columns = columns;
    this.z = new Float64Array(columns.length);
    this.#reference = new SlowReference(columns.length, referenceRows);
  }

  /** The learned arrays: written by `learn`, saved and loaded as they are. */
  protected abstract readonly values: Values & { readonly centre: Numbers; readonly scale: Numbers };
  /** Learns everything but the limits. */
  protected abstract learn(rows: Rows): void;
  /** Learns the limits by running the baseline through the fit. */
  protected abstract calibrate(rows: Rows): void;
  /** Advances by one row. @returns the score, NaN when the row says nothing. */
  protected abstract advance(row: Float64Array): number;
  abstract explain(into: Float64Array): void;

  get ready(): boolean {
    return this.#ready;
  }

  fit(rows: Rows): void {
    checkRows(this.name, this.columns, rows);
    this.#ready = false;
    this.learn(rows);
    this.reset();
    this.calibrate(rows);
    this.reset();
    this.#ready = true;
  }

  step(row: Float64Array, _mono: Millis): number {
    if (!this.#ready) return Number.NaN;
    const score = this.advance(row);
    if (!Number.isNaN(score)) this.#lastScore = score;
    return score;
  }

  reset(): void {
    this.z.fill(0);
    this.#reference.reset();
    this.#lastScore = 0;
  }

  /**
   * Standardises the row into `z`; a missing value gets that column of `instead`. The reference follows the row
   * before, slowly when that one was beyond the limit.
   * @returns how many values were there.
   */
  protected prepare(row: Float64Array, instead: Float64Array): number {
    this.#reference.follow(this.z, this.#ready && this.#lastScore >= 1 ? FAULT_SHARE : 1);
    return standardise(row, this.values, this.#reference.offset, instead, this.z);
  }

  save(): unknown {
    return packState(this.name, this.columns, this.values);
  }

  load(state: unknown): void {
    unpackState(state, this.name, this.columns, this.values);
    this.reset();
    this.#ready = true;
  }
}

/** `factor` times the largest value of normal operation; no limit where nothing ever moved. */
export function limitFrom(seen: Float64Array, factor: number): number {
  return factor * normalMaximum(seen) || Number.POSITIVE_INFINITY;
}

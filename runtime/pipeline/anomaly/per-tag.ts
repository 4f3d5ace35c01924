/** What the detectors that look at each tag alone have in common: the worst tag makes the score. */

import type { Tag } from '../../core/messages.ts';
import type { Millis } from '../../core/units.ts';
import type { Detector, Rows } from './detector.ts';
import { type Numbers, packState, unpackState, type Values } from './state.ts';
import { checkRows, normalMaximum } from './statistics.ts';

/**
 * Contributions are the tags' own scores, each 1 at that tag's limit: the group's score is their maximum, not
 * their sum. A tag without a value contributes 0.
 */
export abstract class PerTagDetector implements Detector {
  abstract readonly name: string;
  readonly columns: readonly Tag[];
  readonly #scores: Numbers;
  #ready = false;

  constructor(columns: readonly Tag[]) {
    this.columns = columns;
    this.#scores = new Float64Array(columns.length);
  }

  /** The learned arrays, one value per tag: written by `learn`, saved and loaded as they are. */
  protected abstract readonly values: Values;
  protected abstract learn(rows: Rows): void;
  /** @returns the tag's score, NaN when it has nothing to say. */
  protected abstract stepTag(column: number, value: number, mono: Millis): number;
  protected abstract resetTag(column: number): void;

  get ready(): boolean {
    return this.#ready;
  }

  /** For rules that the tags' configuration suffices for. */
  protected readyUnfitted(): void {
    this.#ready = true;
  }

  fit(rows: Rows): void {
    checkRows(this.name, this.columns, rows);
    this.#ready = false;
    this.reset();
    this.learn(rows);
    this.reset();
    this.#ready = true;
  }

  step(row: Float64Array, mono: Millis): number {
    if (!this.#ready) return Number.NaN;
    let worst = Number.NaN;
    for (let j = 0; j < this.#scores.length; j++) {
      const score = this.stepTag(j, row[j]!, mono);
      const says = !Number.isNaN(score);
      this.#scores[j] = says ? score : 0;
      if (says && !(score <= worst)) worst = score;
    }
    return worst;
  }

  explain(into: Float64Array): void {
    into.set(this.#scores);
  }

  reset(): void {
    this.#scores.fill(0);
    for (let j = 0; j < this.columns.length; j++) this.resetTag(j);
  }

  save(): unknown {
    return packState(this.name, this.columns, this.values);
  }

  load(state: unknown): void {
    unpackState(state, this.name, this.columns, this.values);
    this.reset();
    this.#ready = true;
  }

  /**
   * Runs the baseline through `stepTag` with every limit at 1 and sets each limit to `factor` times the largest
   * statistic of normal operation; a tag whose statistic never moved gets no limit.
   */
  protected calibrate(rows: Rows, limits: Numbers, factor: number): void {
    limits.fill(1);
    const seen = new Float64Array(rows.count);
    for (let j = 0; j < rows.width; j++) {
      let n = 0;
      for (let i = 0; i < rows.count; i++) {
        const score = this.stepTag(j, rows.data[i * rows.width + j]!, rows.mono[i]! as Millis);
        if (Number.isFinite(score)) seen[n++] = score;
      }
      limits[j] = factor * normalMaximum(seen.subarray(0, n)) || Number.POSITIVE_INFINITY;
    }
  }
}

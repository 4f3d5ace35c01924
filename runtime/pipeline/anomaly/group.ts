/** What the detectors that look at a process group as a whole have in common. */

import type { Tag } from '../../core/messages.ts';
import type { Millis } from '../../core/units.ts';
import type { Detector, Rows } from './detector.ts';
import { packState, unpackState, type Values } from './state.ts';
import { checkRows, normalMaximum } from './statistics.ts';

export abstract class GroupDetector implements Detector {
  abstract readonly name: string;
  readonly columns: readonly Tag[];
  #ready = false;

  constructor(columns: readonly Tag[]) {
    this.columns = columns;
  }

  /** The learned arrays: written by `learn`, saved and loaded as they are. */
  protected abstract readonly values: Values;
  /** Learns everything but the limits. */
  protected abstract learn(rows: Rows): void;
  /** Learns the limits by running the baseline through the fit. */
  protected abstract calibrate(rows: Rows): void;
  /** Advances by one row. @returns the score, NaN when the row says nothing. */
  protected abstract advance(row: Float64Array): number;
  abstract explain(into: Float64Array): void;
  abstract reset(): void;

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
    return this.#ready ? this.advance(row) : Number.NaN;
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

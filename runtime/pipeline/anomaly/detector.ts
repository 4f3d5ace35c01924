/** What every anomaly detector is, from a range rule to an isolation forest. Pure: time and rows are arguments. */

import type { Tag } from '../../core/messages.ts';
import type { Millis } from '../../core/units.ts';

/** Rows of one process group, row-major; NaN where a tag had no good value. */
export interface Rows {
  readonly count: number;
  /** Number of columns, one per tag of the group. */
  readonly width: number;
  /** `count * width` values in engineering units. */
  readonly data: Float64Array;
  /** Monotonic stamp of each row. */
  readonly mono: Float64Array;
}

export interface Detector {
  /** Stable and kebab-case: it appears in events, metrics and `vigie evaluate`. */
  readonly name: string;
  readonly columns: readonly Tag[];
  /** False until `fit` or `load` succeeded. */
  readonly ready: boolean;
  /** Learns what is normal; forgets any earlier fit and running state. @throws ModelError `fit-failed` when the rows cannot teach it. */
  fit(rows: Rows): void;
  /**
   * One causal step; allocates nothing that grows.
   * @param row one value per column, NaN for missing; not kept.
   * @returns the score scaled so that 1 is the alarm limit; NaN while not ready.
   */
  step(row: Float64Array, mono: Millis): number;
  /** Writes each column's contribution to the last step's score (>= 0 unless the detector says otherwise). */
  explain(into: Float64Array): void;
  /** Forgets the running state (after a gap), keeps the fit. */
  reset(): void;
  /** Goes on with the running state of a detector of the same name that watched some of the same tags till now. */
  takeOver?(before: Detector): void;
  /** The fit as JSON-serialisable data, versioned; `load` takes it back. @throws ModelError `bad-state` when it does not fit these columns. */
  save(): unknown;
  load(state: unknown): void;
}

export type DetectorFactory = (columns: readonly Tag[]) => Detector;

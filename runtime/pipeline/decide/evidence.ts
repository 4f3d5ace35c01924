/** What the detectors of a group saw at one step: the input of explanation and fault kind. */

import type { Contribution, Tag } from '../../core/messages.ts';
import type { Detector } from '../anomaly/detector.ts';

export interface Evidence {
  /** The analysed tags; `row` and `normal` have one entry per column. */
  readonly columns: readonly Tag[];
  /** Engineering units, NaN for missing. */
  readonly row: Float64Array;
  readonly normal: readonly Contribution['normal'][];
  /** False while the group judges by its configuration alone: `normal` is then the configured range. */
  readonly learned: boolean;
  readonly detectors: readonly Detector[];
  /** One per detector: 1 at its limit, NaN for none. */
  readonly scores: Float64Array;
  /** When each detector reached its limit first since the group was last calm; NaN for not at all. */
  readonly since: Float64Array;
  /** How many steps each detector took from half its limit to the limit, at that time; NaN likewise. */
  readonly rise: Float64Array;
  /** In how many steps each column was outside its normal range while the group was not calm. */
  readonly strayed: Float64Array;
  /** Index of the detector that made the fused score; -1 for none. */
  readonly dominant: number;
}

/** Detectors whose contribution for a tag is that tag's own score, 1 at its limit. */
export const PER_TAG: ReadonlySet<string> = new Set([
  'range',
  'rate-of-change',
  'frozen-value',
  'missing-data',
  'ewma',
  'cusum',
]);

/** Detectors that state a fact about a tag and belong in every explanation once they fired. */
export const FACTS: readonly string[] = ['range', 'rate-of-change', 'frozen-value', 'missing-data'];
/** Belongs there too, unless there are facts: far outside what it has learned it blames the neighbours as well. */
export const BALANCE = 'cross-sensor-balance';

/** Every detector's contributions to the present step, or undefined when it is not there or cannot say. */
export function explainOne(evidence: Evidence, index: number): Float64Array | undefined {
  const into = new Float64Array(evidence.columns.length);
  try {
    evidence.detectors[index]!.explain(into);
  } catch {
    // The step's score stands without its explanation; the step itself reports a broken detector.
    return undefined;
  }
  for (let i = 0; i < into.length; i++) {
    if (!(into[i]! > 0)) into[i] = 0;
    else if (into[i] === Number.POSITIVE_INFINITY) into[i] = Number.MAX_SAFE_INTEGER;
  }
  return into;
}

/** Columns at or above their own limit of a per-tag rule at the present step. */
export function firedColumns(evidence: Evidence, detector: string): number[] {
  const index = evidence.detectors.findIndex(({ name }) => name === detector);
  if (index < 0 || !(evidence.scores[index]! >= 1)) return [];
  const scores = explainOne(evidence, index);
  return scores ? [...scores.keys()].filter((column) => scores[column]! >= 1) : [];
}

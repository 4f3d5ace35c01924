/** Predictions on recordings, summed up as the benchmark does. */

import type { Recording } from './recordings.ts';
import {
  addCounts,
  type Confusion,
  changesOf,
  confusion,
  NOTHING,
  nabCounts,
  nabScore,
  type OutlierScore,
  outlierScore,
} from './scorer.ts';

/** One value per scored row: 1 where it is predicted. */
export interface Prediction {
  readonly anomaly: Uint8Array;
  readonly changepoint: Uint8Array;
}

/** Judges the rows of a recording after the first `trainRows`. */
export type Judge = (recording: Recording, trainRows: number) => Prediction;

export interface FileScore extends OutlierScore {
  readonly file: string;
  readonly group: string;
  /** NAB standard profile, 0 … 100; null without labelled changepoints. */
  readonly nab: number | null;
}

export interface Evaluation extends OutlierScore {
  readonly detector: string;
  readonly nab: number | null;
  readonly trainRows: number;
  /** Rows scored, over all files. */
  readonly rows: number;
  readonly files: readonly FileScore[];
}

export function evaluate(
  detector: string,
  judge: Judge,
  recordings: readonly Recording[],
  trainRows: number,
): Evaluation {
  let counts: Confusion = NOTHING;
  let nab = { score: 0, changepoints: 0 };
  const files = recordings.map((recording) => {
    const { anomaly, changepoint } = judge(recording, trainRows);
    const fileCounts = confusion(recording.anomaly.subarray(trainRows), anomaly);
    const truth = recording.changepoint.subarray(trainRows);
    const fileNab = nabCounts(truth, changepoint, recording.rows.mono.subarray(trainRows));
    counts = addCounts(counts, fileCounts);
    nab = { score: nab.score + fileNab.score, changepoints: nab.changepoints + fileNab.changepoints };
    return {
      file: recording.name,
      group: recording.group,
      ...rounded(outlierScore(fileCounts)),
      nab: nabOf(fileNab),
    };
  });
  const rows = counts.tp + counts.fp + counts.fn + counts.tn;
  return { detector, ...rounded(outlierScore(counts)), nab: nabOf(nab), trainRows, rows, files };
}

/** An alarm's state as a prediction: its changepoints are where it comes and goes. */
export function fromAlarm(alarm: Uint8Array): Prediction {
  return { anomaly: alarm, changepoint: changesOf(alarm) };
}

function nabOf(counts: { score: number; changepoints: number }): number | null {
  return counts.changepoints > 0 ? round(nabScore(counts), 2) : null;
}

function rounded({ f1, far, mar }: OutlierScore): OutlierScore {
  return { f1: round(f1, 4), far: round(far, 2), mar: round(mar, 2) };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

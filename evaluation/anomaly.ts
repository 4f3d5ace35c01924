/** `vigie evaluate anomaly`: what each detector would have said on labelled recordings. */

import { InputError } from '../runtime/core/errors.ts';
import { type Evaluation, evaluate } from './evaluation.ts';
import { findJudge, JUDGES, type NamedJudge } from './judges.ts';
import { predictionsIn } from './predictions.ts';
import { loadRecordings, type Recording } from './recordings.ts';
import { fileTable, summaryTable, tuningReport } from './report.ts';
import { type Tuning, tune } from './tuning.ts';

export interface AnomalyEvaluationOptions {
  /** Folder of labelled recordings. */
  readonly data: string;
  /** A detector's name, or `all`. */
  readonly detector: string;
  /** Folder of predictions made elsewhere, scored instead of a detector. */
  readonly predictions?: string;
  /** Rows at the head of each recording that teach, and are not scored. */
  readonly trainRows: number;
  /** Also choose the fused decision's settings anew for each group, on the other groups. */
  readonly tune: boolean;
}

export interface AnomalyEvaluation {
  readonly evaluations: readonly Evaluation[];
  readonly tunings: readonly Tuning[];
  /** For a person. */
  readonly text: string;
}

/** @throws InputError for a folder, file or detector that cannot be used. */
export function evaluateAnomaly(options: AnomalyEvaluationOptions): AnomalyEvaluation {
  const { data, detector, predictions, trainRows } = options;
  const judges = predictions === undefined ? chosen(detector) : [external(predictions)];
  const recordings = loadRecordings(data);
  checkLengths(recordings, trainRows);
  const evaluations = judges.map(({ name, judge }) => evaluate(name, judge, recordings, trainRows));
  const tunings = options.tune ? tune(recordings, trainRows) : [];
  return { evaluations, tunings, text: print(judges, evaluations, tunings) };
}

function chosen(detector: string): readonly NamedJudge[] {
  return detector === 'all' ? JUDGES : [findJudge(detector)];
}

function external(folder: string): NamedJudge {
  return { name: 'predictions', note: folder, judge: predictionsIn(folder) };
}

function checkLengths(recordings: readonly Recording[], trainRows: number): void {
  const short = recordings.find(({ rows }) => rows.count <= trainRows);
  if (!short) return;
  const what = `${short.rows.count} rows, of which ${trainRows} are for learning: nothing is left to score`;
  throw new InputError('bad-recording', `${short.name}: ${what}; choose fewer with --train`);
}

function print(
  judges: readonly NamedJudge[],
  evaluations: readonly Evaluation[],
  tunings: readonly Tuning[],
): string {
  const summary = summaryTable(
    evaluations,
    judges.map(({ note }) => note),
  );
  const files = evaluations.length === 1 ? `${fileTable(evaluations[0]!)}\n` : '';
  const tuned = tunings.length > 0 ? `\n${tuningReport(tunings)}` : '';
  const counts = `${evaluations[0]!.files.length} recordings, ${evaluations[0]!.rows} rows scored`;
  return `${files}${summary}${tuned}\n${counts}; FAR and MAR in percent, NAB standard profile 0 to 100\n`;
}

/**
 * Honest figures for the fused decision: for each group of recordings, settings are chosen on the other groups alone
 * and then judged on this one. Everything else (features, weights, alarm delays) is as it ships.
 */

import { DETECTORS, type DetectorName } from '../runtime/config/schema/anomaly.ts';
import type { MewmaOptions } from '../runtime/pipeline/anomaly/mewma.ts';
import { createDetectors, FUSION_WEIGHTS } from '../runtime/pipeline/anomaly/standard-set.ts';
import { type Evaluation, evaluate, fromAlarm, type Prediction } from './evaluation.ts';
import { DEFAULT_ALARM } from './judges.ts';
import { decide, type ScoredRecording, scoreRecording } from './node-decision.ts';
import type { Recording } from './recordings.ts';
import { addCounts, type Confusion, confusion, NOTHING, type OutlierScore, outlierScore } from './scorer.ts';

/** What is chosen: the memory of the leading detector, its limit, and how much the statistical ones beside it count. */
export interface Settings {
  readonly lambda: number;
  readonly limitFactor: number;
  readonly support: number;
}

export interface Round {
  /** The group held out. */
  readonly group: string;
  readonly chosen: Settings;
  /** Of the chosen settings on the groups they were chosen on. */
  readonly elsewhere: { readonly f1: number; readonly far: number };
}

export interface Tuning {
  /** Largest false alarm rate allowed on the groups the settings are chosen on, in percent. */
  readonly bound: number;
  readonly rounds: readonly Round[];
  /** Every group judged with the settings chosen on the others. */
  readonly held: Evaluation;
}

const LAMBDAS = [0.05, 0.1, 0.15, 0.2];
const LIMIT_FACTORS = [2, 2.25, 2.5, 2.75, 3, 3.25, 3.5];
const SUPPORTS = [0, 0.3, 0.4, 0.5, 0.6];
/** The detectors whose weight is `support`. */
const SUPPORTING = ['cross-sensor-balance', 'ewma', 'pca', 'isolation-forest'];
/** Upper bounds on the false alarm rate under which F1 is made as large as it goes, in percent. */
export const FAR_BOUNDS = [30, 25, 20];

/** One candidate's counts and predictions on each recording. */
interface Candidate {
  readonly settings: Settings;
  readonly counts: readonly Confusion[];
  readonly predictions: readonly Prediction[];
}

/** One honest score for each bound on the false alarm rate. */
export function tune(recordings: readonly Recording[], trainRows: number): Tuning[] {
  const candidates = candidatesOn(recordings, trainRows);
  return FAR_BOUNDS.map((bound) => leaveOneGroupOut(recordings, trainRows, candidates, bound));
}

function leaveOneGroupOut(
  recordings: readonly Recording[],
  trainRows: number,
  candidates: readonly Candidate[],
  bound: number,
): Tuning {
  const groups = [...new Set(recordings.map((recording) => recording.group))];
  const chosen = new Map<string, Candidate>();
  const rounds = groups.map((group) => {
    const elsewhere = (candidate: Candidate) =>
      outlierScore(
        candidate.counts.filter((_, i) => recordings[i]!.group !== group).reduce(addCounts, NOTHING),
      );
    const best = candidates.reduce((a, b) => (better(elsewhere(b), elsewhere(a), bound) ? b : a));
    chosen.set(group, best);
    const { f1, far } = elsewhere(best);
    return { group, chosen: best.settings, elsewhere: { f1, far } };
  });
  const held = evaluate(
    `fused, FAR <= ${bound} elsewhere`,
    (recording) => chosen.get(recording.group)!.predictions[recordings.indexOf(recording)]!,
    recordings,
    trainRows,
  );
  return { bound, rounds, held };
}

/** Within the bound the larger F1 wins, outside it the smaller false alarm rate. */
function better(a: OutlierScore, b: OutlierScore, bound: number): boolean {
  if (a.far <= bound && b.far <= bound) return a.f1 > b.f1;
  return a.far <= bound || (b.far > bound && a.far < b.far);
}

function candidatesOn(recordings: readonly Recording[], trainRows: number): Candidate[] {
  const score = (detectors: readonly DetectorName[], mewma?: MewmaOptions) =>
    recordings.map((recording) => {
      const options = mewma ? { detectors, mewma } : { detectors };
      return scoreRecording(recording, createDetectors(recording.tags, options), trainRows);
    });
  const others = score(DETECTORS.filter((name) => name !== 'mewma'));
  return LAMBDAS.flatMap((lambda) =>
    LIMIT_FACTORS.flatMap((limitFactor) => {
      const scored = score(['mewma'], { lambda, limitFactor }).map((leading, i) => join(leading, others[i]!));
      return SUPPORTS.map((support) => judged(scored, { lambda, limitFactor, support }, trainRows));
    }),
  );
}

function join(a: ScoredRecording, b: ScoredRecording): ScoredRecording {
  return { recording: a.recording, names: [...a.names, ...b.names], scores: [...a.scores, ...b.scores] };
}

function judged(scored: readonly ScoredRecording[], settings: Settings, trainRows: number): Candidate {
  const weights = {
    ...FUSION_WEIGHTS,
    ...Object.fromEntries(SUPPORTING.map((name) => [name, settings.support])),
  };
  const predictions = scored.map((one) => fromAlarm(decide(one, weights, DEFAULT_ALARM).subarray(trainRows)));
  const counts = predictions.map((prediction, i) =>
    confusion(scored[i]!.recording.anomaly.subarray(trainRows), prediction.anomaly),
  );
  return { settings, counts, predictions };
}

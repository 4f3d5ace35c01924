/** The detectors `vigie evaluate anomaly` knows, by name. */

import { anomalyConfig, DETECTORS, type DetectorName } from '../runtime/config/schema/anomaly.ts';
import { UsageError } from '../runtime/core/errors.ts';
import type { Rows } from '../runtime/pipeline/anomaly/detector.ts';
import { createDetectors, FUSION_WEIGHTS } from '../runtime/pipeline/anomaly/standard-set.ts';
import { fromAlarm, type Judge } from './evaluation.ts';
import { decide, scoreRecording } from './node-decision.ts';
import { firstRows, type Recording } from './recordings.ts';
import { skabIsolationForest } from './skab/isolation-forest.ts';
import { skabT2q } from './skab/t2q.ts';

export interface NamedJudge {
  readonly name: string;
  /** What it is, for the table. */
  readonly note: string;
  readonly judge: Judge;
}

/** The alarm settings a node has when its configuration says nothing. */
export const DEFAULT_ALARM = anomalyConfig.parse({}).alarm;

/** What a node with these detectors alone would decide, with its default fusion and alarm settings. */
export function nodeJudge(
  detectors: readonly DetectorName[],
  weights: Readonly<Record<string, number>>,
): Judge {
  return (recording, trainRows) => {
    const made = createDetectors(recording.tags, { detectors });
    const alarm = decide(scoreRecording(recording, made, trainRows), weights, DEFAULT_ALARM);
    return fromAlarm(alarm.subarray(trainRows));
  };
}

export const JUDGES: readonly NamedJudge[] = [
  {
    name: 'always-alarm',
    note: 'every row is anomalous: the F1 to beat',
    judge: (recording, trainRows) => fromAlarm(new Uint8Array(recording.rows.count - trainRows).fill(1)),
  },
  {
    name: 'skab-isolation-forest',
    note: "the benchmark's forest with our random cuts",
    judge: (recording, trainRows) => skabIsolationForest(...split(recording, trainRows), 0),
  },
  {
    name: 'skab-t2q',
    note: "the benchmark's T²+Q, rebuilt",
    judge: (recording, trainRows) => fromAlarm(skabT2q(...split(recording, trainRows))),
  },
  ...DETECTORS.map((name) => ({
    name,
    note: 'a node with this detector alone',
    judge: nodeJudge([name], {}),
  })),
  { name: 'fused', note: 'a node as it ships', judge: nodeJudge(DETECTORS, FUSION_WEIGHTS) },
];

/** @throws UsageError `unknown-detector` with the names there are. */
export function findJudge(name: string): NamedJudge {
  const found = JUDGES.find((judge) => judge.name === name);
  if (found) return found;
  const known = JUDGES.map((judge) => judge.name).join(', ');
  throw new UsageError('unknown-detector', `no detector '${name}'; known: ${known}, all`);
}

function split({ rows }: Recording, trainRows: number): [Rows, Rows] {
  const test = {
    count: rows.count - trainRows,
    width: rows.width,
    data: rows.data.subarray(trainRows * rows.width),
    mono: rows.mono.subarray(trainRows),
  };
  return [firstRows(rows, trainRows), test];
}

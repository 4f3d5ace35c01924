/** What a node would decide on a recording: learn the first rows, then one causal pass through fusion and alarm. */

import type { Millis } from '../runtime/core/units.ts';
import type { Detector } from '../runtime/pipeline/anomaly/detector.ts';
import { AlarmLatch, type AlarmOptions } from '../runtime/pipeline/decide/alarm.ts';
import { Fusion } from '../runtime/pipeline/decide/fusion.ts';
import { firstRows, type Recording } from './recordings.ts';

/** Scores of every row by every detector: `scores[d][i]`, 1 at the limit, NaN for none. */
export interface ScoredRecording {
  readonly recording: Recording;
  readonly names: readonly string[];
  readonly scores: readonly Float64Array[];
}

/** Fits the detectors on the first `trainRows` rows and steps them through all rows in order. */
export function scoreRecording(
  recording: Recording,
  detectors: readonly Detector[],
  trainRows: number,
): ScoredRecording {
  const { rows } = recording;
  const train = firstRows(rows, trainRows);
  const scores = detectors.map((detector) => {
    detector.fit(train);
    return Float64Array.from({ length: rows.count }, (_, i) =>
      detector.step(rows.data.subarray(i * rows.width, (i + 1) * rows.width), rows.mono[i]! as Millis),
    );
  });
  return { recording, names: detectors.map((detector) => detector.name), scores };
}

/** The alarm's state at each row, by the fusion and the alarm that the node runs. */
export function decide(
  scored: ScoredRecording,
  weights: Readonly<Record<string, number>>,
  alarm: AlarmOptions,
): Uint8Array {
  const fusion = new Fusion(scored.names, { weights });
  const latch = new AlarmLatch(alarm);
  const { rows } = scored.recording;
  const now = new Float64Array(scored.names.length);
  return Uint8Array.from({ length: rows.count }, (_, i) => {
    scored.scores.forEach((score, d) => {
      now[d] = score[i]!;
    });
    return latch.step(fusion.step(now), rows.mono[i]! as Millis) ? 1 : 0;
  });
}

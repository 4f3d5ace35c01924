/** Teaches the detectors of one group, one after the other, so that no fit holds up the samples for long. */

import type { Clock } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import { type Millis, millis } from '../../core/units.ts';
import type { Detector, Rows } from '../anomaly/detector.ts';
import { type NormalRange, normalRange } from './normal-range.ts';
import type { Timers } from './timers.ts';

export interface FitResult {
  /** Those that learned something. */
  readonly detectors: readonly Detector[];
  /** Why the others did not, by name. */
  readonly failures: Readonly<Record<string, string>>;
  /** One per column; the configured range where the rows teach none, null without one. */
  readonly normal: readonly (NormalRange | null)[];
  /** The longest the event loop was held. */
  readonly longest: { readonly detector: string; readonly took: Millis };
}

export async function fitDetectors(
  detectors: readonly Detector[],
  rows: Rows,
  clock: Clock,
  timers: Timers,
): Promise<FitResult> {
  const fitted: Detector[] = [];
  const failures: Record<string, string> = {};
  let longest = { detector: '', took: millis(0) };
  for (const detector of detectors) {
    await timers.pause();
    const from = clock.mono();
    try {
      detector.fit(rows);
      if (detector.ready) fitted.push(detector);
    } catch (error) {
      failures[detector.name] = describeError(error);
    }
    const took = millis(clock.mono() - from);
    if (took > longest.took) longest = { detector: detector.name, took };
  }
  const normal: (NormalRange | null)[] = [];
  const columns = detectors[0]?.columns ?? [];
  for (let column = 0; column < rows.width; column++) {
    await timers.pause();
    normal.push(normalRange(rows, column) ?? columns[column]?.range ?? null);
  }
  return { detectors: fitted, failures, normal, longest };
}

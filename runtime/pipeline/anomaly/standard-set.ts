/** The detectors of a process group as the node runs them, with the settings they ship with. */

import type { DetectorName } from '../../config/schema/anomaly.ts';
import type { Tag } from '../../core/messages.ts';
import { CrossSensorBalanceDetector } from './cross-sensor-balance.ts';
import { CusumDetector } from './cusum.ts';
import type { Detector } from './detector.ts';
import { EwmaDetector } from './ewma.ts';
import { FrozenValueDetector } from './frozen-value.ts';
import { IsolationForestDetector } from './isolation-forest.ts';
import { MewmaDetector, type MewmaOptions } from './mewma.ts';
import { MissingDataDetector } from './missing-data.ts';
import { PcaDetector } from './pca.ts';
import { RangeDetector } from './range.ts';
import { RateOfChangeDetector } from './rate-of-change.ts';

export interface StandardSetOptions {
  /** Which detectors, in the order in which the set lists them. */
  readonly detectors: readonly DetectorName[];
  /** Other settings of the leading detector than the shipped ones: for the evaluation's tuning. */
  readonly mewma?: MewmaOptions;
}

/** Chosen on the SKAB recordings (docs/anomaly.md): the leave-one-group-out rounds agree on these or neighbours. */
export const SHIPPED_MEWMA: MewmaOptions = { lambda: 0.1, limitFactor: 2.25 };

/** Weight of the statistical detectors beside MEWMA: alone they raise an alarm only at 2.5 times their limits. */
const SUPPORT = 0.4;

/**
 * How much each detector counts in the fused decision. MEWMA leads and the rules alarm at their limits; the others
 * mostly explain. A cumulative sum stays up long after its cause has gone: it must neither raise an alarm alone nor
 * keep one up, and only explains.
 */
export const FUSION_WEIGHTS: Readonly<Record<DetectorName, number>> = {
  range: 1,
  'rate-of-change': 1,
  'frozen-value': 1,
  'missing-data': 1,
  'cross-sensor-balance': SUPPORT,
  ewma: SUPPORT,
  cusum: 0,
  mewma: 1,
  pca: SUPPORT,
  'isolation-forest': SUPPORT,
};

const FOREST = {
  trees: 50,
  samples: 256,
  seed: 1,
  long: 20,
  short: 3,
  smoothing: 0.1,
  limitFactor: 2,
} as const;

const MAKE: Readonly<
  Record<DetectorName, (columns: readonly Tag[], options: StandardSetOptions) => Detector>
> = {
  range: (columns) => new RangeDetector(columns),
  'rate-of-change': (columns) => new RateOfChangeDetector(columns),
  'frozen-value': (columns) => new FrozenValueDetector(columns),
  'missing-data': (columns) => new MissingDataDetector(columns),
  'cross-sensor-balance': (columns) =>
    new CrossSensorBalanceDetector(columns, { smoothing: 0.1, limitFactor: 3, minExplained: 0.5 }),
  ewma: (columns) => new EwmaDetector(columns, { lambda: 0.1, limitFactor: 3 }),
  cusum: (columns) => new CusumDetector(columns, { slack: 1, limitFactor: 10 }),
  mewma: (columns, options) => new MewmaDetector(columns, options.mewma ?? SHIPPED_MEWMA),
  pca: (columns) => new PcaDetector(columns, { variance: 0.85, smoothing: 0.3, limitFactor: 2 }),
  'isolation-forest': (columns) => new IsolationForestDetector(columns, FOREST),
};

const MAKE_UNFITTED: Readonly<Partial<Record<DetectorName, (columns: readonly Tag[]) => Detector>>> = {
  range: (columns) => new RangeDetector(columns).useConfigured(),
  'missing-data': (columns) => new MissingDataDetector(columns).useConfigured(),
};

/** Those of the detectors that the tags' configuration suffices for, ready as they are: for a group that still learns. */
export function createLearningSet(columns: readonly Tag[], detectors: readonly DetectorName[]): Detector[] {
  return detectors.flatMap((name) => MAKE_UNFITTED[name]?.(columns) ?? []);
}

/** One detector of each name for a group with these columns, none of them fitted. */
export function createDetectors(columns: readonly Tag[], options: StandardSetOptions): Detector[] {
  return options.detectors.map((name) => MAKE[name](columns, options));
}

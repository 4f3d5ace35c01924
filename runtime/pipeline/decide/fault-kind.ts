/**
 * The suspected kind of fault, from which detectors fired, in which order, and how the blame is spread. A
 * suspicion for a person, never a proof: the rules below are ordered from the most certain evidence down.
 */

import type { FaultKind } from '../../core/messages.ts';
import { type Evidence, firedColumns } from './evidence.ts';

/** A single tag to blame: it holds this share at least. */
const SINGLE_SHARE = 0.5;
/** A tag that takes part: it holds this share at least. */
const PART_SHARE = 0.1;
const MANY = 3;
/** A tag counts as off when it was outside its normal range this often, compared with the one that was most often. */
const OFF_AS_OFTEN = 0.3;
/**
 * A detector that takes at least so many steps from half its limit to the limit sees something slow: a jump fills
 * its moving average sooner. What the cumulative sum sees before all others is slow whatever it took.
 */
const SLOW_STEPS: Readonly<Record<string, number>> = {
  'cross-sensor-balance': 10,
  pca: 8,
  ewma: 15,
  mewma: 15,
  cusum: 0,
};

export function faultKind(evidence: Evidence, share: Float64Array): FaultKind {
  return (
    silentSource(evidence) ??
    stuckTag(evidence) ??
    brokenBalance(evidence, share) ??
    singleTag(evidence, share) ??
    manyTags(evidence, share) ??
    'unknown'
  );
}

/** Missing data: several tags of one source are a way that broke, one tag is a sensor that did. */
function silentSource(evidence: Evidence): FaultKind | undefined {
  const missing = firedColumns(evidence, 'missing-data');
  if (missing.length === 0) return undefined;
  return sharedSource(evidence, missing, 2) ? 'communication' : 'sensor-failure';
}

/** One value repeated: a stuck sensor, or a gateway that serves what it last read when many stand still. */
function stuckTag(evidence: Evidence): FaultKind | undefined {
  const frozen = firedColumns(evidence, 'frozen-value');
  if (frozen.length === 0) return undefined;
  return sharedSource(evidence, frozen, MANY) ? 'communication' : 'sensor-failure';
}

/** Values that contradict each other though each alone is plausible: a slow one drifts, sudden ones may be forged. */
function brokenBalance(evidence: Evidence, share: Float64Array): FaultKind | undefined {
  const broken = firedAt(evidence, 'cross-sensor-balance');
  if (Number.isNaN(broken) || !Number.isNaN(firedAt(evidence, 'range'))) return undefined;
  const off = columnsOff(evidence);
  if (off.length >= MANY) return undefined;
  if (slow(evidence) && largest(share) >= SINGLE_SHARE) return 'sensor-drift';
  return off.length === 0 ? 'inconsistent-values' : undefined;
}

/** One tag out of line while its neighbours are not. */
function singleTag(evidence: Evidence, share: Float64Array): FaultKind | undefined {
  if (largest(share) < SINGLE_SHARE || columnsOff(evidence).length >= MANY) return undefined;
  return slow(evidence) ? 'sensor-drift' : 'sensor-failure';
}

function manyTags(evidence: Evidence, share: Float64Array): FaultKind | undefined {
  const off = columnsOff(evidence).length;
  const parts = share.filter((part) => part >= PART_SHARE).length;
  if (off >= MANY || (off >= 1 && parts >= MANY)) return 'process-upset';
  if (off === 0 && parts > 0) return 'inconsistent-values';
  return off > 1 ? 'process-upset' : undefined;
}

/** Nothing jumped, and the detector that saw it first saw it come slowly. */
function slow(evidence: Evidence): boolean {
  if (!Number.isNaN(firedAt(evidence, 'rate-of-change'))) return false;
  let first = -1;
  for (let i = 0; i < evidence.since.length; i++) {
    const judged = evidence.detectors[i]!.name in SLOW_STEPS;
    if (judged && !(evidence.since[i]! >= (evidence.since[first] ?? Number.POSITIVE_INFINITY))) {
      if (!Number.isNaN(evidence.since[i]!)) first = i;
    }
  }
  return first >= 0 && evidence.rise[first]! >= SLOW_STEPS[evidence.detectors[first]!.name]!;
}

/** True when at least `least` of the columns, and half of all that a source has in the group, come from one source. */
function sharedSource(evidence: Evidence, columns: readonly number[], least: number): boolean {
  const sources = new Set(columns.map((column) => evidence.columns[column]!.source));
  return [...sources].some((source) => {
    const hit = columns.filter((column) => evidence.columns[column]!.source === source).length;
    const all = evidence.columns.filter((tag) => tag.source === source).length;
    return hit >= least && hit * 2 >= all;
  });
}

function columnsOff(evidence: Evidence): number[] {
  const most = largest(evidence.strayed);
  return [...evidence.strayed.keys()].filter((column) => {
    const times = evidence.strayed[column]!;
    return times > 0 && times >= most * OFF_AS_OFTEN;
  });
}

function firedAt(evidence: Evidence, detector: string): number {
  const index = evidence.detectors.findIndex(({ name }) => name === detector);
  return index < 0 ? Number.NaN : evidence.since[index]!;
}

const largest = (values: Float64Array) => values.reduce((a, b) => Math.max(a, b), 0);

/**
 * The suspected kind of fault, from which detectors fired, in which order, and how the blame is spread. A
 * suspicion for a person, never a proof: the rules below are ordered from the most certain evidence down.
 */

import type { FaultKind } from '../../core/messages.ts';
import { BALANCE, type Evidence, firedColumns } from './evidence.ts';

/** A single tag to blame: it holds this share at least, and no other one as much as the second. */
const SINGLE_SHARE = 0.5;
const COMPANION_SHARE = 0.25;
/** A tag that takes part: it holds this share at least. */
const PART_SHARE = 0.1;
const MANY = 3;
/** A tag counts as off when it was outside its normal range this often, compared with the one that was most often. */
const OFF_AS_OFTEN = 0.5;
/**
 * A detector that takes at least so many steps from half its limit to the limit sees something slow: a jump takes
 * fewer. What the cumulative sum sees before all others is slow whatever it took.
 */
const SLOW_STEPS: Readonly<Record<string, number>> = {
  range: 3,
  'cross-sensor-balance': 4,
  pca: 2,
  ewma: 4,
  mewma: 6,
  cusum: 0,
};

/** A balance broken by values inside their ranges: a small jump takes some steps as well, so a drift must take more. */
const BALANCE_SLOW_STEPS = 6;

/** @param upsetElsewhere another group of the plant is in a process upset: what one tag shows here follows from it. */
export function faultKind(evidence: Evidence, share: Float64Array, upsetElsewhere: boolean): FaultKind {
  return (
    silentSource(evidence) ??
    stuckTag(evidence) ??
    brokenBalance(evidence, share) ??
    singleTag(evidence, share, upsetElsewhere) ??
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

/**
 * One value repeated: a stuck sensor, or a gateway that serves what it last read when many stand still. A gateway
 * does not make values jump before they stand still; someone who forges them does.
 */
function stuckTag(evidence: Evidence): FaultKind | undefined {
  const frozen = firedColumns(evidence, 'frozen-value');
  if (frozen.length === 0) return undefined;
  if (!sharedSource(evidence, frozen, MANY)) return 'sensor-failure';
  const jumped = !Number.isNaN(firedAt(evidence, 'rate-of-change'));
  return jumped ? 'inconsistent-values' : 'communication';
}

/** Values that contradict each other though each alone is plausible: a slow one drifts, sudden ones may be forged. */
function brokenBalance(evidence: Evidence, share: Float64Array): FaultKind | undefined {
  const broken = firedAt(evidence, BALANCE);
  if (Number.isNaN(broken) || !Number.isNaN(firedAt(evidence, 'range'))) return undefined;
  const off = columnsOff(evidence);
  if (off.length >= MANY) return undefined;
  const balance = evidence.detectors.findIndex(({ name }) => name === BALANCE);
  if (creeps(evidence, balance, BALANCE_SLOW_STEPS) && isSingle(share)) return 'sensor-drift';
  return off.length === 0 ? 'inconsistent-values' : undefined;
}

/** One tag out of line while its neighbours are not. */
function singleTag(evidence: Evidence, share: Float64Array, upsetElsewhere: boolean): FaultKind | undefined {
  if (!isSingle(share) || columnsOff(evidence).length >= MANY) return undefined;
  if (upsetElsewhere) return 'process-upset';
  return slow(evidence) ? 'sensor-drift' : 'sensor-failure';
}

function manyTags(evidence: Evidence, share: Float64Array): FaultKind | undefined {
  const off = columnsOff(evidence).length;
  const parts = share.filter((part) => part >= PART_SHARE).length;
  if (off > 1 || (off === 1 && parts > 1)) return 'process-upset';
  return off === 0 && parts > 0 ? 'inconsistent-values' : undefined;
}

/** The detector that saw it first saw it come slowly. */
function slow(evidence: Evidence): boolean {
  let first = -1;
  for (const [i, { name }] of evidence.detectors.entries()) {
    const earlier = evidence.since[i]! < (evidence.since[first] ?? Number.POSITIVE_INFINITY);
    if (earlier && name in SLOW_STEPS) first = i;
  }
  return first >= 0 && creeps(evidence, first, SLOW_STEPS[evidence.detectors[first]!.name]!);
}

/** This detector's score rose over many steps, and nothing had jumped by then (at the recovery something may). */
function creeps(evidence: Evidence, detector: number, steps: number): boolean {
  if (firedAt(evidence, 'rate-of-change') <= evidence.since[detector]!) return false;
  return evidence.rise[detector]! >= steps;
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

function isSingle(share: Float64Array): boolean {
  const companions = share.filter((part) => part >= COMPANION_SHARE).length;
  return companions === 1 && largest(share) >= SINGLE_SHARE;
}

function firedAt(evidence: Evidence, detector: string): number {
  const index = evidence.detectors.findIndex(({ name }) => name === detector);
  return index < 0 ? Number.NaN : evidence.since[index]!;
}

const largest = (values: Float64Array) => values.reduce((a, b) => Math.max(a, b), 0);

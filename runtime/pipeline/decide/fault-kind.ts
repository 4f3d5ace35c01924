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
/** Beyond the normal range by this part of its width, a value is off and not just rare. */
const MARGIN = 0.1;

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

/** The detectors of small lasting shifts saw it, and nothing ever jumped. */
function slow(evidence: Evidence): boolean {
  const shift = !Number.isNaN(firedAt(evidence, 'cusum')) || !Number.isNaN(firedAt(evidence, 'ewma'));
  return shift && Number.isNaN(firedAt(evidence, 'rate-of-change'));
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
  return [...evidence.row.keys()].filter((column) => {
    const { low, high } = evidence.normal[column]!;
    const margin = (high - low) * MARGIN;
    const value = evidence.row[column]!;
    return value > high + margin || value < low - margin;
  });
}

function firedAt(evidence: Evidence, detector: string): number {
  const index = evidence.detectors.findIndex(({ name }) => name === detector);
  return index < 0 ? Number.NaN : evidence.since[index]!;
}

const largest = (share: Float64Array) => share.reduce((a, b) => Math.max(a, b), 0);

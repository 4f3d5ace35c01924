/** Which tags made an anomaly, how much each, and in which way each is off. */

import type { Contribution } from '../../core/messages.ts';
import { BALANCE, type Evidence, explainOne, FACTS, firedColumns, PER_TAG } from './evidence.ts';

const MOST = 8;
/** Smaller shares say nothing to a person. */
const LEAST_SHARE = 0.02;

/**
 * Each column's share of the anomaly, 0 … 1, summing to 1 (all 0 when nobody can say): the mean of what the
 * dominating detector and every rule that fired say, so that a rule's certain fact weighs as much as a model's view.
 */
export function shares(evidence: Evidence): Float64Array {
  const total = new Float64Array(evidence.columns.length);
  let sum = 0;
  const fired = (name: string) =>
    evidence.detectors.some((d, i) => d.name === name && evidence.scores[i]! >= 1);
  const facts = FACTS.filter(fired);
  const voters = facts.length > 0 ? facts : [BALANCE].filter(fired);
  for (let d = 0; d < evidence.detectors.length; d++) {
    const { name } = evidence.detectors[d]!;
    if (d !== evidence.dominant && !voters.includes(name)) continue;
    const part = explainOne(evidence, d);
    if (!part) continue;
    if (PER_TAG.has(name) || name === BALANCE) keepFired(part);
    const weight = part.reduce((a, b) => a + b, 0);
    if (!(weight > 0)) continue;
    for (let i = 0; i < total.length; i++) total[i]! += part[i]! / weight;
    sum += 1;
  }
  if (sum > 0) for (let i = 0; i < total.length; i++) total[i]! /= sum;
  return total;
}

/** The top tags with value, normal range and direction, largest share first. */
export function contributions(evidence: Evidence, share: Float64Array): Contribution[] {
  const order = [...share.keys()].filter((i) => share[i]! > 0).sort((a, b) => share[b]! - share[a]!);
  const top = order.filter((i, rank) => rank < MOST && (rank === 0 || share[i]! >= LEAST_SHARE));
  const frozen = new Set(firedColumns(evidence, 'frozen-value'));
  return top.map((i) => {
    const tag = evidence.columns[i]!;
    const value = evidence.row[i]!;
    return {
      tag: tag.name,
      kind: tag.kind,
      unit: tag.unit,
      value: Number.isNaN(value) ? null : value,
      normal: evidence.normal[i]!,
      direction: direction(evidence, i, frozen.has(i)),
      // Rounded down, so that rounding never makes the shares sum to more than 1.
      share: Math.floor(share[i]! * 1e4) / 1e4,
    };
  });
}

/** A detector with a limit per tag has nothing against tags below theirs, as long as any is above. */
function keepFired(scores: Float64Array): void {
  if (!scores.some((score) => score >= 1)) return;
  for (let i = 0; i < scores.length; i++) if (scores[i]! < 1) scores[i] = 0;
}

function direction(evidence: Evidence, column: number, frozen: boolean): Contribution['direction'] {
  const value = evidence.row[column]!;
  if (Number.isNaN(value)) return 'missing';
  if (frozen) return 'frozen';
  const normal = evidence.normal[column];
  if (!normal) return 'inconsistent';
  const { low, high } = normal;
  if (value > high) return 'high';
  if (value < low) return 'low';
  // Inside its normal range a tag is off only against the others, unless a detector judged it by itself.
  const dominant = evidence.detectors[evidence.dominant]?.name ?? '';
  if (!PER_TAG.has(dominant)) return 'inconsistent';
  return value >= (low + high) / 2 ? 'high' : 'low';
}

/** Which nodes are in a wave: the same answer on the hub and on the node, without either asking the other. */

import { createHash } from 'node:crypto';
import type { AssignedRelease, Assignment } from './assignment.ts';

/** @returns from 0 to below 100: where this node stands in the order in which nodes take this release. */
export function placeOf(node: string, name: string, release: number): number {
  const digest = createHash('sha256').update(`${node}|${name}/${release}`).digest();
  return (digest.readUInt32BE(0) / 2 ** 32) * 100;
}

/** A wave of more percent holds all nodes of a wave of fewer. */
export const inWave = (node: string, { name, release, percent }: AssignedRelease): boolean =>
  placeOf(node, name, release) < percent;

/**
 * One entry per name: the highest release in whose wave the node is. A name comes twice while a release is rolled out:
 * the nodes outside its wave keep to the one before, also those that join late.
 */
export function assignedTo({ releases }: Assignment, node: string): AssignedRelease[] {
  const chosen = new Map<string, AssignedRelease>();
  for (const one of releases) {
    const before = chosen.get(one.name);
    if ((before === undefined || before.release < one.release) && inWave(node, one))
      chosen.set(one.name, one);
  }
  return [...chosen.values()];
}

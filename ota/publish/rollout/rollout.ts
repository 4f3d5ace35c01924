/** A rollout as it is kept in the repository. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonFile, writeFileAtomic } from '../../../runtime/core/atomic-file.ts';
import { InputError } from '../../../runtime/core/errors.ts';
import { type EpochMillis, epochMillis } from '../../../runtime/core/units.ts';
import type { AssignedRelease } from '../../bundle/assignment.ts';
import type { RepositoryFolder } from '../repository/folder.ts';

export interface RolloutRules {
  /** Percent of the group, rising, to 100. */
  readonly waves: readonly number[];
  /** For how long each wave is watched at least. */
  readonly holdMinutes: number;
  /** Of a wave's nodes, this share must run the release before the next wave begins. */
  readonly readyPercent: number;
  /** Of the nodes that decided, more failures than this end the rollout. */
  readonly abortPercent: number;
  /** Fewer that decided are no evidence. */
  readonly abortNodes: number;
}

export interface Rollout {
  readonly v: 1;
  readonly id: string;
  readonly group: string;
  readonly name: string;
  readonly release: number;
  /** Of bundle.json. */
  readonly digest: string;
  readonly offlineOk: boolean;
  readonly window?: NonNullable<AssignedRelease['window']>;
  readonly rules: RolloutRules;
  /** The first wave does not begin before it. */
  readonly notBefore: EpochMillis;
  readonly state: 'running' | 'paused' | 'done' | 'aborted';
  /** Place in `rules.waves` of the wave that is public; -1 before the first. */
  readonly wave: number;
  readonly waveSince: EpochMillis;
  /** Why it is as it is, for people. */
  readonly reason: string;
}

export const DEFAULT_RULES: RolloutRules = {
  waves: [5, 10, 20, 40, 80, 100],
  holdMinutes: 10,
  readyPercent: 90,
  abortPercent: 20,
  abortNodes: 1,
};

const MODE = 0o644;
export const AT_ONCE = epochMillis(0);

/** `first`, `factor` times as much each time, then 100. */
export function exponentialWaves(first: number, factor: number): number[] {
  const waves: number[] = [];
  for (let percent = first; percent < 100; percent *= factor) waves.push(Math.round(percent * 100) / 100);
  return [...waves, 100];
}

/** @throws InputError `ota-rollout-rules` */
export function checkRules(rules: RolloutRules): RolloutRules {
  const { waves } = rules;
  const rising = waves.every((percent, at) => percent > (waves[at - 1] ?? 0));
  if (rising && waves.at(-1) === 100) return rules;
  const text = `waves rise from above 0 and end with 100, such as 5,25,100; not ${waves.join(',')}`;
  throw new InputError('ota-rollout-rules', text, { facts: { waves } });
}

export const rolloutId = (group: string, name: string, release: number): string =>
  `${group}.${name}.${release}`;

export function saveRollout(folder: RepositoryFolder, rollout: Rollout): void {
  const path = join(folder.rollouts, `${rollout.id}.json`);
  writeFileAtomic(path, `${JSON.stringify(rollout, undefined, 1)}\n`, MODE);
}

/** @throws InputError `ota-rollout-missing`, naming those that there are. */
export function loadRollout(folder: RepositoryFolder, id: string): Rollout {
  const known = listRollouts(folder);
  const found = known.find((rollout) => rollout.id === id);
  if (found) return found;
  const names = known.map((rollout) => rollout.id).join(', ') || 'none';
  throw new InputError('ota-rollout-missing', `there is no rollout ${id}; there are: ${names}`, {
    facts: { id },
  });
}

/** @throws InputError `ota-rollout-invalid` */
export function listRollouts(folder: RepositoryFolder): Rollout[] {
  const files = readdirSync(folder.rollouts).filter((name) => name.endsWith('.json'));
  return files.sort().map((name) => {
    const path = join(folder.rollouts, name);
    const rollout = readJsonFile(path) as Rollout;
    if (rollout?.v === 1 && name === `${rollout.id}.json`) return rollout;
    throw new InputError('ota-rollout-invalid', `${path} is no rollout of this version of vigie`, {
      facts: { path },
    });
  });
}

/** Carries a rollout out: each step is on disk and public before the next one is thought of, so that it goes on after a restart. */

import { UpdateError } from '../../../runtime/core/errors.ts';
import type { EpochMillis } from '../../../runtime/core/units.ts';
import type { NodeReport } from '../../protocol/report.ts';
import type { Signer } from '../keys/key-file.ts';
import { assignmentOf, digestOf, draftAssignment } from '../repository/add.ts';
import type { RepositoryFolder } from '../repository/folder.ts';
import { publish } from '../repository/publish.ts';
import { assignmentFor, countWave, type Decision, decide, type WaveCount } from './plan.ts';
import {
  AT_ONCE,
  checkRules,
  listRollouts,
  loadRollout,
  type Rollout,
  type RolloutRules,
  rolloutId,
  saveRollout,
} from './rollout.ts';

export interface StartOptions {
  readonly group: string;
  readonly name: string;
  readonly release: number;
  readonly rules: RolloutRules;
  readonly offlineOk: boolean;
  readonly window?: NonNullable<Rollout['window']>;
  readonly notBefore?: EpochMillis;
}

/**
 * Begins a rollout; one that was aborted begins anew. Nothing is public yet.
 * @throws UpdateError `ota-missing` (no such bundle), `ota-rollout-state` (the name has one under way in this group);
 *   InputError `ota-rollout-rules`
 */
export async function startRollout(folder: RepositoryFolder, options: StartOptions): Promise<Rollout> {
  const { group, name, release, rules, offlineOk, window, notBefore = AT_ONCE } = options;
  return folder.locked(async () => {
    const other = listRollouts(folder).find((one) => one.group === group && one.name === name && isOpen(one));
    if (other) {
      const text = `the rollout ${other.id} is ${other.state}: abort it, or let it end`;
      throw new UpdateError('ota-rollout-state', text, { facts: { id: other.id } });
    }
    const rollout: Rollout = {
      ...{ v: 1, id: rolloutId(group, name, release), group, name, release, offlineOk },
      ...(window && { window }),
      ...{ digest: digestOf(folder, name, release), rules: checkRules(rules), notBefore },
      ...{ state: 'running', wave: -1, waveSince: AT_ONCE, reason: 'started' },
    };
    saveRollout(folder, rollout);
    return rollout;
  });
}

export const isOpen = ({ state }: Rollout): boolean => state === 'running' || state === 'paused';

/** Everything that publishing takes. */
export interface Publisher {
  readonly folder: RepositoryFolder;
  /** Of deploy, snapshot and timestamp. */
  readonly signers: readonly Signer[];
  readonly now: () => EpochMillis;
}

export interface Step {
  readonly rollout: Rollout;
  readonly count: WaveCount;
  readonly decision: Decision;
}

/** Looks once, and does what is to be done. @throws as publish; the rollout is then as it was. */
export async function stepRollout(
  publisher: Publisher,
  id: string,
  reports: readonly NodeReport[],
): Promise<Step> {
  const { folder, now } = publisher;
  return folder.locked(async () => {
    // Read anew: another process may have paused it.
    const rollout = loadRollout(folder, id);
    const count = countWave(rollout, reports);
    const decision = decide(rollout, count, now());
    const next = after(rollout, decision, now());
    if (next !== rollout) {
      if (decision.do !== 'finish') await assign(publisher, next);
      saveRollout(folder, next);
    }
    return { rollout: next, count, decision };
  });
}

/** Assigns the release to all of the group, without looking at what becomes of it. @throws as publish */
export async function assignAtOnce(publisher: Publisher, id: string): Promise<Rollout> {
  const { folder, now } = publisher;
  return folder.locked(async () => {
    const rollout = loadRollout(folder, id);
    const next: Rollout = {
      ...rollout,
      ...{ wave: rollout.rules.waves.length - 1, waveSince: now(), state: 'done' },
      reason: 'assigned to all nodes at once; nobody watches',
    };
    await assign(publisher, next);
    saveRollout(folder, next);
    return next;
  });
}

function after(rollout: Rollout, decision: Decision, now: EpochMillis): Rollout {
  if (decision.do === 'advance') {
    const { wave } = decision;
    return { ...rollout, wave, waveSince: now, reason: `on ${rollout.rules.waves[wave]} % of the nodes` };
  }
  if (decision.do === 'abort') return { ...rollout, state: 'aborted', reason: decision.why };
  return decision.do === 'finish' ? { ...rollout, state: 'done', reason: 'on all nodes' } : rollout;
}

async function assign(publisher: Publisher, rollout: Rollout): Promise<void> {
  const { folder, now } = publisher;
  draftAssignment(folder, assignmentFor(rollout, assignmentOf(folder, rollout.group)), now());
  await publishAssignment(publisher);
}

/** @throws UpdateError `ota-threshold` when the keys are too few for deploy; as publish */
export async function publishAssignment({ folder, signers, now }: Publisher): Promise<void> {
  const { waiting } = await publish(folder, signers, now());
  if (waiting.some(({ role }) => role === 'deploy'))
    throw new UpdateError('ota-threshold', 'deploy needs more signatures than keys were given');
}

/** Stops the waves, or lets them go on; what is public stays. @throws UpdateError `ota-rollout-state` when it has ended. */
export async function setPaused(folder: RepositoryFolder, id: string, paused: boolean): Promise<Rollout> {
  return folder.locked(async () => {
    const rollout = loadRollout(folder, id);
    if (!isOpen(rollout))
      throw new UpdateError('ota-rollout-state', `the rollout ${id} is ${rollout.state}: ${rollout.reason}`);
    const state = paused ? 'paused' : 'running';
    const next: Rollout = { ...rollout, state, reason: paused ? 'paused by hand' : 'resumed by hand' };
    saveRollout(folder, next);
    return next;
  });
}

/** Takes the release back from all nodes that have not begun with it, and blocks it. @throws as publish */
export async function abortRollout(publisher: Publisher, id: string, why: string): Promise<Rollout> {
  const { folder } = publisher;
  return folder.locked(async () => {
    const next: Rollout = { ...loadRollout(folder, id), state: 'aborted', reason: why };
    await assign(publisher, next);
    saveRollout(folder, next);
    return next;
  });
}

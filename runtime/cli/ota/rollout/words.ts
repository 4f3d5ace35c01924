/** Words that several actions of `vigie ota rollout` take and print. */

import type { Step } from '../../../../ota/publish/rollout/drive.ts';
import type { Rollout } from '../../../../ota/publish/rollout/rollout.ts';
import { SystemClock } from '../../../core/clock.ts';
import { UsageError } from '../../../core/errors.ts';
import { type KeyValues, signersFrom } from '../signers.ts';

/** Opens the repository, and the keys that a publication takes. */
export async function openPublisher(path: string, keys: KeyValues) {
  const { RepositoryFolder } = await import('../../../../ota/publish/repository/folder.ts');
  const { publishedBy } = await import('../../../../ota/publish/repository/publish.ts');
  const folder = RepositoryFolder.open(path);
  const signers = await signersFrom(keys, publishedBy(folder), 'deploy, snapshot and timestamp');
  const clock = new SystemClock();
  return { folder, signers, now: () => clock.wall() };
}

/** REPO and, where there is but one rollout, no more. @throws UsageError */
export async function openRollout(positionals: readonly string[]) {
  const [path, given] = positionals;
  if (path === undefined || positionals.length > 2)
    throw new UsageError('usage', 'name a repository and a rollout');
  const { RepositoryFolder } = await import('../../../../ota/publish/repository/folder.ts');
  const { listRollouts, loadRollout } = await import('../../../../ota/publish/rollout/rollout.ts');
  const { isOpen } = await import('../../../../ota/publish/rollout/drive.ts');
  const folder = RepositoryFolder.open(path);
  if (given !== undefined) return { path, folder, rollout: loadRollout(folder, given) };
  const open = listRollouts(folder).filter(isOpen);
  if (open.length === 1) return { path, folder, rollout: open[0]! };
  const names = open.map(({ id }) => id).join(', ') || 'none is under way';
  throw new UsageError('usage', `name the rollout: ${names}`);
}

/** `default.score.2  running  wave 2 of 6: 10 %  on 10 % of the nodes`. */
export function rolloutLine({ id, state, wave, rules, reason }: Rollout): string {
  const percent =
    wave < 0 ? 'before the first wave' : `wave ${wave + 1} of ${rules.waves.length}: ${rules.waves[wave]} %`;
  return `${id}  ${state}  ${percent}  ${reason}`;
}

export function stepLine({ rollout, count, decision }: Step): string {
  const { done, trial, failed, waiting } = count;
  const nodes = `${done.length} run it, ${trial.length} try it, ${waiting.length} wait, ${failed.length} failed`;
  const next = decision.do === 'wait' ? decision.why : decision.do;
  return `${rolloutLine(rollout)}  |  ${nodes}  |  ${next}`;
}

/** What a report says of each model. Pure. */

import type { ModelStatus } from '../../../runtime/core/status.ts';
import type { ReportedModel, ReportedRelease } from '../../protocol/report.ts';
import type { ModelRecord, Release } from './record.ts';

/** @param serving what runs under the name now. */
export function reportModel(
  record: ModelRecord,
  serving: Release | undefined,
  trouble: string | undefined,
): ReportedModel {
  const { name, active, previous, trial, target, floor, blocked, pinned, refused } = record;
  return {
    name,
    active: plain(active),
    previous: plain(previous),
    trial: trial && { ...plain(trial)!, attemptsLeft: trial.attemptsLeft },
    staged: target?.step === 'STAGED' ? plain(target) : null,
    floor: floor?.release ?? 0,
    serving: plain(serving ?? null),
    trouble: trouble ?? null,
    blocked: blocked.map(({ digest }) => digest),
    pinned,
    refused,
  };
}

const STEPS = { FETCH: 'fetch', VERIFY: 'verify', STAGED: 'staged' } as const;

/** What is on its way, for the node's own page. */
export function nextOf({ target }: ModelRecord): ModelStatus['next'] {
  return target && { release: target.release, step: STEPS[target.step] };
}

function plain(release: Release | null): ReportedRelease | null {
  return release && { release: release.release, digest: release.digest };
}

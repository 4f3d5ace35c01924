/** What a report says of each model. Pure. */

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

function plain(release: Release | null): ReportedRelease | null {
  return release && { release: release.release, digest: release.digest };
}

/** S-PLAN: whether an assigned release is installed. Pure; every refusal has the code that its exit status follows from. */

import type { AssignedRelease } from '../../bundle/assignment.ts';
import type { Sha256, VerifiedBundle } from '../../bundle/bundle.ts';
import { type NodeFacts, unmetRequirements } from '../../bundle/requirements.ts';
import type { ModelRecord, Release } from './record.ts';

export type Plan =
  | { readonly do: 'install' }
  /** Nothing to do, and nothing wrong. */
  | { readonly do: 'nothing'; readonly why: string }
  /** `forGood`: this content can never be right on this node. */
  | { readonly do: 'refuse'; readonly code: string; readonly reason: string; readonly forGood: boolean };

/** What is known before a byte of the bundle was fetched. @param digest of the release as trusted metadata has it. */
export function planRelease(
  record: ModelRecord,
  assigned: Pick<AssignedRelease, 'name' | 'release'>,
  digest: Sha256,
  blockedByAssignment: readonly Sha256[],
): Plan {
  const candidate = { release: assigned.release, digest };
  if (blockedByAssignment.includes(digest)) return refusal('ota-blocked', 'the assignment blocks it', false);
  if (same(record.active, candidate)) return { do: 'nothing', why: 'it serves' };
  if (same(record.trial, candidate)) return { do: 'nothing', why: 'it is on trial' };
  if (record.pinned) return { do: 'nothing', why: 'this node is pinned to what serves' };
  if (record.blocked.some((one) => one.digest === digest)) {
    // Why it failed here says more than that it did, for as long as it is remembered.
    const { refused } = record;
    if (refused?.digest === digest) return refusal(refused.code, refused.reason, false);
    return refusal('ota-blocked', 'it was rolled back on this node; unblock it to try again', false);
  }
  return planFloor(record.floor, candidate) ?? { do: 'install' };
}

/** Cases 37 and 38: older content, or other content under the number of what was committed. */
function planFloor(floor: Release | null, { release, digest }: Release): Plan | undefined {
  if (!floor || release > floor.release) return undefined;
  if (release < floor.release) {
    return refusal(
      'ota-rollback',
      `release ${release} is below ${floor.release}, which was committed`,
      false,
    );
  }
  if (digest === floor.digest) return undefined;
  return refusal('ota-rollback', `release ${release} was committed with other content`, false);
}

/** What bundle.json adds. @param node with the disk as it is free now, less a tenth of what is to be written. */
export function planBundle(
  bundle: VerifiedBundle,
  assigned: Pick<AssignedRelease, 'name' | 'release'>,
  node: NodeFacts,
): Plan {
  if (bundle.name !== assigned.name || bundle.release !== assigned.release) {
    const text = `bundle.json is of ${bundle.name} ${bundle.release}, not of ${assigned.name} ${assigned.release}`;
    return refusal('ota-mismatch', text, true);
  }
  const unmet = unmetRequirements(bundle.requires, node);
  if (unmet.length > 0) return refusal('ota-incompatible', unmet.join('; '), false);
  return { do: 'install' };
}

/** Beside what is written, this part of it must stay free: other things grow while a model is fetched. */
const RESERVE = 0.1;

/** @param need bytes that are still to be written. */
export function planDisk(need: number, free: number): Plan {
  const wanted = Math.ceil(need * (1 + RESERVE));
  if (need === 0 || wanted <= free) return { do: 'install' };
  return refusal('ota-disk-full', `it needs ${wanted} bytes of disk, ${free} are free`, false);
}

/** Whether a trial may begin (SPEC.md, Time): undefined, or what it waits for. */
export function trialWaitsFor(
  target: {
    readonly offlineOk: boolean;
    readonly window: { readonly from: number; readonly to: number } | null;
  },
  time: { readonly now: number; readonly trust: string },
): string | undefined {
  const trusted = time.trust === 'SIGNED' || time.trust === 'NTP';
  if (!trusted) return target.offlineOk ? undefined : 'a time that can be trusted';
  return target.window && !inHours(target.window, time.now)
    ? 'the hours in which trials may begin'
    : undefined;
}

const HOUR_MS = 3_600_000;
const HOURS = 24;

/** [from, to), hours of the day, UTC; may pass midnight. The same hour twice is the whole day. */
export function inHours({ from, to }: { readonly from: number; readonly to: number }, now: number): boolean {
  const hour = (now / HOUR_MS) % HOURS;
  if (from === to) return true;
  return from < to ? hour >= from && hour < to : hour >= from || hour < to;
}

function same(a: Release | null, b: Release): boolean {
  return a?.release === b.release && a.digest === b.digest;
}

function refusal(code: string, reason: string, forGood: boolean): Plan {
  return { do: 'refuse', code, reason, forGood };
}

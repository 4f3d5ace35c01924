/** What a rollout does next: rollout, reports and time go in, a decision comes out. Pure. */

import type { AssignedRelease, Assignment } from '../../bundle/assignment.ts';
import { placeOf } from '../../bundle/wave.ts';
import type { NodeReport } from '../../protocol/report.ts';
import type { Rollout } from './rollout.ts';

export interface FailedNode {
  readonly node: string;
  readonly code: string;
  readonly reason: string;
}

/** The nodes of a wave, by how far they are. */
export interface WaveCount {
  /** Nodes of the group, in the wave or not, that sent a report. */
  readonly group: number;
  /** Of the group, in the wave, that sent a report. */
  readonly nodes: number;
  /** Run the release, committed. */
  readonly done: readonly string[];
  readonly trial: readonly string[];
  readonly failed: readonly FailedNode[];
  readonly waiting: readonly string[];
}

export type Decision =
  | { readonly do: 'wait'; readonly why: string }
  | { readonly do: 'advance'; readonly wave: number }
  | { readonly do: 'abort'; readonly why: string }
  | { readonly do: 'finish' };

const MINUTE = 60_000;
const BLOCKED = { code: 'ota-blocked', reason: 'it is blocked on the node' };

/** @param reports those that were believed, of any group. */
export function countWave(rollout: Rollout, reports: readonly NodeReport[]): WaveCount {
  const { group, name, release, rules, wave, digest } = rollout;
  const percent = rules.waves[wave] ?? 0;
  const done: string[] = [];
  const trial: string[] = [];
  const waiting: string[] = [];
  const failed: FailedNode[] = [];
  const ofGroup = reports.filter((report) => report.group === group);
  for (const report of ofGroup) {
    const { node } = report;
    if (placeOf(node, name, release) >= percent) continue;
    const model = report.models.find((one) => one.name === name);
    if (model?.active?.digest === digest) done.push(node);
    else if (model?.trial?.digest === digest) trial.push(node);
    else if (model?.refused?.digest === digest) {
      const { code, reason } = model.refused;
      failed.push({ node, code, reason });
    } else if (model?.blocked.includes(digest)) failed.push({ node, ...BLOCKED });
    else waiting.push(node);
  }
  const nodes = done.length + trial.length + waiting.length + failed.length;
  return { group: ofGroup.length, nodes, done, trial, failed, waiting };
}

export function decide(rollout: Rollout, count: WaveCount, now: number): Decision {
  const { rules, wave, state, waveSince, notBefore } = rollout;
  if (state !== 'running') return { do: 'wait', why: `it is ${state}` };
  const why = tooManyFailed(rollout, count);
  if (why) return { do: 'abort', why };
  if (wave < 0) return now < notBefore ? { do: 'wait', why: 'it begins later' } : { do: 'advance', wave: 0 };
  const left = rules.holdMinutes - (now - waveSince) / MINUTE;
  if (left > 0) return { do: 'wait', why: `this wave is watched for another ${Math.ceil(left)} min` };
  // Silence is no evidence: the broker may have lost what nodes said.
  if (count.group === 0) return { do: 'wait', why: 'no node of the group has reported' };
  const ready = (count.done.length / Math.max(1, count.nodes)) * 100;
  // A small wave of a small group may have no nodes.
  if (count.nodes > 0 && ready < rules.readyPercent)
    return { do: 'wait', why: `${count.done.length} of ${count.nodes} nodes of this wave run it` };
  return wave + 1 < rules.waves.length ? { do: 'advance', wave: wave + 1 } : { do: 'finish' };
}

function tooManyFailed({ rules }: Rollout, { done, failed }: WaveCount): string | undefined {
  const decided = done.length + failed.length;
  const share = (failed.length / Math.max(1, decided)) * 100;
  const [first] = failed;
  if (!first || decided < rules.abortNodes || share <= rules.abortPercent) return undefined;
  return `${failed.length} of ${decided} nodes refused it or went back; ${first.node}: ${first.reason}`;
}

/**
 * What the group is to run while the rollout is at its wave. Earlier releases of the name stay until it is on all nodes:
 * those outside the wave keep to them. One that was aborted is taken out and blocked.
 */
export function assignmentFor(rollout: Rollout, before: Assignment): Assignment {
  const { name, release, digest, offlineOk, window, rules, wave, state } = rollout;
  const others = before.releases.filter((one) => one.name !== name || one.release !== release);
  const blocked = before.blocked.filter((one) => one !== digest);
  if (state === 'aborted') return { ...before, releases: others, blocked: [...blocked, digest] };
  const percent = rules.waves[wave] ?? 0;
  const own: AssignedRelease = { name, release, percent, offlineOk, ...(window && { window }) };
  const kept = percent < 100 ? others : others.filter((one) => one.name !== name);
  return { ...before, releases: [...kept, own], blocked };
}

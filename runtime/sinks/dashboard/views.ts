/** The JSON that the page and other programs read: see docs/dashboard.md. */

import type { Health } from '../../core/component.ts';
import type { Quality, Sample, Tag, Value } from '../../core/messages.ts';
import type { NodeStatus } from '../../core/status.ts';
import type { Millis } from '../../core/units.ts';
import type { TagHistory } from './tag-history.ts';

const MAX_TEXT = 64;

export interface TagView {
  readonly index: number;
  readonly name: string;
  readonly stage: string;
  readonly kind: string;
  readonly unit: string;
  readonly range: Tag['range'] | null;
  readonly value: number | boolean | string | null;
  /** null before the first reading. */
  readonly quality: Quality | null;
  readonly reason: string | null;
  /** Ages in seconds before the answer, oldest first. */
  readonly history: { readonly ages: readonly number[]; readonly values: readonly (number | null)[] };
}

export function tagView(tag: Tag, latest: Sample | undefined, history: TagHistory, now: Millis): TagView {
  return {
    index: tag.index,
    name: tag.name,
    stage: tag.group,
    kind: tag.kind,
    unit: tag.unit,
    range: tag.range ?? null,
    value: latest ? plainValue(latest.value) : null,
    quality: latest?.quality ?? null,
    reason: latest?.reason ?? null,
    history: history.read(tag.index, now),
  };
}

/** What the stream sends of one tag: `[index, value, quality]`, and the reason when there is one. */
export function tagDelta({ tag, value, quality, reason }: Sample): unknown[] {
  const delta: unknown[] = [tag.index, plainValue(value), quality];
  if (reason) delta.push(reason);
  return delta;
}

/** JSON has no bigint, NaN or Infinity, and a device's text may be long. */
function plainValue(value: Value | null): number | boolean | string | null {
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (typeof value === 'string') return value.slice(0, MAX_TEXT);
  return value;
}

/** Why the node is not ready to be relied on; empty when it is. */
export function notReadyReasons(status: NodeStatus, awaitsFirstReading: boolean): string[] {
  const reasons: string[] = [];
  if (awaitsFirstReading) reasons.push('no tag has been read with good quality yet');
  for (const [name, health] of Object.entries(status.components)) {
    if (health.state === 'failed') reasons.push(`${name} failed: ${firstDetail(health)}`);
  }
  if (status.health.state === 'failed' && reasons.length === 0)
    reasons.push(`the node failed: ${firstDetail(status.health)}`);
  return reasons;
}

function firstDetail({ detail, parts }: Health): string {
  if (detail) return detail;
  const failed = Object.entries(parts ?? {}).find(([, part]) => part.state === 'failed');
  return failed ? `${failed[0]}: ${failed[1].detail}` : 'no reason given';
}

/** The node in one line, for `systemctl status`. Pure. */

import type { NodeStatus } from '../core/status.ts';

export interface Counts {
  readonly tags: number;
  readonly cameras: number;
}

export function statusLine(status: NodeStatus, { tags, cameras }: Counts): string {
  const { health, outbox, timeQuality, config } = status;
  const parts = [
    plural(tags, 'tag'),
    ...(cameras > 0 ? [plural(cameras, 'camera')] : []),
    ...(outbox.records > 0 ? [`${plural(outbox.records, 'record')} wait for the broker`] : []),
    ...(timeQuality === 'unsynced' ? ['clock not set'] : []),
    ...(config.state === 'ok' ? [] : [`configuration: ${config.state}`]),
  ];
  const well = health.state === 'ok' ? 'ok' : `${health.state}: ${health.detail}`;
  return `${well}; ${parts.join(', ')}`;
}

const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** The retained `status` topic: what the node says of itself, and what the broker says when the node is gone. */

import type { Health } from '../../core/component.ts';
import type { NodeStatus } from '../../core/status.ts';
import type { EpochMillis } from '../../core/units.ts';
import { isoTime, type Origin } from './envelope.ts';

const SCHEMA = 'vigie.status/1';

/** The last will: it carries no time, since nobody knows at connection when the node will be lost. */
export function willPayload(origin: Origin, bootId: string): string {
  const { site, node } = origin;
  return JSON.stringify({ schema: SCHEMA, site, node, bootId, state: 'offline', reason: 'connection-lost' });
}

/** What the node leaves behind when it is stopped. */
export function stoppedPayload(status: NodeStatus, now: EpochMillis): string {
  return JSON.stringify({ ...head(status, now), state: 'offline', reason: 'stopped' });
}

/** Birth message, sent again whenever `statusKey` changes. */
export function onlinePayload(status: NodeStatus, now: EpochMillis): string {
  return JSON.stringify({ ...head(status, now), state: 'online', ...facts(status) });
}

/** Changes when there is something new to tell; times and counts that move by themselves do not count. */
export const statusKey = (status: NodeStatus): string => JSON.stringify(facts(status));

function head({ site, node, bootId, timeQuality }: NodeStatus, now: EpochMillis) {
  return { schema: SCHEMA, site, node, bootId, time: isoTime(now), timeQuality };
}

function facts({ version, health, components, baselines, models, config }: NodeStatus) {
  return {
    version,
    health: brief(health),
    components: mapValues(components, brief),
    baselines: mapValues(baselines, ({ state }) => state),
    models: mapValues(models, ({ state, release, version, detail }) => ({ state, release, version, detail })),
    config: { ...config },
  };
}

const brief = ({ state, detail }: Health) => ({ state, detail });

function mapValues<T, R>(record: Readonly<Record<string, T>>, map: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

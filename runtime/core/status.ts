/** What the node says of itself: the retained `status` topic, the dashboard and `vigie doctor` show the same facts. */

import type { Health } from './component.ts';
import type { OutboxDepth, TimeQuality } from './messages.ts';
import type { Millis } from './units.ts';

export interface BaselineStatus {
  /** `learning` until the group knows what is normal. */
  readonly state: 'learning' | 'ready' | 'failed';
  /** 0 … 1 while learning. */
  readonly progress: number;
  readonly detail: string;
}

export interface NodeStatus {
  readonly site: string;
  readonly node: string;
  readonly version: string;
  readonly bootId: string;
  readonly uptime: Millis;
  readonly timeQuality: TimeQuality;
  readonly health: Health;
  /** By component name. */
  readonly components: Readonly<Record<string, Health>>;
  readonly outbox: OutboxDepth;
  /** By group. */
  readonly baselines: Readonly<Record<string, BaselineStatus>>;
  /** `last-known-good`: the file is wrong and the node runs on the one before; `problems` says where. */
  readonly config: {
    readonly state: 'ok' | 'last-known-good' | 'quarantine';
    readonly problems: readonly string[];
  };
}

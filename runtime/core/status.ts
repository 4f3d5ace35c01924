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

/** One bundle name: what serves under it. */
export interface ModelStatus {
  /** `trial`: it serves, and makes way for the one before should it not do well; `empty`: nothing serves. */
  readonly state: 'serving' | 'trial' | 'empty';
  readonly release: number | null;
  readonly version: string | null;
  /** SHA-256 of its bundle.json: which content it is. */
  readonly digest: string | null;
  readonly backend: string | null;
  /** Why nothing serves, or not what should; empty when all is well. */
  readonly detail: string;
  /** The last release that was refused or rolled back, and why; null after a commit. */
  readonly refused: { readonly release: number; readonly reason: string } | null;
  /** How far a trial is. */
  readonly trial: TrialProgress | null;
  /** What is on its way: being fetched, tested, or waiting for its trial. */
  readonly next: { readonly release: number; readonly step: 'fetch' | 'verify' | 'staged' } | null;
}

/** A name under which nothing serves. */
export const NO_MODEL: ModelStatus = {
  state: 'empty',
  ...{ release: null, version: null, digest: null, backend: null },
  detail: '',
  ...{ refused: null, trial: null, next: null },
};

export interface TrialProgress {
  readonly release: number;
  /** Starts of the node that it may still take. */
  readonly attemptsLeft: number;
  readonly elapsed: Millis;
  /** For which it must do well. */
  readonly window: Millis;
  readonly inferences: number;
  /** That it must have made. */
  readonly minInferences: number;
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
  /** Of models that come as updates, by the bundle's name. */
  readonly models: Readonly<Record<string, ModelStatus>>;
  /** `last-known-good`: the file is wrong and the node runs on the one before; `problems` says where. */
  readonly config: {
    readonly state: 'ok' | 'last-known-good' | 'quarantine';
    readonly problems: readonly string[];
    /** Keys that were changed in the file and are in use after a restart; absent for none. */
    readonly needsRestart?: readonly string[];
  };
}

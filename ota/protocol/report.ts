/** What a node says of itself on `state/NODE` (retained): signed with its own key, so that no other node can say it. */

import type { Sha256 } from '../bundle/bundle.ts';

export type TimeTrust = 'NONE' | 'FLOOR' | 'SIGNED' | 'NTP';

export interface ReportedRelease {
  readonly release: number;
  readonly digest: Sha256;
}

export interface ReportedModel {
  readonly name: string;
  readonly active: ReportedRelease | null;
  readonly previous: ReportedRelease | null;
  readonly trial: (ReportedRelease & { readonly attemptsLeft: number }) | null;
  readonly staged: ReportedRelease | null;
  /** The lowest release that may still be installed from outside is this one. */
  readonly floor: number;
  readonly blocked: readonly Sha256[];
  readonly pinned: boolean;
  /** The last release that was rolled back or refused, and why; null after a commit. */
  readonly refused: (ReportedRelease & { readonly code: string; readonly reason: string }) | null;
}

export interface NodeReport {
  readonly _type: 'vigie-node-state';
  readonly v: 1;
  readonly node: string;
  /** Whose assignment it follows. */
  readonly group: string;
  /** The ed25519 public key that signed this, 64 hexadecimal digits. */
  readonly key: string;
  /** Rises with every report, also over restarts: an older one is a replay. */
  readonly counter: number;
  /** Milliseconds since 1970 by the clock that `timeTrust` speaks of. */
  readonly time: number;
  readonly timeTrust: TimeTrust;
  readonly runtime: string;
  readonly models: readonly ReportedModel[];
  readonly configuration: Sha256 | null;
  /** Versions of trusted metadata by role. */
  readonly metadata: Readonly<Record<string, number>>;
  readonly lastError: { readonly code: string; readonly message: string } | null;
  /** Something was refused that no honest repository or broker sends. */
  readonly attack: boolean;
}

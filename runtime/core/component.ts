/** The life of everything that runs: sources, stages, sinks. Driven by the supervisor. */

import type { Tag } from './messages.ts';

export type HealthState = 'starting' | 'ok' | 'degraded' | 'failed' | 'stopped';

export interface Health {
  readonly state: HealthState;
  /** For a person: what is wrong and, where known, what to do. Empty when ok. */
  readonly detail: string;
  /** Parts that fail on their own (the units of a bus, the files of a replay), by name. */
  readonly parts?: Readonly<Record<string, Health>>;
}

export const HEALTHY: Health = { state: 'ok', detail: '' };

/** No I/O in constructors. */
export interface Component {
  readonly name: string;
  /**
   * Resolves once the component runs; what it needs may still be absent (a broker, a bus) — that is health,
   * not failure. Rejects only when it can never run as configured. The signal aborts a start under way.
   */
  start(signal: AbortSignal): Promise<void>;
  /** Idempotent. Must finish within the supervisor's deadline; whatever was accepted stays safe. */
  stop(): Promise<void>;
  health(): Health;
}

/** A component that reads tags. */
export interface Source extends Component {
  readonly tags: readonly Tag[];
}

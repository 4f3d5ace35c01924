/** How the outbox is doing, for `health()`. */

import type { Clock } from '../../core/clock.ts';
import { HEALTHY, type Health } from '../../core/component.ts';
import { hours, type Millis, millis, minutes } from '../../core/units.ts';
import type { OutboxFault } from './fault.ts';

/** How long a moved file and an eviction are shown after they happened. */
const SHOW_ASIDE = hours(1);
const SHOW_EVICTION = minutes(10);

/** A slow card takes seconds for a write, and a minute to save the rows of a damaged file. */
const HANGS_AFTER = minutes(5);

const NEVER = millis(Number.NEGATIVE_INFINITY);

export class Condition {
  readonly #clock: Clock;
  /** Since the node started. */
  evicted = 0;
  fault: OutboxFault | undefined;
  /** The log has its room, so that records are kept for a while yet. */
  diskFull = false;
  #evictedAt: Millis = NEVER;
  #aside = '';
  #asideAt: Millis = NEVER;
  #workingSince: Millis | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  evict(records: number): void {
    this.evicted += records;
    this.#evictedAt = this.#clock.mono();
  }

  movedAside(path: string, salvaged: number): void {
    this.#aside = `an unusable database was moved to ${path}; ${salvaged} records were saved from it`;
    this.#asideAt = this.#clock.mono();
  }

  /** True when this is news: the same fault on every retry is logged once. */
  failed(fault: OutboxFault): boolean {
    const news = this.fault?.kind !== fault.kind;
    this.fault = fault;
    return news;
  }

  /** True when a fault has just ended. */
  recovered(): boolean {
    const before = this.fault;
    this.fault = undefined;
    return before !== undefined;
  }

  /** Does one piece of work with the disk: failing is no hanging. */
  async during(work: () => Promise<void>): Promise<void> {
    this.#workingSince = this.#clock.mono();
    try {
      await work();
    } finally {
      this.#workingSince = undefined;
    }
  }

  /** Why the outbox hangs: one piece of work does not end. Undefined while it goes on. */
  stuck(now: Millis): string | undefined {
    const waited = now - (this.#workingSince ?? now);
    if (waited < HANGS_AFTER) return undefined;
    return `the outbox has waited for its disk for ${Math.round(waited / 1000)} s`;
  }

  health(open: boolean): Health {
    if (this.fault) {
      return { state: this.fault.kind === 'full' ? 'degraded' : 'failed', detail: this.fault.message };
    }
    if (!open) return { state: 'starting', detail: 'the database is being opened' };
    const now = this.#clock.mono();
    const details: string[] = [];
    if (this.diskFull) details.push('no space left on the disk but what the outbox has reserved: free some');
    if (now - this.#asideAt < SHOW_ASIDE) details.push(this.#aside);
    if (now - this.#evictedAt < SHOW_EVICTION) {
      details.push(`the queue is full: ${this.evicted} records dropped since the start; check the broker`);
    }
    return details.length === 0 ? HEALTHY : { state: 'degraded', detail: details.join('; ') };
  }
}

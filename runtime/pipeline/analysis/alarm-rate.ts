/** How many alarms started within the last hour: what an operator's budget is measured against. Pure. */

import { hours, type Millis } from '../../core/units.ts';

const WINDOW = hours(1);

export class AlarmRate {
  #starts: Millis[] = [];

  /** @param mono never decreasing. */
  add(mono: Millis): void {
    this.#prune(mono);
    this.#starts.push(mono);
  }

  lastHour(now: Millis): number {
    this.#prune(now);
    return this.#starts.length;
  }

  #prune(now: Millis): void {
    const keep = this.#starts.findIndex((start) => now - start < WINDOW);
    this.#starts = keep < 0 ? [] : this.#starts.slice(keep);
  }
}

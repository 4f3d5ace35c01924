/** From a score to an alarm that neither chatters nor cries at a single spike. Pure: time is an argument. */

import type { Millis } from '../../core/units.ts';

/** The `anomaly.alarm` section of the configuration fits as it is. */
export interface AlarmOptions {
  /** How long the score must stay up before the alarm comes on; 0 for at once. */
  readonly delayOn: Millis;
  /** How long the score must stay down before the alarm goes off. */
  readonly delayOff: Millis;
  /** Once on, the alarm stays on at least this long. */
  readonly minDuration: Millis;
  /** The score below which a condition counts as over, in (0, 1]; 1 is the alarm limit itself. */
  readonly clear: number;
}

/**
 * A comparator with hysteresis (up at 1, down below `clear`) followed by an on-delay, an off-delay and a
 * minimum duration. A score of NaN says nothing: it changes no state and starts no delay.
 */
export class AlarmLatch {
  readonly #options: AlarmOptions;
  #up = false;
  #upSince = 0;
  #downSince = 0;
  #active = false;
  #activeSince = 0;

  constructor(options: AlarmOptions) {
    this.#options = options;
  }

  /** The score below which a condition counts as over. */
  get clear(): number {
    return this.#options.clear;
  }

  get active(): boolean {
    return this.#active;
  }

  /** When the condition behind the present alarm began (before the on-delay); undefined while there is none. */
  get onset(): Millis | undefined {
    return this.#active ? (this.#upSince as Millis) : undefined;
  }

  /** One sample of the fused score at `mono` (never decreasing). @returns whether the alarm is on. */
  step(score: number, mono: Millis): boolean {
    if (Number.isNaN(score)) return this.#active;
    this.#compare(score, mono);
    if (this.#active) this.#release(mono);
    else if (this.#up && mono - this.#upSince >= this.#options.delayOn) {
      this.#active = true;
      this.#activeSince = mono;
    }
    return this.#active;
  }

  /** Forgets everything: no alarm, no delay running. */
  reset(): void {
    this.#up = false;
    this.#active = false;
  }

  #compare(score: number, mono: Millis): void {
    if (!this.#up && score >= 1) {
      this.#up = true;
      // A score that falls and rises again within one alarm is still the same condition.
      if (!this.#active) this.#upSince = mono;
    } else if (this.#up && score < this.#options.clear) {
      this.#up = false;
      this.#downSince = mono;
    }
  }

  #release(mono: Millis): void {
    if (this.#up) return;
    const { delayOff, minDuration } = this.#options;
    if (mono - this.#downSince >= delayOff && mono - this.#activeSince >= minDuration) this.#active = false;
  }
}

/** One track and one zone: from single looks to an intrusion with one beginning and one end. Pure. */

import type { IntrusionEnd } from '../../../core/messages.ts';
import type { Millis } from '../../../core/units.ts';

export interface PresenceOptions {
  readonly dwell: Millis;
  readonly exitDelay: Millis;
}

/** What a look says of the track. */
export interface Sight {
  readonly inside: boolean;
  /** Confident enough to begin; to go on. */
  readonly sure: boolean;
  readonly stillSure: boolean;
}

export type PresenceChange =
  | { readonly change: 'start'; readonly entered: Millis }
  | {
      readonly change: 'end';
      readonly entered: Millis;
      readonly left: Millis;
      readonly reason: IntrusionEnd;
    };

export class Presence {
  #options: PresenceOptions;
  /** First moment inside; undefined while there is none. */
  #entered: Millis | undefined;
  #open = false;
  #lastInside = 0 as Millis;
  #lastLook = 0 as Millis;
  #wasInside = false;
  /** Time inside, gaps left out. */
  #inside = 0;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** What is open stays open. */
  configure(options: PresenceOptions): void {
    this.#options = options;
  }

  get open(): boolean {
    return this.#open;
  }

  get entered(): Millis | undefined {
    return this.#entered;
  }

  /** When the track was last inside. */
  get lastInside(): Millis {
    return this.#lastInside;
  }

  /** A look that saw the track. @param mono never decreasing. */
  look({ inside, sure, stillSure }: Sight, mono: Millis): PresenceChange | undefined {
    const counts = inside && (this.#entered === undefined ? sure : stillSure);
    if (counts && this.#wasInside) this.#inside += mono - this.#lastLook;
    this.#lastLook = mono;
    this.#wasInside = counts;
    if (counts) return this.#counted(mono);
    if (this.#entered === undefined || mono - this.#lastInside < this.#options.exitDelay) return undefined;
    return this.finish(inside ? 'doubtful' : 'left');
  }

  /** The track, the zone's armed hours or the camera are over. @returns the end of an open intrusion. */
  finish(reason: IntrusionEnd): PresenceChange | undefined {
    const entered = this.#entered;
    const open = this.#open;
    this.#entered = undefined;
    this.#open = false;
    this.#wasInside = false;
    this.#inside = 0;
    return open && entered !== undefined
      ? { change: 'end', entered, left: this.#lastInside, reason }
      : undefined;
  }

  #counted(mono: Millis): PresenceChange | undefined {
    this.#entered ??= mono;
    this.#lastInside = mono;
    if (this.#open || this.#inside < this.#options.dwell) return undefined;
    this.#open = true;
    return { change: 'start', entered: this.#entered };
  }
}

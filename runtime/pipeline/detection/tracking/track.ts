/** One object over time. */

import type { Box } from '../../../core/geometry.ts';
import type { Millis } from '../../../core/units.ts';
import type { Observation } from '../observation.ts';
import { BoxFilter } from './kalman.ts';

export type TrackState = 'new' | 'seen' | 'lost';

/** How long a score counts in the smoothed one. */
const SMOOTHING_MS = 1000;
/** A doubtful detection is often cut off by what hides the rest of it: it says little of where the box ends. */
const LOW_SCORE_TRUST = 3;

export class Track {
  readonly id: number;
  readonly label: string;
  readonly firstSeen: Millis;
  readonly #filter: BoxFilter;
  #state: TrackState = 'new';
  #lastSeen: Millis;
  #hits = 1;
  #score: number;
  #confidence: number;
  #peak: number;

  constructor(id: number, { label, box, score }: Observation, mono: Millis) {
    this.id = id;
    this.label = label;
    this.firstSeen = mono;
    this.#lastSeen = mono;
    this.#filter = new BoxFilter(box);
    this.#score = score;
    this.#confidence = score;
    this.#peak = score;
  }

  get state(): TrackState {
    return this.#state;
  }

  get lastSeen(): Millis {
    return this.#lastSeen;
  }

  /** Detections it was made of. */
  get hits(): number {
    return this.#hits;
  }

  /** Of the last detection. */
  get score(): number {
    return this.#score;
  }

  /** Highest score so far. */
  get peak(): number {
    return this.#peak;
  }

  /** Score smoothed over about a second. */
  get confidence(): number {
    return this.#confidence;
  }

  /** Filtered; predicted while it is not seen. */
  get box(): Box {
    return this.#filter.box;
  }

  predict(dt: Millis): void {
    this.#filter.predict(dt, this.#state === 'lost');
  }

  /** @param doubtful a detection of the low-score pass. */
  found({ box, score }: Observation, mono: Millis, doubtful = false): void {
    this.#filter.update(box, doubtful ? LOW_SCORE_TRUST : 1);
    const keep = Math.exp(-Math.max(mono - this.#lastSeen, 0) / SMOOTHING_MS);
    this.#confidence = keep * this.#confidence + (1 - keep) * score;
    this.#score = score;
    this.#peak = Math.max(this.#peak, score);
    this.#lastSeen = mono;
    this.#hits++;
    if (this.#state === 'lost') this.#state = 'seen';
  }

  confirm(): void {
    this.#state = 'seen';
  }

  lose(): void {
    this.#state = 'lost';
  }

  /** Another model has another scale of scores: what the former said is not mixed with it. */
  restartConfidence(score: number): void {
    this.#confidence = score;
  }
}

/** Applies the rate policy to one camera: reads the board now and then, and says of each frame whether the model looks. */

import type { DetectionConfig } from '../../../config/schema/zones.ts';
import type { Millis } from '../../../core/units.ts';
import { BoardReader } from './board-reader.ts';
import { judgeHeat, type ZoneLimits } from './heat.ts';
import { nextRate, RATE_START, type Rate, type RateChange, type RateState } from './policy.ts';

export interface GovernorOptions {
  readonly config: DetectionConfig['rate'];
  /** Names of the model's variants, the best first; at least one. */
  readonly variants: readonly string[];
  /** Of the device profile. */
  readonly thermal: readonly ZoneLimits[];
  /** Shared by the cameras of a process; one of its own when left out. */
  readonly board?: BoardReader;
}

/** Frames whose middle distance is the camera's period. */
const PERIODS = 15;
/** A gap beyond this is a camera that stood still, not its period. */
const LONGEST_PERIOD = 5000;

export class RateGovernor {
  #options: GovernorOptions;
  #state: RateState = RATE_START;
  readonly #board: BoardReader;
  #last: { readonly at: Millis; readonly sequence: number } | undefined;
  /** Number of the last frame that the model should look at. */
  #lookedAt = Number.NEGATIVE_INFINITY;
  readonly #periods: number[] = [];

  constructor(options: GovernorOptions) {
    this.#options = options;
    this.#board = options.board ?? new BoardReader();
  }

  /** Other limits; what was learned of camera and model stays. */
  configure(config: DetectionConfig['rate']): void {
    this.#options = { ...this.#options, config };
  }

  get rate(): Rate {
    return this.#state.rate;
  }

  /**
   * A frame came.
   * @param capturedAt when it was taken.
   * @param sequence its number; frames between this and the last one came while the model was busy. A lower one is that of
   *   another pipeline.
   * @returns whether the model should look at it.
   */
  frame(capturedAt: Millis, sequence: number = (this.#last?.sequence ?? 0) + 1): boolean {
    const last = this.#last;
    this.#last = { at: capturedAt, sequence };
    if (last && sequence > last.sequence) this.#keepPeriod(capturedAt - last.at, sequence - last.sequence);
    else this.#lookedAt = Number.NEGATIVE_INFINITY;
    if (sequence - this.#lookedAt < this.#state.rate.everyNth) return false;
    this.#lookedAt = sequence;
    return true;
  }

  /** The model looked. @param inferenceMs frame to boxes. @returns what changes from the next frame on. */
  looked(inferenceMs: number, mono: Millis): RateChange | undefined {
    const { config, variants } = this.#options;
    const framePeriodMs = this.#periods.toSorted((a, b) => a - b)[Math.floor(this.#periods.length / 2)];
    if (!config.adapt || framePeriodMs === undefined) return undefined;
    const { zones, throttled } = this.#board.at(mono);
    const heat = judgeHeat(zones, this.#options.thermal, throttled);
    const reading = { mono, heat, inferenceMs, framePeriodMs };
    const { state, change } = nextRate(this.#state, reading, { ...config, variants });
    this.#state = state;
    return change;
  }

  #keepPeriod(gap: number, frames: number): void {
    if (gap <= 0 || gap >= LONGEST_PERIOD) return;
    this.#periods.push(gap / frames);
    if (this.#periods.length > PERIODS) this.#periods.shift();
  }
}

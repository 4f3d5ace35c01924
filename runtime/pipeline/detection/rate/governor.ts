/** Applies the rate policy to one camera: reads the board now and then, and says of each frame whether the model looks. */

import type { DetectionConfig } from '../../../config/schema/zones.ts';
import type { Millis } from '../../../core/units.ts';
import { readThermalZones, readThrottled } from './board.ts';
import { type Heat, judgeHeat, type ZoneLimits } from './heat.ts';
import { nextRate, RATE_START, type Rate, type RateChange, type RateState } from './policy.ts';

export interface GovernorOptions {
  readonly config: DetectionConfig['rate'];
  /** Names of the model's variants, the best first; at least one. */
  readonly variants: readonly string[];
  /** Of the device profile. */
  readonly thermal: readonly ZoneLimits[];
  /** Of the file system that tells the board's heat. */
  readonly root?: string;
}

/** Boards warm slowly, and reading a sensor may wake it. */
const READ_EVERY = 2000;
/** Frames whose middle distance is the camera's period. */
const PERIODS = 15;
/** A gap beyond this is a camera that stood still, not its period. */
const LONGEST_PERIOD = 5000;

export class RateGovernor {
  #options: GovernorOptions;
  #state: RateState = RATE_START;
  #heat: Heat = { level: 'cool', reason: '' };
  #readAt = Number.NEGATIVE_INFINITY;
  #last: { readonly at: Millis; readonly sequence: number } | undefined;
  /** Number of the last frame that the model should look at. */
  #lookedAt = Number.NEGATIVE_INFINITY;
  readonly #periods: number[] = [];

  constructor(options: GovernorOptions) {
    this.#options = options;
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
    const reading = { mono, heat: this.#heatAt(mono), inferenceMs, framePeriodMs };
    const { state, change } = nextRate(this.#state, reading, { ...config, variants });
    this.#state = state;
    return change;
  }

  #keepPeriod(gap: number, frames: number): void {
    if (gap <= 0 || gap >= LONGEST_PERIOD) return;
    this.#periods.push(gap / frames);
    if (this.#periods.length > PERIODS) this.#periods.shift();
  }

  #heatAt(mono: Millis): Heat {
    if (mono - this.#readAt < READ_EVERY) return this.#heat;
    this.#readAt = mono;
    const { thermal, root } = this.#options;
    this.#heat = judgeHeat(readThermalZones(root), thermal, readThrottled(root));
    return this.#heat;
  }
}

/** Whether the model should look at a frame: a cheap decision on a small grid of brightness. Pure; time is an argument. */

import type { DetectionConfig } from '../../../config/schema/zones.ts';
import { InputError } from '../../../core/errors.ts';
import type { Millis } from '../../../core/units.ts';
import { Background, type LumaGrid } from './background.ts';
import { type Cells, cellsOf } from './cells.ts';

/** Larger grids cost what the gate is there to save. */
const MOST_CELLS = 65_536;
/** More than this cannot move at once: the light was switched, or the camera was moved. */
const NEW_SCENE = 0.5;

/** Why the model looks, or `still` when it need not. */
export type MotionReason = 'off' | 'first' | 'new-scene' | 'motion' | 'busy' | 'hold' | 'due' | 'still';

export interface MotionDecision {
  readonly look: boolean;
  readonly reason: MotionReason;
  /** Part of each zone that moves, 0 … 1. */
  readonly shares: Readonly<Record<string, number>>;
}

export class MotionGate {
  readonly #config: Pick<DetectionConfig, 'motion' | 'zones' | 'tripwires'>;
  #background: Background | undefined;
  #areas: readonly Cells[] = [];
  #movedAt = Number.NEGATIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(config: Pick<DetectionConfig, 'motion' | 'zones' | 'tripwires'>) {
    this.#config = config;
  }

  /**
   * @param busy something is tracked: `Scene.busy`. @throws InputError `bad-argument` for a grid whose size is not its data's.
   */
  step(grid: LumaGrid, mono: Millis, busy: boolean): MotionDecision {
    const { motion } = this.#config;
    if (!motion.enabled) return { look: true, reason: 'off', shares: {} };
    const before = this.#background;
    if (!before || before.width !== grid.width || before.height !== grid.height) {
      this.#restart(grid, mono);
      return this.#decide('first', {}, mono);
    }
    const moving = before.compare(grid, mono);
    const shares = Object.fromEntries(this.#areas.map(({ name, cells }) => [name, shareOf(moving, cells)]));
    if (moving.reduce((sum, one) => sum + one, 0) > NEW_SCENE * moving.length) {
      this.#restart(grid, mono);
      return this.#decide('new-scene', shares, mono);
    }
    const moved = Object.values(shares).some((share) => share >= motion.minShare);
    return this.#decide(moved ? 'motion' : this.#quiet(mono, busy), shares, mono);
  }

  #quiet(mono: Millis, busy: boolean): MotionReason {
    const { hold, lookEvery } = this.#config.motion;
    if (busy) return 'busy';
    if (mono - this.#movedAt < hold) return 'hold';
    return mono - this.#lookedAt >= lookEvery ? 'due' : 'still';
  }

  #decide(reason: MotionReason, shares: Readonly<Record<string, number>>, mono: Millis): MotionDecision {
    const look = reason !== 'still';
    if (look) this.#lookedAt = mono;
    if (reason === 'motion' || reason === 'new-scene' || reason === 'first') this.#movedAt = mono;
    return { look, reason, shares };
  }

  #restart(grid: LumaGrid, mono: Millis): void {
    const { width, height, data } = grid;
    if (!(width > 0 && height > 0) || width * height > MOST_CELLS || data.length !== width * height) {
      throw new InputError(
        'bad-argument',
        `brightness grid of ${width} × ${height} with ${data.length} bytes: expected one byte per cell and at most ${MOST_CELLS} cells`,
      );
    }
    this.#background = new Background(grid, this.#config.motion.threshold, mono);
    this.#areas = cellsOf(this.#config, width, height);
  }
}

function shareOf(moving: Uint8Array, cells: Uint32Array): number {
  let sum = 0;
  for (const index of cells) sum += moving[index]!;
  return sum / cells.length;
}

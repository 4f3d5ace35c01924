/** Starts and ends faults in simulated time, lets them act, and keeps the ground truth. */

import { InputError } from '../../runtime/core/errors.ts';
import { SENSORS } from '../plant/plant.ts';
import { calm, type Disturbance } from '../plant/state.ts';
import type { Random } from '../random.ts';
import {
  type Effect,
  FAULT_KINDS,
  type FaultKind,
  MODES,
  type Mode,
  modesNamed,
  targetIndex,
} from './catalogue.ts';
import type { FaultRequest } from './request.ts';

/** One line of the ground truth. */
export interface TruthEntry {
  readonly event: 'start' | 'end';
  /** 1, 2, 3 …: the start and the end of a fault share it. */
  readonly id: number;
  readonly kind: FaultKind;
  readonly mode: string;
  readonly tags: readonly string[];
  readonly parameters: Effect['parameters'];
  /** Simulated seconds since the plant started. */
  readonly elapsed: number;
}

interface Planned {
  readonly id: number;
  readonly mode: Mode;
  readonly target: number;
  readonly start: number;
  readonly duration: number;
}

interface Active extends Planned {
  readonly effect: Effect;
}

/** Rows of readings that an attacker may have recorded. */
const HISTORY_ROWS = 120;

export class FaultInjector {
  readonly #random: Random;
  readonly #probability: number;
  readonly #onTruth: (entry: TruthEntry) => void;
  readonly #planned: Planned[] = [];
  readonly #active: Active[] = [];
  readonly #history: Float64Array[] = [];
  #now = 0;
  #lastId = 0;

  /**
   * @param probability chance per minute of simulated time that a new fault starts while none is active, 0 to 1.
   * @param onTruth told of every start and end, in order.
   */
  constructor(random: Random, probability: number, onTruth: (entry: TruthEntry) => void) {
    this.#random = random;
    this.#probability = probability;
    this.#onTruth = onTruth;
  }

  /** Plans a fault; it starts with the first step at or after its time. @returns its id. @throws InputError. */
  inject({ what, target, after = 0, duration }: FaultRequest): number {
    if (duration !== undefined && !(duration > 0)) {
      throw new InputError('fault-invalid', 'a fault lasts longer than 0 s');
    }
    const mode = this.#random.pick(modesNamed(what));
    const index = targetIndex(mode, target, this.#random);
    return this.#plan(mode, index, this.#now + after, duration ?? mode.duration);
  }

  injectRandom(): number {
    const kind = this.#random.pick(FAULT_KINDS);
    const mode = this.#random.pick(MODES.filter((candidate) => candidate.kind === kind));
    const target = targetIndex(mode, undefined, this.#random);
    return this.#plan(mode, target, this.#now, mode.duration * this.#random.between(0.5, 1.5));
  }

  /** Ends what is active and forgets what is planned. */
  clear(): void {
    this.#planned.length = 0;
    for (const fault of this.#active.splice(0)) this.#tell('end', fault);
  }

  get active(): readonly { readonly id: number; readonly mode: string; readonly tags: readonly string[] }[] {
    return this.#active.map(({ id, mode, effect }) => ({ id, mode: mode.name, tags: effect.tags }));
  }

  /** Call before each step of the plant: what acts on it until `elapsed + dt` simulated seconds. */
  forces(elapsed: number, dt: number): Disturbance {
    this.#now = elapsed;
    this.#endDue();
    this.#drawRandom(dt);
    this.#startDue();
    const forces = calm();
    for (const { effect, start } of this.#active) effect.force?.(forces, elapsed - start);
    return forces;
  }

  /** Call after each step: changes the readings as the active faults do. */
  tamper(values: Float64Array): void {
    this.#remember(values);
    for (const { effect, start } of this.#active) effect.tamper?.(values, this.#now - start);
  }

  #plan(mode: Mode, target: number, start: number, duration: number): number {
    const id = ++this.#lastId;
    this.#planned.push({ id, mode, target, start, duration });
    return id;
  }

  #endDue(): void {
    for (let i = this.#active.length - 1; i >= 0; i--) {
      const fault = this.#active[i]!;
      if (this.#now < fault.start + fault.duration) continue;
      this.#active.splice(i, 1);
      this.#tell('end', fault);
    }
  }

  #drawRandom(dt: number): void {
    if (this.#active.length > 0 || this.#probability === 0) return;
    if (this.#random.next() < 1 - (1 - this.#probability) ** (dt / 60)) this.injectRandom();
  }

  #startDue(): void {
    const due = this.#planned.filter(({ start }) => start <= this.#now);
    for (const planned of due) {
      this.#planned.splice(this.#planned.indexOf(planned), 1);
      const { mode, target, duration, id } = planned;
      const random = this.#random.fork(`fault ${id}`);
      const history = this.#history.length > 0 ? this.#history.map((row) => row.slice()) : [MIDDLE];
      const effect = mode.begin(target, { random, duration, history });
      // A step may come a moment after the planned time: the fault counts from when it acts.
      const fault = { ...planned, start: this.#now, effect };
      this.#active.push(fault);
      this.#tell('start', fault);
    }
  }

  #tell(event: TruthEntry['event'], { id, mode, effect }: Active): void {
    const { tags, parameters } = effect;
    this.#onTruth({
      event,
      id,
      kind: mode.kind,
      mode: mode.name,
      tags,
      parameters,
      elapsed: this.#now,
    });
  }

  #remember(values: Float64Array): void {
    const row =
      this.#history.length < HISTORY_ROWS ? new Float64Array(values.length) : this.#history.shift()!;
    row.set(values);
    this.#history.push(row);
  }
}

/** What a sensor is taken to have shown when a fault begins with the very first step. */
const MIDDLE = Float64Array.from(SENSORS, ({ range }) => (range[0] + range[1]) / 2);

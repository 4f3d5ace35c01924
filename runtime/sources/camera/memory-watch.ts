/** Whether a process takes more memory than it may, or steadily more and more. Pure. */

import { type Bytes, bytes, type Millis, minutes, seconds } from '../../core/units.ts';

export interface MemoryLimits {
  readonly most: Bytes;
  readonly growthPerHour: Bytes;
}

export interface MemoryTrouble {
  readonly reason: 'memory-ceiling' | 'memory-leak';
  readonly detail: string;
}

/** Models, codecs and caches fill up at first. */
const WARM_UP = minutes(3);
/** The least of each such span counts: what a garbage collection or a picture takes for a moment is no growth. */
const SPAN = minutes(1);
const SPANS = 20;
const LEAST_SPANS = 10;
/** Several looks in a row above the ceiling: one may be a peak. */
const LOOKS = 3;
const HOUR = seconds(3600);
const MIB = 1024 ** 2;

export class MemoryWatch {
  readonly #limits: MemoryLimits;
  #startedAt: Millis;
  #above = 0;
  #spanEnds: Millis;
  #least = Number.POSITIVE_INFINITY;
  /** Least of each span, oldest first. */
  readonly #minima: number[] = [];

  /** @param now when the process started. */
  constructor(limits: MemoryLimits, now: Millis) {
    this.#limits = limits;
    this.#startedAt = now;
    this.#spanEnds = (now + WARM_UP + SPAN) as Millis;
  }

  /** Another model was loaded: growth is measured anew, or its size would pass for a leak. The ceiling stands. */
  settle(now: Millis): void {
    this.#startedAt = now;
    this.#spanEnds = (now + WARM_UP + SPAN) as Millis;
    this.#least = Number.POSITIVE_INFINITY;
    this.#minima.length = 0;
  }

  /** @param resident memory of the process, read about every second. */
  look(resident: Bytes, now: Millis): MemoryTrouble | undefined {
    const { most } = this.#limits;
    this.#above = resident > most ? this.#above + 1 : 0;
    if (this.#above >= LOOKS) {
      return { reason: 'memory-ceiling', detail: `takes ${mib(resident)}, at most ${mib(most)} are allowed` };
    }
    if (now < this.#startedAt + WARM_UP) return undefined;
    this.#least = Math.min(this.#least, resident);
    if (now < this.#spanEnds) return undefined;
    this.#minima.push(this.#least);
    if (this.#minima.length > SPANS) this.#minima.shift();
    this.#least = Number.POSITIVE_INFINITY;
    this.#spanEnds = (now + SPAN) as Millis;
    return this.#leak();
  }

  /** Bytes an hour, by least squares over the spans; undefined while there are too few. */
  slope(): Bytes | undefined {
    const count = this.#minima.length;
    if (count < LEAST_SPANS) return undefined;
    const middle = (count - 1) / 2;
    const mean = this.#minima.reduce((sum, value) => sum + value, 0) / count;
    let [over, under] = [0, 0];
    for (const [index, value] of this.#minima.entries()) {
      over += (index - middle) * (value - mean);
      under += (index - middle) ** 2;
    }
    return bytes((over / under) * (HOUR / SPAN));
  }

  #leak(): MemoryTrouble | undefined {
    const slope = this.slope();
    if (slope === undefined || slope <= this.#limits.growthPerHour) return undefined;
    const span = `${this.#minima.length} min`;
    const detail = `grows by ${mib(slope)} an hour over the last ${span}, at most ${mib(this.#limits.growthPerHour)} are allowed`;
    return { reason: 'memory-leak', detail };
  }
}

const mib = (value: number) => `${Math.round(value / MIB)} MiB`;

/** Air temperature and rain: what drives the plant from outside, with what people do all day. */

import type { Random } from '../random.ts';
import { approach, wander } from './dynamics.ts';
import type { PlantState } from './state.ts';

const HOUR = 3600;
const MEAN_HOURS_BETWEEN_RAIN = 60;

export class Weather {
  readonly #random: Random;
  #spell = 0;
  #rainFrom: number;
  #rainUntil = 0;
  #intensity = 0;

  /** @param startMs simulated time at which the first dry spell begins. */
  constructor(random: Random, startMs: number) {
    this.#random = random;
    this.#rainFrom = startMs + this.#drySpell();
  }

  step(state: PlantState, dt: number): void {
    this.#spell = wander(this.#spell, dt, 8 * HOUR, this.#random);
    const season = Math.cos((2 * Math.PI * (dayOfYear(state.time) - 200)) / 365);
    const day = Math.cos((2 * Math.PI * (hourOfDay(state.time) - 15)) / 24);
    const { weather } = state;
    weather.rain = this.#rainAt(state.time);
    const target = 12 + 9 * season + 5 * day + this.#spell - (weather.rain > 0 ? 3 : 0);
    weather.air = approach(weather.air, target, dt, HOUR / 2);
    weather.runoff = approach(weather.runoff, weather.rain, dt, 0.6 * HOUR);
  }

  #rainAt(time: number): number {
    if (time >= this.#rainFrom && this.#rainUntil < this.#rainFrom) {
      this.#intensity = this.#random.between(1, 5);
      this.#rainUntil = this.#rainFrom + this.#random.between(0.7, 5) * HOUR * 1000;
    }
    if (this.#rainUntil < this.#rainFrom || time < this.#rainFrom) return 0;
    if (time < this.#rainUntil) return this.#intensity;
    this.#rainFrom = this.#rainUntil + this.#drySpell();
    return 0;
  }

  #drySpell(): number {
    return -Math.log(1 - this.#random.next()) * MEAN_HOURS_BETWEEN_RAIN * HOUR * 1000;
  }
}

/** 0 to 24, UTC: the plant's local time. */
export function hourOfDay(time: number): number {
  return (time % 86_400_000) / 3_600_000;
}

export function isWeekend(time: number): boolean {
  const day = new Date(time).getUTCDay();
  return day === 0 || day === 6;
}

function dayOfYear(time: number): number {
  return (time / 86_400_000) % 365.25;
}

/** Faults of one sensor: what it shows parts from what is. */

import { SENSORS } from '../plant/plant.ts';
import type { Effect, Onset } from './catalogue.ts';

/** Share of the valid range by which a reading is off: far outside the noise, not always outside the range. */
const OFFSET_SHARE = 0.2;
const DRIFT_SHARE = 0.2;
const SPIKE_SHARE: readonly [number, number] = [0.15, 0.4];
const SPIKE_CHANCE = 0.3;
/** A 4-20 mA loop without current reads a quarter of its span below the bottom. */
const NO_CURRENT_SHARE = 0.25;

const rangeOf = (index: number) => {
  const { name, range } = SENSORS[index]!;
  return { name, low: range[0], high: range[1], span: range[1] - range[0] };
};

/** Up or down at random, but where there is room. */
function direction(index: number, { random, history }: Onset, amount: number): number {
  const { low, high } = rangeOf(index);
  const value = history.at(-1)![index]!;
  const sign = random.next() < 0.5 ? -1 : 1;
  const end = value + sign * amount;
  return end < low || end > high ? -sign : sign;
}

/** Goes on showing its last value. */
export function stuck(index: number, { history }: Onset): Effect {
  const value = history.at(-1)![index]!;
  return {
    tags: [rangeOf(index).name],
    parameters: { value },
    tamper: (values) => {
      values[index] = value;
    },
  };
}

export function dead(index: number): Effect {
  const { name, low, span } = rangeOf(index);
  const value = low - NO_CURRENT_SHARE * span;
  return {
    tags: [name],
    parameters: { value },
    tamper: (values) => {
      values[index] = value;
    },
  };
}

export function spiking(index: number, { random }: Onset): Effect {
  const { name, span } = rangeOf(index);
  const noise = random.fork(name);
  return {
    tags: [name],
    parameters: { chancePerStep: SPIKE_CHANCE, height: SPIKE_SHARE.map((share) => share * span) },
    tamper: (values, elapsed) => {
      // The first step always shows one, so that the fault begins when the truth says so.
      if (elapsed > 0 && noise.next() >= SPIKE_CHANCE) return;
      const height = noise.between(...SPIKE_SHARE) * span;
      values[index] = values[index]! + (noise.next() < 0.5 ? -height : height);
    },
  };
}

export function offset(index: number, onset: Onset): Effect {
  const { name, span } = rangeOf(index);
  const added = OFFSET_SHARE * span * direction(index, onset, OFFSET_SHARE * span);
  return {
    tags: [name],
    parameters: { added },
    tamper: (values) => {
      values[index] = values[index]! + added;
    },
  };
}

/** Leaves the truth steadily and is off by a fifth of the range at the end. */
export function drift(index: number, onset: Onset): Effect {
  const { name, span } = rangeOf(index);
  const perSecond = (DRIFT_SHARE * span * direction(index, onset, DRIFT_SHARE * span)) / onset.duration;
  return {
    tags: [name],
    parameters: { perSecond },
    tamper: (values, elapsed) => {
      values[index] = values[index]! + perSecond * elapsed;
    },
  };
}

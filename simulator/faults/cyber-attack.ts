/** Values forged between sensors and readers: each is plausible alone, together they contradict physics. */

import { clamp } from '../plant/dynamics.ts';
import { SENSORS } from '../plant/plant.ts';
import { isState, STAGES } from '../plant/sensor.ts';
import type { Random } from '../random.ts';
import type { Effect, Onset } from './catalogue.ts';

const FORGED_SENSORS = 4;
/** How far a forged value lies from the true one: the larger of these. */
const FORGED_NOISES = 12;
const FORGED_SHARE = 0.1;

/** The measured quantities of a stage, as indices of `SENSORS`. */
function measuredIn(stage: number): number[] {
  return SENSORS.flatMap((sensor, index) =>
    sensor.stage === STAGES[stage] && !isState(sensor) ? [index] : [],
  );
}

function draw(indices: readonly number[], count: number, random: Random): number[] {
  const rest = [...indices];
  const drawn: number[] = [];
  while (drawn.length < count && rest.length > 0) {
    drawn.push(...rest.splice(Math.floor(random.next() * rest.length), 1));
  }
  return drawn.sort((a, b) => a - b);
}

const names = (indices: readonly number[]) => indices.map((index) => SENSORS[index]!.name);

/** Readings of the past are played in a loop over the whole stage, and hide that an inlet pump was stopped. */
export function replayed(stage: number, { history }: Onset): Effect {
  const indices = measuredIn(stage);
  let at = 0;
  return {
    tags: names(indices),
    parameters: { rows: history.length, hides: 'pump-trip' },
    force: (forces) => {
      forces.inletPump1 = 0;
    },
    tamper: (values) => {
      const row = history[at++ % history.length]!;
      for (const index of indices) values[index] = row[index]!;
    },
  };
}

/** A few sensors of the stage stand still at a value of the attacker's choice. */
export function forgedConstant(stage: number, { random, history }: Onset): Effect {
  const indices = draw(measuredIn(stage), FORGED_SENSORS, random);
  const forged = indices.map((index) => forge(index, history.at(-1)![index]!, random.next() < 0.5 ? -1 : 1));
  return {
    tags: names(indices),
    parameters: { values: forged },
    tamper: (values) => {
      indices.forEach((index, i) => {
        values[index] = forged[i]!;
      });
    },
  };
}

/** A few sensors of the stage live on, but shifted against each other. */
export function forgedCombination(stage: number, { random, history }: Onset): Effect {
  const indices = draw(measuredIn(stage), FORGED_SENSORS, random);
  const last = history.at(-1)!;
  const shifts = indices.map((index, i) => forge(index, last[index]!, i % 2 === 0 ? 1 : -1) - last[index]!);
  return {
    tags: names(indices),
    parameters: { shifts },
    tamper: (values) => {
      indices.forEach((index, i) => {
        const { range } = SENSORS[index]!;
        values[index] = clamp(values[index]! + shifts[i]!, range[0], range[1]);
      });
    },
  };
}

function forge(index: number, value: number, sign: number): number {
  const { noise, range } = SENSORS[index]!;
  const distance = Math.max(FORGED_NOISES * noise, FORGED_SHARE * Math.abs(value));
  const forged = value + sign * distance;
  return forged < range[0] || forged > range[1] ? value - sign * distance : forged;
}

/** Every way in which the plant can be made to misbehave, and what each does to the physics or to the readings. */

import { InputError } from '../../runtime/core/errors.ts';
import { SENSORS, sensorIndex } from '../plant/plant.ts';
import { isState, STAGES, type Stage } from '../plant/sensor.ts';
import type { Disturbance } from '../plant/state.ts';
import type { Random } from '../random.ts';
import { forgedCombination, forgedConstant, replayed } from './cyber-attack.ts';
import { dead, drift, offset, spiking, stuck } from './sensor-failure.ts';

export const FAULT_KINDS = [
  'sensor-failure',
  'drift',
  'pollution-peak',
  'process-malfunction',
  'cyber-attack',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** What a fault does once it has begun. Times are simulated seconds since its start. */
export interface Effect {
  /** The tags in which it shows first. */
  readonly tags: readonly string[];
  readonly parameters: Readonly<Record<string, number | string | readonly number[]>>;
  /** Acts on the plant itself, before each step. */
  readonly force?: (forces: Disturbance, elapsed: number) => void;
  /** Acts on what the sensors show, after each step; `values` is indexed like `SENSORS`. */
  readonly tamper?: (values: Float64Array, elapsed: number) => void;
}

/** What a mode may know when a fault of it begins. */
export interface Onset {
  readonly random: Random;
  /** Simulated seconds. */
  readonly duration: number;
  /** Untampered readings of the recent past, oldest first; at least one row. */
  readonly history: readonly Float64Array[];
}

export interface Mode {
  readonly name: string;
  readonly kind: FaultKind;
  readonly target: 'sensor' | 'stage' | 'plant';
  /** Usual duration, simulated seconds. */
  readonly duration: number;
  /** @param target index of the sensor, or of the stage; 0 for the plant. */
  readonly begin: (target: number, onset: Onset) => Effect;
}

const RAMP_S = 20;

/** Rises and falls within `RAMP_S`, at most a third of the duration each. */
function trapezoid(elapsed: number, duration: number): number {
  const ramp = Math.min(RAMP_S, duration / 3);
  return Math.min(1, Math.max(0, elapsed / ramp), Math.max(0, (duration - elapsed) / ramp));
}

function peak(
  name: string,
  tags: readonly string[],
  height: number,
  apply: (forces: Disturbance, share: number) => void,
): Mode {
  return {
    name,
    kind: 'pollution-peak',
    target: 'plant',
    duration: 900,
    begin: (_target, { duration }) => ({
      tags,
      parameters: { height },
      force: (forces, elapsed) => apply(forces, height * trapezoid(elapsed, duration)),
    }),
  };
}

function malfunction(
  name: string,
  tags: readonly string[],
  apply: (forces: Disturbance) => void,
  parameters: Effect['parameters'] = {},
): Mode {
  return {
    name,
    kind: 'process-malfunction',
    target: 'plant',
    duration: 600,
    begin: () => ({ tags, parameters, force: apply }),
  };
}

const OXYGEN = [1, 2, 3, 4, 5, 6].map((i) => `bio-do-${i}`);
const AIR = ['bio-air-1', 'bio-air-2', 'bio-air-3', 'bio-air-pressure'];

const sensorMode = (
  name: string,
  duration: number,
  begin: Mode['begin'],
  kind: FaultKind = 'sensor-failure',
) => ({
  name,
  kind,
  target: 'sensor' as const,
  duration,
  begin,
});
const attack = (name: string, begin: Mode['begin']): Mode => ({
  name,
  kind: 'cyber-attack',
  target: 'stage',
  duration: 300,
  begin,
});

export const MODES: readonly Mode[] = [
  sensorMode('stuck', 180, stuck),
  sensorMode('dead', 120, dead),
  sensorMode('spiking', 120, spiking),
  sensorMode('offset', 180, offset),
  sensorMode('drift', 300, drift, 'drift'),
  peak(
    'organic-peak',
    ['pre-cod', 'pre-tss', 'pre-turb', 'pri-cod', 'pri-bod5', ...OXYGEN],
    1.5,
    (forces, share) => {
      forces.organicLoad += share;
    },
  ),
  peak('ammonia-peak', ['pre-nh4', 'pri-tn', 'bio-nh4-1', 'bio-nh4-2'], 1.5, (forces, share) => {
    forces.ammoniaLoad += share;
  }),
  peak('metal-peak', ['pre-cr', 'pre-cu'], 8, (forces, share) => {
    forces.metalLoad += share;
  }),
  peak('acid-peak', ['pre-ph', 'pre-cond', 'pri-ph', 'pri-cond'], 1, (forces, share) => {
    forces.addedPh -= 1.8 * share;
    forces.addedConductivity += 900 * share;
  }),
  malfunction('blower-failure', ['bio-blower-1', 'bio-blower-1-power', ...AIR, ...OXYGEN], (forces) => {
    forces.blower1 = 0;
  }),
  malfunction(
    'pump-trip',
    ['pre-pump-1', 'pre-flow', 'pre-power', 'pre-level', 'pri-flow-1', 'pri-flow-2'],
    (forces) => {
      forces.inletPump1 = 0;
    },
  ),
  malfunction(
    'return-pump-failure',
    ['sec-ras-pump', 'sec-ras-flow', 'bio-ras-flow', 'sec-blanket-1', 'sec-blanket-2'],
    (forces) => {
      forces.returnPump = 0;
    },
  ),
  malfunction(
    'clogged-filter',
    ['ter-filter-dp-1', 'ter-filter-dp-2', 'ter-flow', 'ter-level'],
    (forces) => {
      forces.filterClogging = 0.8;
    },
    { clogging: 0.8 },
  ),
  malfunction('dosing-failure', ['dis-dose', 'dis-cl2', 'dis-redox'], (forces) => {
    forces.chlorineDosing = 0;
  }),
  malfunction(
    'lamp-failure',
    ['dis-uv'],
    (forces) => {
      forces.uvLamps = 0.4;
    },
    { lamps: 0.4 },
  ),
  attack('replayed-values', replayed),
  attack('forged-constant', forgedConstant),
  attack('forged-combination', forgedCombination),
];

/** What may be asked for by name: a kind (one of its modes is drawn) or a mode. */
export function modesNamed(what: string): readonly Mode[] {
  const modes = MODES.filter(({ name, kind }) => name === what || kind === what);
  if (modes.length > 0) return modes;
  const known = [...new Set([...FAULT_KINDS, ...MODES.map(({ name }) => name)])].join(', ');
  throw new InputError('fault-unknown', `no fault '${what}'; there are: ${known}`);
}

/** Sensor or stage index of a target; drawn at random when it is not given. @throws InputError `fault-target`. */
export function targetIndex(mode: Mode, target: string | undefined, random: Random): number {
  if (mode.target === 'plant') {
    if (target === undefined) return 0;
    throw new InputError(
      'fault-target',
      `'${mode.name}' acts on the plant as a whole; leave out '${target}'`,
    );
  }
  if (mode.target === 'stage') return stageIndex(mode, target, random);
  if (target === undefined) {
    const analogue = SENSORS.filter((sensor) => !isState(sensor));
    return SENSORS.indexOf(random.pick(analogue));
  }
  const index = sensorIndex(target);
  if (index < 0) throw new InputError('fault-target', `no sensor '${target}'; ${similarNames(target)}`);
  if (isState(SENSORS[index]!) && mode.name !== 'stuck') {
    const problem = `'${target}' is on or off; '${mode.name}' needs a measured quantity`;
    throw new InputError('fault-target', problem);
  }
  return index;
}

function stageIndex(mode: Mode, target: string | undefined, random: Random): number {
  if (target === undefined) return Math.floor(random.next() * STAGES.length);
  const index = STAGES.indexOf(target as Stage);
  if (index >= 0) return index;
  throw new InputError('fault-target', `'${mode.name}' takes a stage: ${STAGES.join(', ')}`);
}

function similarNames(name: string): string {
  const prefix = name.split('-')[0];
  const similar = SENSORS.filter((sensor) => sensor.name.startsWith(`${prefix}-`));
  const names = (similar.length > 0 ? similar : SENSORS).map((sensor) => sensor.name);
  return `there are: ${names.slice(0, 40).join(', ')}${names.length > 40 ? ' …' : ''}`;
}

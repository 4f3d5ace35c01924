/** Wet well, screens and inlet pumps: the flow that everything downstream sees starts here. */

import { approach, clamp } from '../dynamics.ts';
import * as s from '../sensor.ts';
import type { Disturbance, PlantState, Water } from '../state.ts';

const MINUTE = 60;
const WELL_AREA_M2 = 120;
const WELL_OVERFLOW_M = 5.2;
const PUMP_CAPACITY = 1100;
/** What the level controller pumps at the level it aims for, and how much more per metre above it. */
const PUMPED_AT_AIM = 1500;
const PUMPED_PER_METRE = 1500;
const AIM_M = 2.8;

const CARRIED = [
  'temperature',
  'ph',
  'conductivity',
  'suspendedSolids',
  'cod',
  'totalNitrogen',
  'ammonia',
  'phosphorus',
  'chromium',
  'copper',
] as const satisfies (keyof Water)[];

/** Mixing in a basin of mean residence `tau` seconds. */
export function mix(into: Water, from: Water, dt: number, tau: number): void {
  for (const key of CARRIED) into[key] = approach(into[key], from[key], dt, tau);
}

export function stepPretreatment(state: PlantState, dt: number, forces: Disturbance): void {
  const { pretreatment: well, influent } = state;
  mix(well, influent, dt, 3 * MINUTE);
  // The second pump helps above the lower threshold and rests again below it: hysteresis spares its motor.
  if (influent.flow > 1250 || well.level > 3.2) well.pump2 = 1;
  else if (influent.flow < 1050) well.pump2 = 0;
  well.pump1 = forces.inletPump1;
  const wanted = Math.max(0, PUMPED_AT_AIM + PUMPED_PER_METRE * (well.level - AIM_M));
  const able = PUMP_CAPACITY * (well.pump1 + well.pump2);
  well.flow = approach(well.flow, Math.min(wanted, able), dt, 8);
  const rise = (influent.flow - well.flow) / WELL_AREA_M2 / 3600;
  well.level = clamp(well.level + rise * dt, 0.3, WELL_OVERFLOW_M);
  well.screenLoss = 0.012 * (well.flow / 1500) ** 2;
  well.power = 4 + 0.042 * well.flow * (1 + 0.05 * (AIM_M - well.level));
}

const loaded = (state: PlantState) => 1 + 0.012 * state.wobble.load;
const moved = (state: PlantState) => 1 + 0.008 * state.wobble.hydraulic;

export const pretreatmentSensors: readonly s.SensorReading[] = [
  s.flow('pre-flow', (p) => p.pretreatment.flow * moved(p)),
  s.level('pre-level', (p) => p.pretreatment.level - 0.006 * p.wobble.hydraulic),
  s.ph('pre-ph', (p) => p.influent.ph),
  s.temperature('pre-temp', (p) => p.influent.temperature),
  s.conductivity('pre-cond', (p) => p.influent.conductivity * (1 + 0.004 * p.wobble.load)),
  s.turbidity(
    'pre-turb',
    (p) => 0.62 * p.influent.suspendedSolids * loaded(p) * (1 + 0.012 * p.wobble.solids),
  ),
  s.suspendedSolids('pre-tss', (p) => p.influent.suspendedSolids * loaded(p) * (1 + 0.012 * p.wobble.solids)),
  s.cod('pre-cod', (p) => p.influent.cod * loaded(p)),
  s.ammonia('pre-nh4', (p) => p.influent.ammonia * loaded(p)),
  s.heavyMetal('pre-cr', (p) => p.influent.chromium),
  s.heavyMetal('pre-cu', (p) => p.influent.copper * loaded(p)),
  s.pressure('pre-screen-dp', (p) => p.pretreatment.screenLoss * moved(p) ** 2, {
    range: [0, 0.2],
    noise: 0.0003,
  }),
  s.pumpState('pre-pump-1', (p) => (p.pretreatment.pump1 > 0 ? 1 : 0)),
  s.pumpState('pre-pump-2', (p) => p.pretreatment.pump2),
  s.power('pre-power', (p) => p.pretreatment.power * moved(p)),
];

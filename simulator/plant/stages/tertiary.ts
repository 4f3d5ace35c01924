/** Coagulant and sand filters, washed every night: what the clarifiers let through stays here. */

import { approach } from '../dynamics.ts';
import * as s from '../sensor.ts';
import type { Disturbance, PlantState } from '../state.ts';
import { hourOfDay } from '../weather.ts';

const MINUTE = 60;
const HOUR = 3600;
/** Hours of the day at which the filters are washed, ten minutes each. */
const WASH_HOURS = [3, 3.5] as const;

export function stepTertiary(state: PlantState, dt: number, forces: Disturbance): void {
  const { tertiary, secondary } = state;
  tertiary.load1 = loadOf(tertiary.load1, WASH_HOURS[0], state, dt);
  tertiary.load2 = loadOf(tertiary.load2, WASH_HOURS[1], state, dt);
  const kept = 0.72 * (1 - 0.5 * forces.filterClogging);
  const solids = secondary.suspendedSolids * (1 - kept);
  tertiary.suspendedSolids = approach(tertiary.suspendedSolids, solids, dt, 8 * MINUTE);
  tertiary.phosphate = approach(tertiary.phosphate, 0.42 * secondary.phosphate, dt, 8 * MINUTE);
  const level = 2.1 + 0.12 * (state.pretreatment.flow / 1500) + 0.9 * forces.filterClogging;
  tertiary.level = approach(tertiary.level, level, dt, 6 * MINUTE);
  tertiary.clogging = approach(tertiary.clogging, forces.filterClogging, dt, 45);
}

/** 0 after a wash, about 1 a day later at the usual solids. */
function loadOf(load: number, washHour: number, state: PlantState, dt: number): number {
  const since = hourOfDay(state.time) - washHour;
  if (since >= 0 && since < 1 / 6) return approach(load, 0, dt, 2 * MINUTE);
  const solids = (state.pretreatment.flow * state.secondary.suspendedSolids) / (1500 * 8);
  return load + (solids * dt) / (24 * HOUR);
}

const moved = (state: PlantState) => 1 + 0.008 * state.wobble.hydraulic;
const stirred = (state: PlantState) => 1 + 0.015 * state.wobble.solids;
const loss = (state: PlantState, load: number, clogging: number) =>
  0.22 * ((state.pretreatment.flow * moved(state)) / 1500) * (1 + 0.5 * load + 2.2 * clogging);

export const tertiarySensors: readonly s.SensorReading[] = [
  s.flow('ter-flow', (p) => 0.98 * p.pretreatment.flow * (1 - 0.25 * p.tertiary.clogging) * moved(p)),
  s.turbidity('ter-turb-in', (p) => 0.55 * p.secondary.suspendedSolids * stirred(p), {
    range: [0, 100],
    noise: 0.05,
  }),
  s.turbidity('ter-turb-out', (p) => 0.5 * p.tertiary.suspendedSolids * stirred(p), {
    range: [0, 50],
    noise: 0.02,
  }),
  s.suspendedSolids('ter-tss', (p) => p.tertiary.suspendedSolids * stirred(p), {
    range: [0, 100],
    noise: 0.04,
  }),
  s.pressure('ter-filter-dp-1', (p) => loss(p, p.tertiary.load1, p.tertiary.clogging)),
  s.pressure('ter-filter-dp-2', (p) => loss(p, p.tertiary.load2, 0.3 * p.tertiary.clogging)),
  s.level('ter-level', (p) => p.tertiary.level + 0.003 * p.wobble.hydraulic, { noise: 0.003 }),
  s.phosphorus(
    'ter-tp',
    (p) => p.tertiary.phosphate + 0.02 * p.tertiary.suspendedSolids * stirred(p) + 0.05,
    {
      range: [0, 10],
      noise: 0.008,
    },
  ),
  s.phosphate('ter-po4', (p) => p.tertiary.phosphate, { range: [0, 10], noise: 0.006 }),
  s.dosing('ter-coag-dose', (p) => 0.016 * p.pretreatment.flow * moved(p)),
  s.power('ter-power', (p) => 5 + 0.016 * p.pretreatment.flow * moved(p) * (1 + 0.3 * p.tertiary.clogging), {
    range: [0, 150],
    noise: 0.15,
  }),
  s.pumpState('ter-pump', () => 1),
];

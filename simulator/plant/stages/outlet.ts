/** What leaves for the river, and what the whole plant uses. */

import { approach } from '../dynamics.ts';
import * as s from '../sensor.ts';
import type { PlantState } from '../state.ts';
import { hourOfDay } from '../weather.ts';

const MINUTE = 60;

export function stepOutlet(state: PlantState, dt: number): void {
  const { outlet, secondary, tertiary, primary, biology } = state;
  const settle = (key: keyof typeof outlet, target: number, tau = 12 * MINUTE) => {
    outlet[key] = approach(outlet[key], target, dt, tau);
  };
  settle('flow', 0.98 * state.pretreatment.flow * (1 - 0.25 * tertiary.clogging), 40);
  settle('suspendedSolids', tertiary.suspendedSolids);
  settle('cod', 4 + 0.62 * secondary.cod + 0.9 * tertiary.suspendedSolids);
  settle('ammonia', 0.97 * secondary.ammonia);
  settle('nitrate', secondary.nitrate);
  settle('totalNitrogen', secondary.ammonia + secondary.nitrate + secondary.nitrite + 1);
  settle('phosphorus', tertiary.phosphate + 0.02 * tertiary.suspendedSolids + 0.05);
  settle('ph', secondary.ph + 0.1);
  settle('conductivity', 0.93 * primary.conductivity, 90 * MINUTE);
  settle('temperature', biology.temperature - 0.3);
}

const moved = (state: PlantState) => 1 + 0.008 * state.wobble.hydraulic;
const stirred = (state: PlantState) => 1 + 0.012 * state.wobble.solids;
const outflow = (state: PlantState) => state.outlet.flow * moved(state);
const totalPower = (state: PlantState) =>
  48 +
  state.pretreatment.power * moved(state) +
  (12 + 0.0175 * state.biology.airFlow * (1 + 0.01 * state.wobble.air)) +
  0.016 * state.pretreatment.flow +
  0.012 * state.biology.returnFlow +
  0.35 * state.sludge.feedFlow +
  22 * state.disinfection.lamps;

/** 1 dry weather, 2 rain, 3 night. */
function mode(state: PlantState): number {
  if (state.weather.runoff > 0.3) return 2;
  const hour = hourOfDay(state.time);
  return hour < 5 || hour >= 23 ? 3 : 1;
}

export const outletSensors: readonly s.SensorReading[] = [
  s.flow('out-flow', outflow),
  s.ph('out-ph', (p) => p.outlet.ph),
  s.temperature('out-temp', (p) => p.outlet.temperature),
  s.conductivity('out-cond', (p) => p.outlet.conductivity),
  s.turbidity('out-turb', (p) => 0.5 * p.outlet.suspendedSolids * stirred(p), {
    range: [0, 50],
    noise: 0.02,
  }),
  s.suspendedSolids('out-tss', (p) => p.outlet.suspendedSolids * stirred(p), {
    range: [0, 100],
    noise: 0.04,
  }),
  s.cod('out-cod', (p) => p.outlet.cod * (1 + 0.006 * p.wobble.load), { range: [0, 300], noise: 0.4 }),
  s.totalNitrogen('out-tn', (p) => p.outlet.totalNitrogen, { range: [0, 80], noise: 0.2 }),
  s.phosphorus('out-tp', (p) => p.outlet.phosphorus, { range: [0, 10], noise: 0.008 }),
  s.ammonia('out-nh4', (p) => p.outlet.ammonia, { range: [0, 60], noise: 0.06 }),
  s.power('out-power', totalPower, { range: [0, 1500], noise: 1 }),
  s.energy('out-energy', (p) => totalPower(p) / Math.max(100, outflow(p))),
  s.controlMode('out-mode', mode),
];

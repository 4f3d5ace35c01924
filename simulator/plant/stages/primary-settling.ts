/** Two settling tanks: half of the solids and a third of the organic load stay behind as sludge. */

import { approach, clamp } from '../dynamics.ts';
import * as s from '../sensor.ts';
import type { PlantState } from '../state.ts';

const MINUTE = 60;

export function stepPrimary(state: PlantState, dt: number): void {
  const { primary, pretreatment: from } = state;
  // A faster flow carries more solids over the weir.
  const settled = clamp(0.56 - 0.12 * (from.flow / 1500 - 1), 0.2, 0.7);
  const settle = (key: keyof typeof primary & keyof typeof from, kept: number) => {
    primary[key] = approach(primary[key], from[key] * kept, dt, 20 * MINUTE);
  };
  settle('suspendedSolids', 1 - settled);
  settle('cod', 1 - 0.58 * settled);
  settle('totalNitrogen', 1 - 0.18 * settled);
  settle('phosphorus', 1 - 0.2 * settled);
  settle('ammonia', 1);
  settle('ph', 0.993);
  settle('conductivity', 1);
  settle('temperature', 1);
  settle('chromium', 0.7);
  settle('copper', 0.65);
  const solidsIn = (from.flow * from.suspendedSolids * settled) / 1e6;
  primary.sludgeFlow = approach(primary.sludgeFlow, 62 * solidsIn, dt, 30 * MINUTE);
  primary.blanket = approach(primary.blanket, 0.35 + 1.3 * solidsIn, dt, 45 * MINUTE);
}

const moved = (state: PlantState) => 1 + 0.008 * state.wobble.hydraulic;
const loaded = (state: PlantState) => 1 + 0.008 * state.wobble.load;
const stirred = (state: PlantState) => loaded(state) * (1 + 0.012 * state.wobble.solids);
/** Head over the weir grows with the flow to the power of 2/3. */
const weir = (state: PlantState) => 3.2 + 0.11 * ((state.pretreatment.flow * moved(state)) / 1500) ** (2 / 3);

export const primarySensors: readonly s.SensorReading[] = [
  s.flow('pri-flow-1', (p) => 0.52 * p.pretreatment.flow * moved(p), { range: [0, 2500], noise: 5 }),
  s.flow('pri-flow-2', (p) => 0.48 * p.pretreatment.flow * moved(p), { range: [0, 2500], noise: 5 }),
  s.ph('pri-ph', (p) => p.primary.ph),
  s.temperature('pri-temp', (p) => p.primary.temperature),
  s.conductivity('pri-cond', (p) => p.primary.conductivity * (1 + 0.003 * p.wobble.load)),
  s.redox('pri-redox', (p) => -60 - 0.12 * p.primary.cod * loaded(p)),
  s.turbidity('pri-turb', (p) => 0.68 * p.primary.suspendedSolids * stirred(p), {
    range: [0, 600],
    noise: 0.8,
  }),
  s.suspendedSolids('pri-tss', (p) => p.primary.suspendedSolids * stirred(p), {
    range: [0, 800],
    noise: 1.5,
  }),
  s.cod('pri-cod', (p) => p.primary.cod * loaded(p), { range: [0, 1500], noise: 4 }),
  s.bod5('pri-bod5', (p) => 0.52 * p.primary.cod * loaded(p)),
  s.totalNitrogen('pri-tn', (p) => p.primary.totalNitrogen * loaded(p)),
  s.phosphorus('pri-tp', (p) => p.primary.phosphorus * loaded(p)),
  s.level('pri-level-1', (p) => weir(p), { noise: 0.002 }),
  s.level('pri-level-2', (p) => weir(p) - 0.015, { noise: 0.002 }),
  s.level('pri-blanket', (p) => p.primary.blanket + 0.004 * p.wobble.solids, { range: [0, 3], noise: 0.01 }),
  s.flow('pri-sludge-flow', (p) => p.primary.sludgeFlow * (1 + 0.01 * p.wobble.solids), {
    range: [0, 80],
    noise: 0.12,
  }),
  s.torque('pri-scraper-torque', (p) => 18 + 14 * p.primary.blanket + 0.4 * p.wobble.solids),
  s.pumpState('pri-sludge-pump', () => 1),
];

/**
 * Activated sludge with pre-denitrification: air against oxygen demand, ammonia to nitrate, nitrate to gas, and the
 * alkalinity that the first eats and the second half gives back.
 */

import { approach, clamp, monod, warmth } from '../dynamics.ts';
import * as s from '../sensor.ts';
import type { Disturbance, PlantState } from '../state.ts';

const MINUTE = 60;
const HOUR = 3600;
/** Of one of the two blowers, m3/h. */
const BLOWER_CAPACITY = 7800;
/** kg COD per hour at which the plant was designed. */
const DESIGN_LOAD = 520;

export function stepBiology(state: PlantState, dt: number, forces: Disturbance): void {
  const { biology, primary, pretreatment } = state;
  const { flow } = pretreatment;
  biology.temperature = approach(biology.temperature, primary.temperature, dt, 90 * MINUTE);
  biology.returnFlow = approach(biology.returnFlow, 0.75 * flow * forces.returnPump, dt, 30);
  const sludge = 3.4 * (1 - 0.06 * (flow / 1500 - 1)) * (0.35 + 0.65 * forces.returnPump);
  biology.mixedLiquor = approach(biology.mixedLiquor, sludge, dt, 80 * MINUTE);
  stepOxygen(state, dt, forces);
  stepNitrogen(state, dt);
  const eaten = 0.9 * monod(biology.oxygen, 0.15) * (0.6 + 0.4 * (biology.mixedLiquor / 3.4));
  biology.cod = approach(biology.cod, 10 + primary.cod * (1 - eaten), dt, 60 * MINUTE);
  const uptake = 0.86 * monod(biology.oxygen, 0.2);
  biology.phosphate = approach(biology.phosphate, 0.85 * primary.phosphorus * (1 - uptake), dt, 60 * MINUTE);
}

/** Oxygen balance: transfer from the air against what bacteria breathe. The controller has droop, as most have. */
function stepOxygen(state: PlantState, dt: number, forces: Disturbance): void {
  const { biology, primary, pretreatment } = state;
  const wanted = clamp(9000 + 6500 * (2.2 - biology.oxygen), 3500, 14_500);
  biology.blower1 = forces.blower1;
  const able = BLOWER_CAPACITY * (biology.blower1 + 1);
  biology.airFlow = approach(biology.airFlow, Math.min(wanted, able), dt, 20);
  const celsius = biology.temperature;
  const saturation = 0.95 * (14.6 - 0.394 * celsius + 0.0077 * celsius ** 2 - 0.0000646 * celsius ** 3);
  const transfer = 7.2 * (biology.airFlow / 9000) ** 0.9;
  const load = (pretreatment.flow * primary.cod) / 1000 / DESIGN_LOAD;
  const nitrogen = (pretreatment.flow * primary.ammonia) / 50_000;
  const demand = (34 * load + 14 * nitrogen) * warmth(celsius, 1.035) * 1.1;
  // Implicit step: stable at any dt, and oxygen cannot fall below zero as breathing stops with it.
  const breathing = demand / (0.25 + biology.oxygen);
  const dtHours = dt / HOUR;
  const next = (biology.oxygen + dtHours * transfer * saturation) / (1 + dtHours * (transfer + breathing));
  biology.oxygen = next;
}

function stepNitrogen(state: PlantState, dt: number): void {
  const { biology, primary } = state;
  const acidity = clamp(1 - 0.45 * Math.max(0, 6.9 - biology.ph), 0.1, 1);
  const speed = 1.13 * monod(biology.oxygen, 0.4) * warmth(biology.temperature, 1.04) ** 0.6 * acidity;
  const nitrified = primary.ammonia * clamp(speed * (0.4 + 0.6 * (biology.mixedLiquor / 3.4)), 0, 0.985);
  const food = clamp(primary.cod / (9 * primary.ammonia), 0.4, 1.1);
  const denitrified = nitrified * 0.62 * food * monod(biology.recirculation, 500);
  const settle = (key: 'ammonia' | 'nitrate' | 'nitrite' | 'alkalinity' | 'ph', target: number) => {
    biology[key] = approach(biology[key], target, dt, 50 * MINUTE);
  };
  settle('ammonia', primary.ammonia - nitrified);
  settle('nitrate', nitrified - denitrified);
  settle('nitrite', 0.12 + 0.55 * (1 - monod(biology.oxygen, 0.6)));
  // 7.14 mg of alkalinity per mg of nitrogen nitrified, half of it back where it is denitrified.
  settle('alkalinity', clamp(330 - 7.14 * nitrified + 3.57 * denitrified, 30, 500));
  settle('ph', 0.4 * primary.ph + 4.1 + 0.9 * Math.log10(biology.alkalinity / 150));
}

const moved = (state: PlantState) => 1 + 0.008 * state.wobble.hydraulic;
const aired = (state: PlantState) => 1 + 0.01 * state.wobble.air;
/** Fast swings of the load and of the air both reach the oxygen. */
const oxygen = (share: number) => (p: PlantState) =>
  share * p.biology.oxygen * (1 + 0.015 * p.wobble.air - 0.012 * p.wobble.load);
const fed = (state: PlantState) => 1 + 0.008 * state.wobble.load;
const solids = (share: number) => (p: PlantState) =>
  share * p.biology.mixedLiquor * (1 + 0.004 * p.wobble.solids);
const ofBlower1 = (state: PlantState) => state.biology.blower1 / (1 + state.biology.blower1);
const blowerPower = (state: PlantState, share: number) =>
  share * (6 + 0.0175 * state.biology.airFlow * aired(state));

export const biologicalSensors: readonly s.SensorReading[] = [
  s.flow('bio-flow', (p) => p.pretreatment.flow * moved(p)),
  s.flow('bio-ras-flow', (p) => p.biology.returnFlow * moved(p), { range: [0, 3000], noise: 6 }),
  s.flow('bio-recirc-flow', (p) => p.biology.recirculation * (1 + 0.003 * p.wobble.hydraulic), {
    range: [0, 9000],
    noise: 20,
  }),
  ...[1.06, 1.0, 0.94, 1.08, 1.02, 0.92].map((share, i) =>
    s.dissolvedOxygen(`bio-do-${i + 1}`, oxygen(share)),
  ),
  s.ph('bio-ph-1', (p) => p.biology.ph + 0.12),
  s.ph('bio-ph-2', (p) => p.biology.ph + 0.03),
  s.ph('bio-ph-3', (p) => p.biology.ph),
  s.redox('bio-redox-1', (p) => -150 + 7 * p.biology.nitrate - 2 * p.wobble.load),
  s.redox('bio-redox-2', (p) => 130 + 120 * Math.log10(0.2 + oxygen(1)(p))),
  s.temperature('bio-temp-1', (p) => p.biology.temperature),
  s.temperature('bio-temp-2', (p) => p.biology.temperature + 0.3),
  s.ammonia('bio-nh4-1', (p) => (0.35 * p.primary.ammonia + 0.65 * p.biology.ammonia) * fed(p), {
    noise: 0.15,
  }),
  s.ammonia('bio-nh4-2', (p) => p.biology.ammonia * fed(p), { range: [0, 60], noise: 0.06 }),
  s.nitrate('bio-no3-1', (p) => 0.3 * p.biology.nitrate * (2 - fed(p)), { noise: 0.05 }),
  s.nitrate('bio-no3-2', (p) => p.biology.nitrate * (2 - fed(p))),
  s.nitrite('bio-no2', (p) => p.biology.nitrite * fed(p)),
  s.sludgeSolids('bio-mlss-1', solids(1.02), { range: [0, 12], noise: 0.03 }),
  s.sludgeSolids('bio-mlss-2', solids(1), { range: [0, 12], noise: 0.03 }),
  s.sludgeSolids('bio-mlss-3', solids(0.97), { range: [0, 12], noise: 0.03 }),
  s.alkalinity('bio-alk', (p) => p.biology.alkalinity),
  s.phosphate('bio-po4', (p) => p.biology.phosphate * fed(p)),
  ...[0.4, 0.35, 0.25].map((share, i) =>
    s.airFlow(`bio-air-${i + 1}`, (p) => share * p.biology.airFlow * aired(p)),
  ),
  s.pressure('bio-air-pressure', (p) => 0.55 + 0.06 * ((p.biology.airFlow * aired(p)) / 9000) ** 2),
  s.power('bio-blower-1-power', (p) => blowerPower(p, ofBlower1(p)), { range: [0, 400], noise: 0.4 }),
  s.power('bio-blower-2-power', (p) => blowerPower(p, 1 - ofBlower1(p)), { range: [0, 400], noise: 0.4 }),
  s.blowerState('bio-blower-1', (p) => (p.biology.blower1 > 0 ? 1 : 0)),
  s.blowerState('bio-blower-2', () => 1),
  s.level('bio-level', (p) => 4.6 + 0.05 * ((p.pretreatment.flow * moved(p)) / 1500) ** (2 / 3), {
    noise: 0.002,
  }),
];

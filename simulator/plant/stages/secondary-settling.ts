/** Clarifiers: sludge sinks and returns, clear water leaves; too much flow or too little return lets sludge rise. */

import { approach } from '../dynamics.ts';
import * as s from '../sensor.ts';
import type { Disturbance, PlantState } from '../state.ts';

const MINUTE = 60;

export function stepSecondary(state: PlantState, dt: number, forces: Disturbance): void {
  const { secondary, biology, pretreatment } = state;
  const rate = pretreatment.flow / 1500;
  const follow = (key: 'ammonia' | 'nitrate' | 'nitrite' | 'phosphate' | 'ph' | 'cod') => {
    secondary[key] = approach(secondary[key], biology[key], dt, 40 * MINUTE);
  };
  follow('ammonia');
  follow('nitrate');
  follow('nitrite');
  follow('phosphate');
  follow('ph');
  follow('cod');
  secondary.returnSolids = approach(
    secondary.returnSolids,
    biology.mixedLiquor * (1 + pretreatment.flow / Math.max(300, biology.returnFlow)),
    dt,
    30 * MINUTE,
  );
  const blanket = 0.55 + 0.35 * rate * (biology.mixedLiquor / 3.4) + 1.9 * (1 - forces.returnPump);
  secondary.blanket = approach(secondary.blanket, blanket, dt, 25 * MINUTE);
  const carried = 7.5 * rate ** 1.5 * (1 + 1.5 * Math.max(0, secondary.blanket - 1.3));
  secondary.suspendedSolids = approach(secondary.suspendedSolids, carried, dt, 30 * MINUTE);
  secondary.wasteFlow = approach(secondary.wasteFlow, 7.5 * biology.mixedLiquor, dt, 20 * MINUTE);
}

const moved = (state: PlantState) => 1 + 0.008 * state.wobble.hydraulic;
const stirred = (state: PlantState) => 1 + 0.02 * state.wobble.solids;
const fed = (state: PlantState) => 1 + 0.005 * state.wobble.load;
const nitrogen = ({ secondary }: PlantState) =>
  secondary.ammonia + secondary.nitrate + secondary.nitrite + 1.1 + 0.06 * secondary.suspendedSolids;

export const secondarySensors: readonly s.SensorReading[] = [
  s.flow('sec-flow', (p) => 0.985 * p.pretreatment.flow * moved(p)),
  s.ph('sec-ph', (p) => p.secondary.ph),
  s.temperature('sec-temp', (p) => p.biology.temperature - 0.1),
  s.turbidity('sec-turb', (p) => 0.55 * p.secondary.suspendedSolids * stirred(p), {
    range: [0, 100],
    noise: 0.06,
  }),
  s.suspendedSolids('sec-tss', (p) => p.secondary.suspendedSolids * stirred(p), {
    range: [0, 200],
    noise: 0.12,
  }),
  s.ammonia('sec-nh4', (p) => p.secondary.ammonia * fed(p), { range: [0, 60], noise: 0.06 }),
  s.nitrate('sec-no3', (p) => p.secondary.nitrate * (2 - fed(p))),
  s.phosphate('sec-po4', (p) => p.secondary.phosphate * fed(p), { noise: 0.02 }),
  s.totalNitrogen('sec-tn', (p) => nitrogen(p) * fed(p), { range: [0, 80], noise: 0.2 }),
  s.dissolvedOxygen('sec-do', (p) => 0.6 * p.biology.oxygen * (1 + 0.008 * p.wobble.air)),
  s.level('sec-blanket-1', (p) => p.secondary.blanket + 0.006 * p.wobble.solids, {
    range: [0, 4],
    noise: 0.01,
  }),
  s.level('sec-blanket-2', (p) => 0.95 * p.secondary.blanket + 0.006 * p.wobble.solids, {
    range: [0, 4],
    noise: 0.01,
  }),
  s.flow('sec-ras-flow', (p) => p.biology.returnFlow * moved(p), { range: [0, 3000], noise: 6 }),
  s.sludgeSolids('sec-ras-tss', (p) => p.secondary.returnSolids * (1 + 0.004 * p.wobble.solids), {
    range: [0, 30],
  }),
  s.flow('sec-was-flow', (p) => p.secondary.wasteFlow, { range: [0, 120], noise: 0.2 }),
  s.pumpState('sec-ras-pump', (p) => (p.biology.returnFlow > 50 ? 1 : 0)),
];

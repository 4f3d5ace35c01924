/** Thickened sludge feeds a warm digester that gives gas; a centrifuge dries what is left. */

import { approach } from '../dynamics.ts';
import * as s from '../sensor.ts';
import type { PlantState } from '../state.ts';

const MINUTE = 60;
const HOUR = 3600;

export function stepSludge(state: PlantState, dt: number): void {
  const { sludge, primary, secondary, weather } = state;
  const feed = primary.sludgeFlow + 0.5 * secondary.wasteFlow;
  sludge.feedFlow = approach(sludge.feedFlow, feed, dt, 30 * MINUTE);
  sludge.gas = approach(sludge.gas, 3.4 * sludge.feedFlow * (sludge.temperature / 37), dt, 5 * HOUR);
  sludge.temperature = approach(sludge.temperature, 37 + 0.02 * (weather.air - 15), dt, 10 * HOUR);
  sludge.methane = approach(sludge.methane, 65 - 0.06 * sludge.feedFlow, dt, 5 * HOUR);
  sludge.level = approach(sludge.level, 4.2 + 0.01 * sludge.feedFlow, dt, 3 * HOUR);
}

const fed = (state: PlantState) => 1 + 0.01 * state.wobble.solids;

export const sludgeSensors: readonly s.SensorReading[] = [
  s.flow('slu-feed-flow', (p) => p.sludge.feedFlow * fed(p), { range: [0, 150], noise: 0.2 }),
  s.sludgeSolids('slu-feed-solids', (p) => 34 + 2 * p.primary.blanket + 0.2 * p.wobble.solids, {
    range: [0, 80],
    noise: 0.2,
  }),
  s.temperature('slu-digester-temp', (p) => p.sludge.temperature, { range: [15, 60] }),
  s.ph('slu-digester-ph', (p) => 7.25 - 0.004 * (p.sludge.feedFlow - 37)),
  s.level('slu-digester-level', (p) => p.sludge.level, { range: [0, 8] }),
  s.gasFlow('slu-gas-flow', (p) => p.sludge.gas * (1 + 0.006 * p.wobble.slow) + 0.8 * p.wobble.air),
  s.methane('slu-ch4', (p) => p.sludge.methane),
  s.pressure('slu-gas-pressure', (p) => 0.02 + 0.00006 * (p.sludge.gas + 0.8 * p.wobble.air), {
    range: [0, 0.1],
    noise: 0.0002,
  }),
  s.power('slu-centrifuge-power', (p) => 12 + 0.35 * p.sludge.feedFlow * fed(p), {
    range: [0, 100],
    noise: 0.15,
  }),
  s.drySolids('slu-cake-ds', (p) => 25 - 0.03 * (p.sludge.feedFlow - 37) + 0.1 * p.wobble.solids),
];

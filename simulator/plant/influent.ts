/** What the town sends: flow and load over the day and the week, diluted by rain. */

import { approach } from './dynamics.ts';
import type { Disturbance, PlantState } from './state.ts';
import { hourOfDay, isWeekend } from './weather.ts';

const MINUTE = 60;
const DRY_FLOW = 1500;
/** m3/h that reach the plant per mm/h of rain. */
const RUNOFF_FLOW = 240;

/** [hour, factor]; level at each point, so that mid-morning (9 to 13 h) is a plateau. */
type Curve = readonly (readonly [number, number])[];
const FLOW_CURVE: Curve = [
  [0, 0.78],
  [4, 0.55],
  [9, 1.2],
  [13, 1.2],
  [15, 1],
  [20, 1.15],
  [24, 0.78],
];
const LOAD_CURVE: Curve = [
  [0, 0.9],
  [4, 0.7],
  [9, 1.12],
  [13, 1.12],
  [16, 0.98],
  [20, 1.1],
  [24, 0.9],
];

export function stepInfluent(state: PlantState, dt: number, forces: Disturbance): void {
  const { influent, weather, wobble } = state;
  const hour = hourOfDay(state.time);
  const people = isWeekend(state.time) ? 0.93 : 1;
  const dry = DRY_FLOW * along(FLOW_CURVE, hour) * people * (1 + 0.002 * wobble.slow);
  influent.flow = approach(influent.flow, dry + RUNOFF_FLOW * weather.runoff, dt, 10 * MINUTE);
  const dilution = dry / (dry + RUNOFF_FLOW * weather.runoff);
  const strength = along(LOAD_CURVE, hour) * people * dilution * (1 + 0.003 * wobble.slow);
  const set = (key: 'cod' | 'ammonia' | 'totalNitrogen' | 'phosphorus', target: number) => {
    influent[key] = approach(influent[key], target, dt, 30);
  };
  set('cod', 480 * strength * forces.organicLoad);
  set('ammonia', 33 * strength * forces.ammoniaLoad);
  set('totalNitrogen', 46 * strength * (0.35 + 0.65 * forces.ammoniaLoad));
  set('phosphorus', 7.2 * strength);
  // Rain first flushes what has settled in the sewers.
  const flush = 1 + 0.5 * Math.max(0, weather.rain - weather.runoff);
  const solids = 240 * strength * flush * (0.6 + 0.4 * forces.organicLoad);
  influent.suspendedSolids = approach(influent.suspendedSolids, solids, dt, 30);
  const salts = 450 + 650 * strength + forces.addedConductivity;
  influent.conductivity = approach(influent.conductivity, salts, dt, 30);
  const ph = 7.45 + 0.15 * (strength - 1) - 0.1 * (1 - dilution) + forces.addedPh;
  influent.ph = approach(influent.ph, ph, dt, 30);
  influent.chromium = approach(influent.chromium, 28 * dilution * forces.metalLoad, dt, 30);
  influent.copper = approach(influent.copper, 62 * strength * (0.3 + 0.7 * forces.metalLoad), dt, 30);
  const ground = 13.5 + 0.3 * weather.air - 1.5 * (1 - dilution);
  influent.temperature = approach(influent.temperature, ground, dt, 360 * MINUTE);
}

/** Smooth through the points, with no slope at each of them. */
function along(curve: Curve, hour: number): number {
  const next = Math.max(
    1,
    curve.findIndex(([at]) => at > hour),
  );
  const [fromHour, from] = curve[next - 1]!;
  const [toHour, to] = curve[next]!;
  const x = (hour - fromHour) / (toHour - fromHour);
  return from + (to - from) * x * x * (3 - 2 * x);
}

/** Ultraviolet lamps and flow-paced hypochlorite. */

import { approach } from '../dynamics.ts';
import * as s from '../sensor.ts';
import type { Disturbance, PlantState } from '../state.ts';

const MINUTE = 60;
/** L/h of hypochlorite per m3/h of water. */
const DOSE_PER_FLOW = 0.012;

export function stepDisinfection(state: PlantState, dt: number, forces: Disturbance): void {
  const { disinfection, tertiary, secondary, pretreatment } = state;
  const dose = DOSE_PER_FLOW * pretreatment.flow * forces.chlorineDosing;
  disinfection.dose = approach(disinfection.dose, dose, dt, 5);
  const strength = disinfection.dose / (DOSE_PER_FLOW * Math.max(100, pretreatment.flow));
  // Ammonia and solids use chlorine up, faster when it is warm.
  const demand =
    0.03 * secondary.ammonia + 0.025 * tertiary.suspendedSolids + 0.008 * state.biology.temperature;
  const residual = Math.max(0.02, 1.3 * strength - demand);
  disinfection.chlorine = approach(disinfection.chlorine, residual, dt, 5 * MINUTE);
  const clear = 74 - 1.1 * tertiary.suspendedSolids - 0.09 * secondary.cod;
  disinfection.transmittance = approach(disinfection.transmittance, clear, dt, 4 * MINUTE);
  disinfection.lamps = approach(disinfection.lamps, forces.uvLamps, dt, 10);
}

const moved = (state: PlantState) => 1 + 0.008 * state.wobble.hydraulic;
/** Dosing lags the flow's fast swings, so the residual wobbles against it. */
const residual = (p: PlantState) => p.disinfection.chlorine * (1 - 0.012 * p.wobble.hydraulic);
const clarity = (p: PlantState) => p.disinfection.transmittance - 0.25 * p.wobble.solids;

export const disinfectionSensors: readonly s.SensorReading[] = [
  s.flow('dis-flow', (p) => 0.98 * p.pretreatment.flow * (1 - 0.25 * p.tertiary.clogging) * moved(p)),
  s.chlorine('dis-cl2', residual),
  s.ph('dis-ph', (p) => p.secondary.ph + 0.08),
  s.redox('dis-redox', (p) => 560 + 190 * Math.log10(0.05 + residual(p))),
  s.temperature('dis-temp', (p) => p.biology.temperature - 0.2),
  s.uvIntensity('dis-uv', (p) => 120 * p.disinfection.lamps * (clarity(p) / 68)),
  s.transmittance('dis-uvt', clarity),
  s.dosing('dis-dose', (p) => p.disinfection.dose * moved(p)),
];

/** What a sensor of the simulated plant is. */

import type { PlantState } from './state.ts';

/** In the order of the water; their position + 1 is the Modbus unit id of the stage. */
export const STAGES = [
  'pretreatment',
  'primary-settling',
  'biological-treatment',
  'secondary-settling',
  'tertiary',
  'disinfection',
  'sludge',
  'outlet',
] as const;
export type Stage = (typeof STAGES)[number];

export interface SensorReading {
  /** Unique in the plant, such as `bio-do-1`. */
  readonly name: string;
  readonly kind: string;
  /** UCUM; empty for states. */
  readonly unit: string;
  /** Valid range in engineering units; a healthy sensor never leaves it. */
  readonly range: readonly [number, number];
  /** Standard deviation of the sensor's own noise, in engineering units; 0 for states. */
  readonly noise: number;
  /** The true value, in engineering units. */
  readonly read: (state: PlantState) => number;
}

export interface Sensor extends SensorReading {
  readonly stage: Stage;
}

/** States (a pump that runs, a control mode) have no noise and cannot drift. */
export function isState(sensor: SensorReading): boolean {
  return sensor.noise === 0;
}

type Read = (state: PlantState) => number;

function reading(kind: string, unit: string, range: readonly [number, number], noise: number) {
  return (name: string, read: Read, change: Partial<SensorReading> = {}): SensorReading => ({
    name,
    kind,
    unit,
    range,
    noise,
    read,
    ...change,
  });
}

/** One maker per kind, with the range and noise of the usual instrument; both can be changed where it differs. */
export const ph = reading('ph', '[pH]', [4, 11], 0.02);
export const temperature = reading('temperature', 'Cel', [-5, 45], 0.04);
export const conductivity = reading('conductivity', 'uS/cm', [100, 5000], 6);
export const turbidity = reading('turbidity', '{NTU}', [0, 1000], 2);
export const suspendedSolids = reading('suspended-solids', 'mg/L', [0, 1500], 4);
export const cod = reading('cod', 'mg/L', [0, 2500], 6);
export const bod5 = reading('bod5', 'mg/L', [0, 1200], 3);
export const ammonia = reading('ammonia', 'mg/L', [0, 120], 0.3);
export const nitrate = reading('nitrate', 'mg/L', [0, 60], 0.15);
export const nitrite = reading('nitrite', 'mg/L', [0, 5], 0.01);
export const totalNitrogen = reading('total-nitrogen', 'mg/L', [0, 150], 0.4);
export const phosphorus = reading('phosphorus', 'mg/L', [0, 40], 0.08);
export const phosphate = reading('phosphate', 'mg/L', [0, 30], 0.04);
export const alkalinity = reading('alkalinity', 'mg/L', [20, 600], 2);
export const dissolvedOxygen = reading('dissolved-oxygen', 'mg/L', [0, 12], 0.03);
export const redox = reading('redox', 'mV', [-600, 900], 3);
export const flow = reading('flow', 'm3/h', [0, 4000], 8);
export const airFlow = reading('air-flow', 'm3/h', [0, 8000], 25);
export const gasFlow = reading('gas-flow', 'm3/h', [0, 400], 1);
export const dosing = reading('dosing', 'L/h', [0, 100], 0.15);
export const level = reading('level', 'm', [0, 6], 0.005);
export const pressure = reading('pressure', 'bar', [0, 2], 0.003);
export const heavyMetal = reading('heavy-metal', 'ug/L', [0, 1000], 0.8);
export const chlorine = reading('residual-chlorine', 'mg/L', [0, 5], 0.01);
export const uvIntensity = reading('uv-intensity', 'W/m2', [0, 200], 0.7);
export const transmittance = reading('uv-transmittance', '%', [0, 100], 0.3);
export const power = reading('power', 'kW', [0, 800], 0.6);
export const energy = reading('energy', 'kW.h/m3', [0, 2], 0.002);
export const sludgeSolids = reading('sludge-solids', 'g/L', [0, 60], 0.04);
export const drySolids = reading('dry-solids', '%', [0, 60], 0.15);
export const methane = reading('methane', '%', [0, 100], 0.25);
export const torque = reading('torque', '%', [0, 100], 0.5);
export const pumpState = reading('pump-state', '', [0, 1], 0);
export const blowerState = reading('blower-state', '', [0, 1], 0);
export const controlMode = reading('control-mode', '', [0, 7], 0);

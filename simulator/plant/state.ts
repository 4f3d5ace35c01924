/** The whole plant at one moment. Flows in m3/h, concentrations in mg/L unless said, temperatures in Cel, levels in m. */

import type { EpochMillis } from '../../runtime/core/units.ts';

/** Forces from outside the normal course of things: how faults reach the physics. Neutral values: `calm()`. */
export interface Disturbance {
  /** Factors on what comes in. */
  organicLoad: number;
  ammoniaLoad: number;
  metalLoad: number;
  /** uS/cm and pH added to what comes in. */
  addedConductivity: number;
  addedPh: number;
  /** Share of its capacity that a machine still has, 0 to 1. */
  inletPump1: number;
  blower1: number;
  returnPump: number;
  chlorineDosing: number;
  uvLamps: number;
  /** 0 clean, 1 blocked. */
  filterClogging: number;
}

export const calm = (): Disturbance => ({
  organicLoad: 1,
  ammoniaLoad: 1,
  metalLoad: 1,
  addedConductivity: 0,
  addedPh: 0,
  inletPump1: 1,
  blower1: 1,
  returnPump: 1,
  chlorineDosing: 1,
  uvLamps: 1,
  filterClogging: 0,
});

/** Water quality as it moves from stage to stage. */
export interface Water {
  temperature: number;
  ph: number;
  conductivity: number;
  suspendedSolids: number;
  cod: number;
  totalNitrogen: number;
  ammonia: number;
  phosphorus: number;
  /** ug/L */
  chromium: number;
  copper: number;
}

export interface PlantState {
  /** Simulated wall time. */
  time: EpochMillis;
  /** Autocorrelated process noise of unit variance, shared by all that it touches. */
  wobble: { hydraulic: number; load: number; air: number; solids: number; slow: number };
  weather: {
    air: number /** mm/h */;
    rain: number /** mm/h, after its way through the sewers */;
    runoff: number;
  };
  influent: Water & { flow: number };
  pretreatment: Water & {
    level: number;
    flow: number;
    pump1: number;
    pump2: number;
    screenLoss: number;
    power: number;
  };
  primary: Water & { blanket: number; sludgeFlow: number };
  biology: {
    oxygen: number;
    airFlow: number;
    blower1: number;
    ammonia: number;
    nitrate: number;
    nitrite: number;
    phosphate: number;
    alkalinity: number;
    cod: number;
    ph: number;
    temperature: number;
    /** g/L */
    mixedLiquor: number;
    returnFlow: number;
    recirculation: number;
  };
  secondary: {
    suspendedSolids: number;
    ammonia: number;
    nitrate: number;
    nitrite: number;
    phosphate: number;
    ph: number;
    cod: number;
    blanket: number;
    /** g/L */
    returnSolids: number;
    wasteFlow: number;
  };
  tertiary: {
    suspendedSolids: number;
    phosphate: number;
    level: number /** 0 to 1 */;
    load1: number;
    load2: number;
    clogging: number;
  };
  disinfection: { chlorine: number; dose: number; transmittance: number /** 0 to 1 */; lamps: number };
  sludge: { feedFlow: number; gas: number; temperature: number; methane: number; level: number };
  outlet: Water & { flow: number; nitrate: number };
}

const sewage = (): Water => ({
  temperature: 17,
  ph: 7.5,
  conductivity: 1100,
  suspendedSolids: 250,
  cod: 500,
  totalNitrogen: 50,
  ammonia: 36,
  phosphorus: 7.5,
  chromium: 30,
  copper: 60,
});

/** A rough guess; the plant runs itself in from here. */
export function roughState(time: EpochMillis): PlantState {
  return {
    time,
    wobble: { hydraulic: 0, load: 0, air: 0, solids: 0, slow: 0 },
    weather: { air: 15, rain: 0, runoff: 0 },
    influent: { ...sewage(), flow: 1500 },
    pretreatment: { ...sewage(), level: 2.8, flow: 1500, pump1: 1, pump2: 1, screenLoss: 0.015, power: 70 },
    primary: { ...sewage(), suspendedSolids: 110, cod: 340, blanket: 0.6, sludgeFlow: 12 },
    biology: {
      oxygen: 2,
      airFlow: 9000,
      blower1: 1,
      ammonia: 3,
      nitrate: 11,
      nitrite: 0.25,
      phosphate: 1,
      alkalinity: 160,
      cod: 40,
      ph: 7,
      temperature: 17,
      mixedLiquor: 3.4,
      returnFlow: 1200,
      recirculation: 4500,
    },
    secondary: {
      suspendedSolids: 9,
      ammonia: 3,
      nitrate: 11,
      nitrite: 0.25,
      phosphate: 1,
      ph: 7,
      cod: 38,
      blanket: 0.9,
      returnSolids: 7.5,
      wasteFlow: 25,
    },
    tertiary: { suspendedSolids: 3, phosphate: 0.4, level: 2.2, load1: 0.3, load2: 0.3, clogging: 0 },
    disinfection: { chlorine: 0.7, dose: 18, transmittance: 66, lamps: 1 },
    sludge: { feedFlow: 37, gas: 95, temperature: 37, methane: 63, level: 4.5 },
    outlet: {
      ...sewage(),
      suspendedSolids: 3,
      cod: 32,
      totalNitrogen: 16,
      ammonia: 3,
      flow: 1500,
      nitrate: 11,
    },
  };
}

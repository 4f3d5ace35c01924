/** The wastewater plant: 127 sensors over a model of eight stages. Pure: time and chance are arguments. */

import { type EpochMillis, epochMillis } from '../../runtime/core/units.ts';
import { Random } from '../random.ts';
import { clamp, wander } from './dynamics.ts';
import { stepInfluent } from './influent.ts';
import { isState, type Sensor, type SensorReading, STAGES, type Stage } from './sensor.ts';
import { biologicalSensors, stepBiology } from './stages/biological-treatment.ts';
import { disinfectionSensors, stepDisinfection } from './stages/disinfection.ts';
import { outletSensors, stepOutlet } from './stages/outlet.ts';
import { pretreatmentSensors, stepPretreatment } from './stages/pretreatment.ts';
import { primarySensors, stepPrimary } from './stages/primary-settling.ts';
import { secondarySensors, stepSecondary } from './stages/secondary-settling.ts';
import { sludgeSensors, stepSludge } from './stages/sludge.ts';
import { stepTertiary, tertiarySensors } from './stages/tertiary.ts';
import { calm, type Disturbance, type PlantState, roughState } from './state.ts';
import { Weather } from './weather.ts';

const SENSORS_OF: Record<Stage, readonly SensorReading[]> = {
  pretreatment: pretreatmentSensors,
  'primary-settling': primarySensors,
  'biological-treatment': biologicalSensors,
  'secondary-settling': secondarySensors,
  tertiary: tertiarySensors,
  disinfection: disinfectionSensors,
  sludge: sludgeSensors,
  outlet: outletSensors,
};

/** All sensors, stage by stage; their position is the index of `Plant.values`. */
export const SENSORS: readonly Sensor[] = STAGES.flatMap((stage) =>
  SENSORS_OF[stage].map((sensor) => ({ ...sensor, stage })),
);

/** A Monday at eleven: the daily curve is level there and the slow basins have caught up, so that a short baseline holds for a while. */
export const DEFAULT_START = epochMillis(Date.UTC(2026, 4, 4, 11));

/** Longest step that the physics takes at once; longer ones are split. */
const MAX_PHYSICS_STEP_S = 15;
const RUN_IN_DAYS = 2;
const RUN_IN_STEP_S = 60;
/** A sensor's noise is partly white and partly remembered for a few seconds, as filters in instruments do. */
const WHITE_SHARE = 0.8;
const FILTERED_SHARE = 0.6;
const FILTER_S = 3;

/** Correlation times in seconds: fast ones rule within a minute, `slow` within an hour. */
const WOBBLE_S = { hydraulic: 6, load: 9, air: 5, solids: 7, slow: 2400 } as const;

export interface PlantOptions {
  readonly seed: number;
  /** Simulated wall time at the first step. */
  readonly start?: EpochMillis;
}

export class Plant {
  readonly state: PlantState;
  /** What each of `SENSORS` shows now, in engineering units. */
  readonly values = new Float64Array(SENSORS.length);
  readonly #weather: Weather;
  readonly #processNoise: Random;
  readonly #sensorNoise: Random;
  readonly #filtered = new Float64Array(SENSORS.length);

  /** Runs itself in over two simulated days, a few milliseconds. */
  constructor({ seed, start = DEFAULT_START }: PlantOptions) {
    const random = new Random(seed);
    this.#weather = new Weather(random.fork('weather'), start);
    this.#processNoise = random.fork('process');
    this.#sensorNoise = random.fork('sensors');
    const days = RUN_IN_DAYS * 86_400;
    this.state = roughState(epochMillis(start - days * 1000));
    const forces = calm();
    for (let t = 0; t < days; t += RUN_IN_STEP_S) {
      for (let i = 0; i < RUN_IN_STEP_S; i += MAX_PHYSICS_STEP_S) this.#physics(MAX_PHYSICS_STEP_S, forces);
    }
    this.#wobble(3600);
    this.#measure(FILTER_S);
  }

  /** Moves simulated time on by `dt` seconds (> 0) under the given forces and reads every sensor. */
  step(dt: number, forces: Disturbance): void {
    this.#wobble(dt);
    const parts = Math.ceil(dt / MAX_PHYSICS_STEP_S);
    for (let i = 0; i < parts; i++) this.#physics(dt / parts, forces);
    this.#measure(dt);
  }

  #physics(dt: number, forces: Disturbance): void {
    const { state } = this;
    state.time = epochMillis(state.time + dt * 1000);
    this.#weather.step(state, dt);
    stepInfluent(state, dt, forces);
    stepPretreatment(state, dt, forces);
    stepPrimary(state, dt);
    stepBiology(state, dt, forces);
    stepSecondary(state, dt, forces);
    stepTertiary(state, dt, forces);
    stepDisinfection(state, dt, forces);
    stepSludge(state, dt);
    stepOutlet(state, dt);
  }

  #wobble(dt: number): void {
    const { wobble } = this.state;
    for (const key of Object.keys(WOBBLE_S) as (keyof typeof WOBBLE_S)[]) {
      // Beyond three standard deviations nothing comes: a turbulence has no tail that would break a pipe.
      wobble[key] = clamp(wander(wobble[key], dt, WOBBLE_S[key], this.#processNoise), -3, 3);
    }
  }

  #measure(dt: number): void {
    for (let i = 0; i < SENSORS.length; i++) {
      const sensor = SENSORS[i]!;
      const truth = sensor.read(this.state);
      if (isState(sensor)) {
        this.values[i] = truth;
        continue;
      }
      this.#filtered[i] = wander(this.#filtered[i]!, dt, FILTER_S, this.#sensorNoise);
      const noise = WHITE_SHARE * this.#sensorNoise.gaussian() + FILTERED_SHARE * this.#filtered[i]!;
      this.values[i] = clamp(truth + sensor.noise * noise, sensor.range[0], sensor.range[1]);
    }
  }
}

export function sensorIndex(name: string): number {
  return SENSORS.findIndex((sensor) => sensor.name === name);
}

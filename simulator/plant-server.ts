/** The simulated plant as a Modbus server, with faults and their ground truth. */

import { appendFileSync, writeFileSync } from 'node:fs';
import { type Clock, SystemClock } from '../runtime/core/clock.ts';
import { StorageError } from '../runtime/core/errors.ts';
import type { EpochMillis } from '../runtime/core/units.ts';
import { FaultInjector, type TruthEntry } from './faults/injector.ts';
import { type FaultRequest, parseFaultSpec } from './faults/request.ts';
import { RegisterImage } from './modbus/register-image.ts';
import { plantPlaces } from './modbus/register-map.ts';
import { type ServedModbus, serveSerial, serveTcp, type UnknownUnits, vectorOf } from './modbus/server.ts';
import type { SerialEndpoint } from './modbus/sources-config.ts';
import { DEFAULT_START, Plant, sensorIndex } from './plant/plant.ts';
import { Random } from './random.ts';

export interface PlantServerOptions {
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port?: number;
  /** Serve RTU on this port instead of TCP. */
  readonly serial?: SerialEndpoint | undefined;
  readonly seed?: number;
  /** Simulated time per real time. */
  readonly speed?: number;
  /** Simulated wall time at the start. */
  readonly start?: EpochMillis;
  /** Chance per minute of simulated time that a fault starts while none is active; 0.02 by default. */
  readonly faultProbability?: number;
  /** Ground truth as JSON lines; an older file is replaced. */
  readonly truthFile?: string | undefined;
  readonly unknownUnits?: UnknownUnits;
  readonly clock?: Clock;
}

/** A line of the truth file. */
export interface StampedTruth extends TruthEntry {
  /** ISO 8601 time of the simulated plant. */
  readonly simulated: string;
  /** ISO 8601 time of this machine: what a node on the same machine stamps its events with. */
  readonly wall: string;
}

export interface PlantServer {
  readonly host: string;
  /** 0 on a serial line. */
  readonly port: number;
  /** All starts and ends of faults so far. */
  readonly truth: readonly StampedTruth[];
  /** Modes of the faults that are active now. */
  activeFaults(): string[];
  /** @param request or `KIND[:TARGET][@START][+DURATION]`. @returns the fault's id. @throws InputError. */
  injectFault(request: FaultRequest | string): number;
  injectRandomFault(): number;
  clearFaults(): void;
  /** What a sensor shows now, in engineering units; undefined when there is none of this name. */
  value(sensor: string): number | undefined;
  stop(): Promise<void>;
}

/** How often the plant moves on, in real time; simulated time per step follows from the speed. */
const STEP_S = 0.5;

/** @throws DeviceError `simulator-listen`, StorageError `truth-write`. */
export async function startPlantServer(options: PlantServerOptions = {}): Promise<PlantServer> {
  const { host = '127.0.0.1', port = 0, serial, speed = 1, clock = new SystemClock() } = options;
  const run = new PlantRun(options, clock);
  const vector = vectorOf(run.images, options.unknownUnits ?? (serial ? 'silent' : 'exception'));
  const served: ServedModbus = serial
    ? await serveSerial(vector, serial.path, serial.baudRate)
    : await serveTcp(vector, host, port);
  const began = clock.mono();
  const timer = setInterval(() => {
    run.advanceTo(((clock.mono() - began) / 1000) * speed);
  }, STEP_S * 500);
  return {
    host,
    port: served.port,
    truth: run.truth,
    activeFaults: () => run.injector.active.map(({ mode }) => mode),
    injectFault: (request) =>
      run.injector.inject(typeof request === 'string' ? parseFaultSpec(request) : request),
    injectRandomFault: () => run.injector.injectRandom(),
    clearFaults: () => run.injector.clear(),
    value: (sensor) => run.plant.values[sensorIndex(sensor)],
    stop: () => {
      clearInterval(timer);
      return served.close();
    },
  };
}

/** The plant, its faults and its registers in simulated time; steps are equal, so runs are repeatable. */
export class PlantRun {
  readonly plant: Plant;
  readonly injector: FaultInjector;
  readonly images = new Map<number, RegisterImage>();
  readonly truth: StampedTruth[] = [];
  readonly #places = plantPlaces();
  readonly #dt: number;
  #steps = 0;

  constructor(options: PlantServerOptions, clock: Clock) {
    const { seed = 1, speed = 1, start = DEFAULT_START, faultProbability = 0.02, truthFile } = options;
    this.plant = new Plant({ seed, start });
    this.#dt = STEP_S * speed;
    if (truthFile !== undefined) startTruthFile(truthFile);
    this.injector = new FaultInjector(new Random(seed).fork('faults'), faultProbability, (entry) => {
      const simulated = new Date(start + entry.elapsed * 1000).toISOString();
      const line = { ...entry, simulated, wall: new Date(clock.wall()).toISOString() };
      this.truth.push(line);
      if (truthFile !== undefined) appendFileSync(truthFile, `${JSON.stringify(line)}\n`);
    });
    for (const unit of new Set(this.#places.map((place) => place.unit))) {
      this.images.set(unit, new RegisterImage(this.#places.filter((place) => place.unit === unit)));
    }
    this.#show();
  }

  /** Simulated seconds since the start. */
  get elapsed(): number {
    return this.#steps * this.#dt;
  }

  /** Steps until less than one step is missing to `elapsed` simulated seconds. */
  advanceTo(elapsed: number): void {
    if (this.elapsed + this.#dt > elapsed) return;
    while (this.elapsed + this.#dt <= elapsed) {
      this.plant.step(this.#dt, this.injector.forces(this.elapsed, this.#dt));
      this.injector.tamper(this.plant.values);
      this.#steps += 1;
    }
    this.#show();
  }

  #show(): void {
    const { values } = this.plant;
    this.#places.forEach((place, i) => {
      this.images.get(place.unit)!.write(place, values[i]!);
    });
  }
}

function startTruthFile(path: string): void {
  try {
    writeFileSync(path, '');
  } catch (cause) {
    throw new StorageError('truth-write', `cannot write the ground truth to ${path}`, { cause });
  }
}

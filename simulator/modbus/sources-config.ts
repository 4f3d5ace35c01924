/** The part of vigie.yaml that reads what is served here, as plain objects. */

import { SENSORS } from '../plant/plant.ts';
import { isState, STAGES } from '../plant/sensor.ts';
import type { Place } from './register-image.ts';
import { isBoolean, plantPlaces } from './register-map.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface SerialEndpoint {
  readonly path: string;
  readonly baudRate: number;
}

/** One Modbus source as `runtime/config/schema/modbus.ts` takes it in. */
export type SourceConfigInput = Readonly<Record<string, unknown>>;

export interface PlantSourcesOptions extends Partial<Endpoint> {
  /** Instead of TCP. */
  readonly serial?: SerialEndpoint | undefined;
  /** How often every tag is read, such as `5s`. */
  readonly period?: string;
}

/** Published change: twice the sensor's own noise, so that a calm plant is quiet. */
const DEADBAND_NOISES = 2;

/** The value of `sources:` for the plant: one source, a unit per stage, 127 tags. */
export function plantSourcesConfig({
  host = '127.0.0.1',
  port = 1502,
  serial,
  period = '5s',
}: PlantSourcesOptions = {}): SourceConfigInput[] {
  const places = plantPlaces();
  const units = STAGES.map((stage, i) => ({
    id: i + 1,
    name: stage,
    tags: SENSORS.flatMap((sensor, index) =>
      sensor.stage !== stage
        ? []
        : [
            {
              name: sensor.name,
              group: stage,
              kind: sensor.kind,
              ...(sensor.unit === '' ? {} : { unit: sensor.unit }),
              ...(isBoolean(sensor) ? {} : { range: [...sensor.range] }),
              ...placeConfig(places[index]!),
              ...(isState(sensor)
                ? {}
                : { deadband: Number((DEADBAND_NOISES * sensor.noise).toPrecision(2)) }),
            },
          ],
    ),
  }));
  const line = serial ? { serial: { ...serial } } : { tcp: { host, port } };
  return [{ type: 'modbus', name: 'plant', ...line, period, units }];
}

/** Keys of a tag that say where it lies; defaults of the schema are left out. */
function placeConfig({ table, address, type, order, scale, bits }: Place) {
  return {
    register: table,
    address,
    type,
    ...(order === 'ABCD' ? {} : { order }),
    ...(scale === 1 ? {} : { scale }),
    ...(bits ? { bits: [...bits] } : {}),
  };
}

export interface ReplaySourcesOptions extends Partial<Endpoint> {
  /** Column names, in register order. */
  readonly columns: readonly string[];
  readonly period?: string;
  readonly group?: string;
}

/** The value of `sources:` for a replayed recording: unit 1, a float32 per column from holding register 0 on. */
export function replaySourcesConfig({
  host = '127.0.0.1',
  port = 1502,
  columns,
  period = '1s',
  group = 'recording',
}: ReplaySourcesOptions): SourceConfigInput[] {
  const names = tagNames(columns);
  const places = replayPlaces(columns.length);
  const tags = places.map((place, i) => ({ name: names[i], group, ...placeConfig(place) }));
  return [{ type: 'modbus', name: 'recording', tcp: { host, port }, period, units: [{ id: 1, tags }] }];
}

export function replayPlaces(columns: number): Place[] {
  return Array.from({ length: columns }, (_, i) => ({
    unit: 1,
    table: 'holding',
    address: 2 * i,
    type: 'float32',
    order: 'ABCD',
    scale: 1,
  }));
}

const MAX_NAME = 64;

/** Column headers as tag names: what a topic level cannot hold becomes `-`; equal ones are numbered. */
function tagNames(columns: readonly string[]): string[] {
  const taken = new Set<string>();
  return columns.map((column) => {
    const plain = column.replace(/[^A-Za-z0-9_.-]+/g, '-').replace(/^[^A-Za-z0-9]+|-+$/g, '') || 'column';
    let name = plain.slice(0, MAX_NAME);
    for (let i = 2; taken.has(name); i++) name = `${plain.slice(0, MAX_NAME - 5)}-${i}`;
    taken.add(name);
    return name;
  });
}

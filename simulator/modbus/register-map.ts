/** Lays the plant's sensors out in registers, with the mixture of encodings that real plants have grown. */

import { SENSORS } from '../plant/plant.ts';
import { isState, type Sensor, STAGES } from '../plant/sensor.ts';
import { type Place, widthOf } from './register-image.ts';

type Encoding = Omit<Place, 'unit' | 'address'>;

/** Free registers between two kinds of encoding, as devices leave them. */
const GAP = 3;
const STATUS_BITS: readonly [number, number] = [4, 3];

/** The place of each of `SENSORS`, in the same order; a stage is a unit, its id the stage's position + 1. */
export function plantPlaces(): Place[] {
  const next = new Map<string, { address: number; last: string }>();
  return SENSORS.map((sensor) => {
    const unit = STAGES.indexOf(sensor.stage) + 1;
    const encoding = encodingOf(sensor);
    const cursor = next.get(`${unit} ${encoding.table}`) ?? { address: 0, last: '' };
    const form = `${encoding.type} ${encoding.order}`;
    const gap = cursor.last !== '' && cursor.last !== form && encoding.type !== 'bool' ? GAP : 0;
    const address = cursor.address + gap;
    next.set(`${unit} ${encoding.table}`, { address: address + widthOf(encoding.type), last: form });
    return { unit, address, ...encoding };
  });
}

function encodingOf(sensor: Sensor): Encoding {
  const big = { order: 'ABCD', scale: 1 } as const;
  switch (sensor.kind) {
    case 'pump-state':
      return { ...big, table: 'discrete', type: 'bool' };
    case 'blower-state':
      return { ...big, table: 'coil', type: 'bool' };
    case 'control-mode':
      return { ...big, table: 'holding', type: 'uint16', bits: STATUS_BITS };
    case 'ph':
      return { ...big, table: 'input', type: 'uint16', scale: 0.001 };
    case 'temperature':
      return { ...big, table: 'input', type: 'int16', scale: 0.01 };
    case 'redox':
      return { ...big, table: 'input', type: 'int16', scale: 0.1 };
    case 'conductivity':
      return { ...big, table: 'holding', type: 'uint16' };
    case 'power':
      return { ...big, table: 'holding', type: 'uint32', scale: 0.001 };
    case 'energy':
      return { ...big, table: 'holding', type: 'uint32', order: 'CDAB', scale: 0.00001 };
    case 'flow':
    case 'level':
      return { ...big, table: 'input', type: 'float32', order: 'CDAB' };
    default:
      return { ...big, table: 'holding', type: 'float32' };
  }
}

/** Whether a reading comes back as true or false rather than as a number. */
export function isBoolean(sensor: Sensor): boolean {
  return isState(sensor) && sensor.kind !== 'control-mode';
}

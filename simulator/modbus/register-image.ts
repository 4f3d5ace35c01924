/** What a Modbus device shows: its four tables, and how numbers lie in them. */

import type { BYTE_ORDERS, REGISTER_TABLES } from '../../runtime/config/schema/modbus.ts';
import { clamp } from '../plant/dynamics.ts';

export type Table = (typeof REGISTER_TABLES)[number];
export type ByteOrder = (typeof BYTE_ORDERS)[number];

/** Where and how a value lies in the tables of a unit. */
export interface Place {
  readonly unit: number;
  readonly table: Table;
  /** Zero-based protocol address. */
  readonly address: number;
  readonly type: 'bool' | 'int16' | 'uint16' | 'uint32' | 'float32';
  readonly order: ByteOrder;
  /** Engineering value = raw × scale. */
  readonly scale: number;
  /** Bit field [lowest bit, count] of a uint16. */
  readonly bits?: readonly [number, number];
}

const INTEGER_LIMITS = { int16: [-32768, 32767], uint16: [0, 65535], uint32: [0, 2 ** 32 - 1] } as const;

/** Word order means nothing within one register; byte order does. */
const ONE_REGISTER_ORDER = { ABCD: 'AB', CDAB: 'AB', BADC: 'BA', DCBA: 'BA' } as const;
const CODE_OF_A = 65;

/** Registers or bits that a place takes. */
export function widthOf(type: Place['type']): number {
  return type === 'uint32' || type === 'float32' ? 2 : 1;
}

/** The tables of one unit; as long as its highest place. */
export class RegisterImage {
  readonly #registers: Record<'input' | 'holding', Buffer>;
  readonly #bits: Record<'coil' | 'discrete', Uint8Array>;
  readonly #scratch = Buffer.alloc(4);

  constructor(places: readonly Place[]) {
    const length = (table: Table) =>
      Math.max(
        0,
        ...places.filter((p) => p.table === table).map(({ address, type }) => address + widthOf(type)),
      );
    this.#registers = {
      input: Buffer.alloc(2 * length('input')),
      holding: Buffer.alloc(2 * length('holding')),
    };
    this.#bits = {
      coil: new Uint8Array(length('coil')),
      discrete: new Uint8Array(length('discrete')),
    };
  }

  /** Shows an engineering value; what an integer cannot hold becomes the nearest it can. */
  write(place: Place, value: number): void {
    const { table, address } = place;
    if (table === 'coil' || table === 'discrete') {
      this.#bits[table][address] = value === 0 ? 0 : 1;
      return;
    }
    const registers = this.#registers[table];
    if (place.bits) this.#writeBits(registers, address, place.bits, value);
    else this.#writeNumber(registers, place, value);
  }

  /** @returns undefined where the range leaves the table. */
  registers(table: 'input' | 'holding', address: number, count: number): number[] | undefined {
    const registers = this.#registers[table];
    if ((address + count) * 2 > registers.length) return undefined;
    return Array.from({ length: count }, (_, i) => registers.readUInt16BE((address + i) * 2));
  }

  bit(table: 'coil' | 'discrete', address: number): boolean | undefined {
    const bit = this.#bits[table][address];
    return bit === undefined ? undefined : bit === 1;
  }

  #writeBits(registers: Buffer, address: number, [low, count]: readonly [number, number], value: number) {
    const mask = (2 ** count - 1) << low;
    const word = registers.readUInt16BE(address * 2);
    registers.writeUInt16BE((word & ~mask) | ((value << low) & mask), address * 2);
  }

  #writeNumber(registers: Buffer, { address, type, order, scale }: Place, value: number): void {
    const scratch = this.#scratch;
    if (type === 'float32') scratch.writeFloatBE(value / scale);
    else {
      const [low, high] = INTEGER_LIMITS[type as keyof typeof INTEGER_LIMITS];
      const raw = Number.isNaN(value) ? 0 : clamp(Math.round(value / scale), low, high);
      if (type === 'uint32') scratch.writeUInt32BE(raw);
      else scratch.writeUInt16BE(raw & 0xffff);
    }
    const wire = widthOf(type) === 2 ? order : ONE_REGISTER_ORDER[order];
    for (let i = 0; i < wire.length; i++)
      registers[address * 2 + i] = scratch[wire.charCodeAt(i) - CODE_OF_A]!;
  }
}

/** A Modbus TCP endpoint or RTU bus, its units and their tags. */

import { z } from 'zod';
import { described, duration, name, port } from './common.ts';
import { serialLine } from './port.ts';
import { tagFields } from './tag.ts';

export const DATA_TYPES = [
  'bool',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'float32',
  'float64',
  'string',
] as const;
/** A is the most significant byte. ABCD: big-endian. CDAB: words swapped. BADC: bytes swapped. DCBA: little-endian. */
export const BYTE_ORDERS = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const;
export const REGISTER_TABLES = ['coil', 'discrete', 'input', 'holding'] as const;

const REGISTERS = {
  bool: 1,
  int16: 1,
  uint16: 1,
  int32: 2,
  uint32: 2,
  int64: 4,
  float32: 2,
  float64: 4,
} as const;
/** Function 16 has room for fewer registers than a read. */
const MAX_WRITTEN_REGISTERS = 123;

const registersOf = (tag: { type: (typeof DATA_TYPES)[number]; length?: number | undefined }): number =>
  tag.type === 'string' ? Math.ceil((tag.length ?? 1) / 2) : REGISTERS[tag.type];

export const modbusTag = z
  .strictObject({
    ...tagFields,
    register: described(
      z.enum(REGISTER_TABLES).default('holding'),
      'Table: coil (FC 1), discrete (FC 2), holding (FC 3), input (FC 4).',
    ),
    address: described(
      z.number().int().min(0).max(65535),
      'Zero-based protocol address (40001 in a manual is holding address 0).',
    ),
    type: described(z.enum(DATA_TYPES).default('uint16'), 'How the registers are read.'),
    order: described(
      z.enum(BYTE_ORDERS).default('ABCD'),
      'Order of the bytes on the wire; A is the most significant.',
    ),
    bits: described(
      z.tuple([z.number().int().min(0).max(15), z.number().int().min(1).max(16)]).optional(),
      'Bit field [lowest bit, count] of a 16-bit register; one bit reads as true or false when type is bool.',
    ),
    length: described(z.number().int().min(1).max(250).optional(), 'Bytes of a string, two per register.'),
    scale: described(
      z
        .number()
        .refine((n) => n !== 0, 'expected a factor other than 0')
        .default(1),
      'Engineering value = raw × scale + offset.',
    ),
    offset: described(z.number().default(0), 'Engineering value = raw × scale + offset.'),
    writable: described(
      z.boolean().default(false),
      'Allow the command `tag-write` to write this tag. Off unless stated.',
    ),
  })
  .superRefine((tag, context) => {
    const complain = (key: string, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message });
    const bitTable = tag.register === 'coil' || tag.register === 'discrete';
    if (bitTable && tag.type !== 'bool')
      complain('type', `a ${tag.register} holds one bit: expected type bool`);
    if (!bitTable && tag.type === 'bool' && !tag.bits)
      complain('bits', 'a bool in a register needs bits: [bit, 1]');
    if (tag.bits && !['bool', 'int16', 'uint16'].includes(tag.type))
      complain('bits', 'bit fields lie in one 16-bit register: expected type bool, int16 or uint16');
    if (tag.bits && tag.bits[0] + tag.bits[1] > 16) complain('bits', 'the field ends beyond bit 15');
    if ((tag.type === 'string') !== (tag.length !== undefined))
      complain('length', 'length goes with type string, and only with it');
    if (tag.address <= 65_535 && tag.address + registersOf(tag) > 65_536)
      complain('address', `${tag.type} takes ${registersOf(tag)} registers and ends beyond address 65535`);
    if (tag.writable && registersOf(tag) > MAX_WRITTEN_REGISTERS)
      complain('length', `a write has room for at most ${2 * MAX_WRITTEN_REGISTERS} bytes`);
    if (tag.writable && (tag.register === 'input' || tag.register === 'discrete'))
      complain('writable', `a ${tag.register} cannot be written: use holding or coil`);
  });

const modbusUnit = z.strictObject({
  id: described(
    z.number().int().min(0).max(255),
    'Unit (slave) id on the bus: 1 to 247 on RTU, 0 or 255 for a TCP device itself.',
  ),
  name: described(name.optional(), 'For messages; `unit-<id>` when absent.'),
  timeout: described(
    duration('1ms', '60s').optional(),
    "Answer time-out of this unit; the source's when absent.",
  ),
  tags: described(z.array(modbusTag).min(1), 'What is read from this unit.'),
});

export const modbusSource = z
  .strictObject({
    type: z.literal('modbus'),
    name: described(name, 'Unique among the sources.'),
    tcp: described(
      z
        .strictObject({
          host: described(z.string().min(1).max(253), 'Name or address of the device or gateway.'),
          port: described(port.default(502), 'TCP port.'),
        })
        .optional(),
      'Modbus TCP endpoint; one connection is shared by its units.',
    ),
    serial: described(serialLine.optional(), 'Modbus RTU line.'),
    period: described(
      duration('10ms', '1d').prefault('5s'),
      'How often tags are read unless they say otherwise.',
    ),
    timeout: described(duration('1ms', '60s').prefault('500ms'), 'How long a unit may take to answer.'),
    maxGap: described(
      z.number().int().min(0).max(124).default(8),
      'Unused registers a merged request may read across; 0 merges only neighbours.',
    ),
    maxRegisters: described(
      z.number().int().min(1).max(125).default(125),
      'Registers per request, for devices that allow fewer than 125.',
    ),
    maxCoils: described(
      z.number().int().min(1).max(2000).default(2000),
      'Bits per request, for devices that allow fewer than 2000.',
    ),
    requestGap: described(
      duration('0ms', '1s').prefault('0ms'),
      'Silence kept between two requests, beyond the RTU frame gap.',
    ),
    breaker: described(
      z
        .strictObject({
          failures: described(
            z.number().int().min(1).max(100).default(1),
            'Time-outs in a row after which a unit is left alone.',
          ),
          backoff: described(
            duration('100ms', '1h').prefault('5s'),
            'First pause before a probe; doubles at each failed one.',
          ),
          maxBackoff: described(duration('100ms', '1d').prefault('1min'), 'Longest pause.'),
        })
        .prefault({}),
      'Circuit breaker per unit: a dead unit costs one time-out per back-off period.',
    ),
    units: described(z.array(modbusUnit).min(1), 'The devices on this bus or behind this endpoint.'),
  })
  .superRefine((source, context) => {
    if ((source.tcp === undefined) === (source.serial === undefined)) {
      context.addIssue({
        code: 'custom',
        path: ['tcp'],
        message: 'expected either tcp (an endpoint) or serial (a line)',
      });
    }
    const nameOf = (unit: (typeof source.units)[number]) => unit.name ?? `unit-${unit.id}`;
    const complain = (unit: number, key: string, message: string) =>
      context.addIssue({ code: 'custom', path: ['units', unit, key], message });
    source.units.forEach((unit, index) => {
      if (source.serial && unit.id === 0)
        complain(index, 'id', 'unit 0 is the broadcast of a serial line: no device answers to it');
      const same = source.units.findIndex((other) => nameOf(other) === nameOf(unit));
      if (same < index && source.units[same]!.id !== unit.id)
        complain(
          index,
          unit.name ? 'name' : 'id',
          `'${nameOf(unit)}' is the name of unit ${source.units[same]!.id} already`,
        );
      unit.tags.forEach((tag, position) => {
        if (registersOf(tag) <= source.maxRegisters) return;
        context.addIssue({
          code: 'custom',
          path: ['units', index, 'tags', position, 'type'],
          message: `${tag.type} takes ${registersOf(tag)} registers, but maxRegisters is ${source.maxRegisters}`,
        });
      });
      if (source.units.findIndex((other) => other.id === unit.id) === index) return;
      complain(index, 'id', `unit ${unit.id} appears twice`);
    });
  });

export type ModbusSourceConfig = z.output<typeof modbusSource>;
export type ModbusUnitConfig = z.output<typeof modbusUnit>;
export type ModbusTagConfig = z.output<typeof modbusTag>;

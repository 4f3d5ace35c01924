/** A serial sensor that does not speak Modbus: framing, checksum, fields. */

import { z } from 'zod';
import { described, duration, name } from './common.ts';
import { serialLine } from './port.ts';
import { tagFields } from './tag.ts';

const byte = z.number().int().min(0).max(255);

export const framing = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('line'),
    end: described(
      z.string().min(1).max(16).default('\n'),
      'End of a line; \\r, \\n and \\xHH are understood. A carriage return before it is dropped.',
    ),
  }),
  z.strictObject({
    type: z.literal('fixed'),
    length: described(z.number().int().min(1).max(4096), 'Bytes per frame.'),
    start: described(byte.optional(), 'First byte of each frame, to find the beginning again after noise.'),
  }),
  z.strictObject({
    type: z.literal('delimited'),
    start: described(byte, 'First byte of a frame.'),
    end: described(byte, 'Last byte of a frame.'),
  }),
  z.strictObject({
    type: z.literal('gap'),
    gap: described(duration('1ms', '10s'), 'Silence that ends a frame.'),
  }),
]);

export const CHECKSUMS = ['none', 'xor', 'nmea', 'crc16-modbus', 'crc16-ccitt'] as const;

const serialField = z
  .strictObject({
    ...tagFields,
    match: described(z.string().min(1).max(64).optional(), 'Named group of `pattern` that holds the value.'),
    at: described(z.number().int().min(0).max(4095).optional(), 'Byte offset in the frame.'),
    type: described(
      z
        .enum(['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'float32', 'float64', 'ascii'])
        .optional(),
      'How bytes at `at` are read; ascii is a decimal number in text.',
    ),
    length: described(z.number().int().min(1).max(32).optional(), 'Bytes of an ascii field.'),
    order: described(z.enum(['big', 'little']).default('big'), 'Byte order.'),
    scale: described(
      z
        .number()
        .refine((n) => n !== 0, 'expected a factor other than 0')
        .default(1),
      'Engineering value = raw × scale + offset.',
    ),
    offset: described(z.number().default(0), 'Engineering value = raw × scale + offset.'),
  })
  .superRefine((field, context) => {
    const complain = (key: string, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message });
    if ((field.match === undefined) === (field.at === undefined))
      complain('match', 'expected either match (text) or at (bytes)');
    if ((field.at !== undefined) !== (field.type !== undefined))
      complain('type', 'type goes with at, and only with it');
    if ((field.type === 'ascii') !== (field.length !== undefined))
      complain('length', 'length goes with type ascii, and only with it');
  });

export const serialSource = z
  .strictObject({
    type: z.literal('serial'),
    name: described(name, 'Unique among the sources.'),
    serial: described(serialLine, 'The line.'),
    framing: described(framing, 'Where a frame begins and ends.'),
    checksum: described(
      z.enum(CHECKSUMS).default('none'),
      'At the end of the frame (NMEA: *hh after the text).',
    ),
    maxFrame: described(
      z.number().int().min(1).max(65536).default(1024),
      'Longest frame in bytes; longer input is dropped and counted.',
    ),
    pattern: described(
      z.string().max(1000).optional(),
      'Regular expression with named groups, matched against each frame as text; frames that do not match are ignored and counted.',
    ),
    request: described(
      z.string().max(256).optional(),
      'Text sent each period to a sensor that answers on request; \\r, \\n and \\xHH are understood.',
    ),
    period: described(
      duration('10ms', '1d').prefault('5s'),
      'How often a value is expected (and requested): without one for three periods it is stale.',
    ),
    tags: described(z.array(serialField).min(1), 'What a frame holds.'),
  })
  .superRefine((source, context) => {
    const complain = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message });
    const groups = groupsOf(source.pattern, (message) => complain(['pattern'], message));
    source.tags.forEach(({ match, at, type, length }, index) => {
      if (match !== undefined && groups && !groups.includes(match)) {
        const there = groups.length > 0 ? `its groups are: ${groups.join(', ')}` : 'there is no named group';
        complain(['tags', index, 'match'], `'${match}' is no named group of pattern; ${there}`);
      }
      if (at === undefined || type === undefined || source.framing.type !== 'fixed') return;
      // The name of a type ends with its bits.
      const end = at + (length ?? Number(type.replace(/\D/g, '')) / 8);
      if (end > source.framing.length)
        complain(
          ['tags', index, 'at'],
          `the field ends at byte ${end} of a frame of ${source.framing.length}`,
        );
    });
  });

/** Named groups of the pattern; undefined when it is none, which is reported. */
function groupsOf(pattern: string | undefined, report: (message: string) => void): string[] | undefined {
  if (pattern === undefined) return [];
  try {
    new RegExp(pattern);
    // With an empty alternative it matches anything, and a match lists the groups.
    return Object.keys(new RegExp(`${pattern}|`).exec('')?.groups ?? {});
  } catch (error) {
    report(`not a regular expression: ${(error as Error).message}`);
    return undefined;
  }
}

export type SerialSourceConfig = z.output<typeof serialSource>;
export type SerialFieldConfig = z.output<typeof serialField>;
export type FramingConfig = z.output<typeof framing>;

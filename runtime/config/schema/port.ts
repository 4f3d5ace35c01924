/** A serial line, as Modbus RTU and other serial sensors share it. */

import { z } from 'zod';
import { described } from './common.ts';

export const serialLine = z.strictObject({
  path: described(
    z.string().regex(/^\//, 'expected an absolute path, best one below /dev/serial/by-id/'),
    'Device path. Prefer /dev/serial/by-id/… or by-path/…: ttyUSB numbers change at replug.',
  ),
  baudRate: described(z.number().int().min(300).max(4_000_000).default(9600), 'Bits per second.'),
  dataBits: described(z.union([z.literal(7), z.literal(8)]).default(8), 'Data bits.'),
  parity: described(
    z.enum(['none', 'even', 'odd']).default('none'),
    'Parity. The Modbus standard asks for even.',
  ),
  stopBits: described(z.union([z.literal(1), z.literal(2)]).default(1), 'Stop bits.'),
});

export type SerialLine = z.output<typeof serialLine>;

/** The board the node runs on. */

import { z } from 'zod';
import { described } from './common.ts';

export const deviceConfig = z.strictObject({
  profile: described(
    z.string().min(1).max(4096).optional(),
    'A device profile by name, such as raspberry-pi-4, or the path of your own (my-board.yaml). Left out: the board is recognised.',
  ),
});

export type DeviceConfig = z.output<typeof deviceConfig>;

/** Signed updates of models and configuration over the broker. */

import { z } from 'zod';
import { byteSize, described, duration } from './common.ts';

const hour = z.number().int().min(0).max(23);

export const otaConfig = z.strictObject({
  enabled: described(z.boolean().default(true), 'Take updates at all; false leaves what serves as it is.'),
  root: described(
    z.string().min(1),
    'The factory root: the root.json that this node trusts first, from `vigie ota repo init`; relative paths start at the configuration file. Every later one must be signed by the one before.',
  ),
  group: described(
    z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,58}$/, "expected 1 to 59 of letters, digits, '.', '_', '-'")
      .default('default'),
    'Group whose assignment this node follows.',
  ),
  check: described(
    duration('1min', '30d').prefault('6h'),
    'How often the node looks for news by itself; an announcement makes it look sooner.',
  ),
  jitter: described(
    duration('0ms', '1d').prefault('30s'),
    'After an announcement each node waits a random part of this, so that a fleet does not ask at once.',
  ),
  rate: described(
    byteSize('1KiB', '1GiB').optional(),
    'Most bytes a second that updates fetch; left out, as fast as they come.',
  ),
  hours: described(
    z
      .strictObject({
        from: described(hour, 'First hour, UTC.'),
        to: described(hour, 'Hour at whose beginning it ends; may pass midnight.'),
      })
      .refine(({ from, to }) => from !== to, {
        path: ['to'],
        message: 'is the hour of `from`: leave `hours` out for the whole day',
      })
      .optional(),
    'Content is fetched in these hours of the day alone, UTC; left out, at any time.',
  ),
  configuration: described(
    z.boolean().default(true),
    'Take a configuration that comes with the assignment of the group. `node` and `ota` always stay those of this file.',
  ),
});

export type OtaConfig = z.output<typeof otaConfig>;

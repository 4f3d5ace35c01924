/** Signed updates of models and configuration over the broker. */

import { z } from 'zod';
import { byteSize, described, duration } from './common.ts';

/** Minutes since local midnight; over midnight where `to` is not above `from`. */
export interface DailySpan {
  readonly from: number;
  readonly to: number;
}

const SPAN = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/;

const span = z
  .string()
  .transform((text, context): DailySpan => {
    const [, ...parts] = SPAN.exec(text) ?? [];
    const [h1, m1, h2, m2] = parts.map(Number);
    const [from, to] = [h1! * 60 + m1!, h2! * 60 + m2!];
    if (parts.length > 0 && from !== to) return { from, to };
    const message = `'${text}' is no span of the day: expected two different times, such as '22:00-05:30'`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  })
  .meta({ format: 'HH:MM-HH:MM' });

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
    z.array(span).max(24).default([]),
    "Content is fetched in these spans of the day alone, by the node's local time; left out, at any time. Looking for news is always allowed.",
  ),
  configuration: described(
    z.boolean().default(true),
    'Take a configuration that comes with the assignment of the group. `node` and `ota` always stay those of this file.',
  ),
});

export type OtaConfig = z.output<typeof otaConfig>;

/** Armed hours: when a zone or tripwire raises events. */

import { z } from 'zod';
import { described, name } from './common.ts';

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];

/** `24:00` is the end of a day; YAML reads 18:00 without quotes as text, too. */
const timeOfDay = z
  .string()
  .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, "expected a time of day such as '07:30', up to '24:00'");

const hours = z
  .strictObject({
    days: described(
      z
        .array(z.enum(DAYS))
        .refine((list) => list.length > 0, 'names no day: leave it out for every day')
        .default([...DAYS]),
      'Days on which the span begins.',
    ),
    from: described(timeOfDay.default('00:00'), 'Local time from which it is armed.'),
    to: described(
      timeOfDay.default('24:00'),
      'Local time until which it is armed; not after `from`: on the next day.',
    ),
  })
  .refine(({ from, to }) => from !== to, {
    path: ['to'],
    message: "is the same as from, so the span is empty: leave both out for the whole day, or use '24:00'",
  })
  .refine(({ from }) => from !== '24:00', {
    path: ['from'],
    message: "'24:00' ends a day: use '00:00' of the next one",
  });

/** A name of the IANA database that this Node.js knows. */
const timeZone = z.string().refine(isTimeZone, {
  error: ({ input }) =>
    `'${String(input)}' is no time zone: expected a name of the IANA database such as 'Europe/Zurich', or 'UTC'`,
});

function isTimeZone(text: string): boolean {
  try {
    // Offsets such as +01:00 are accepted there, too, but know no daylight saving.
    return /^[A-Za-z]/.test(text) && new Intl.DateTimeFormat('en', { timeZone: text }) !== undefined;
  } catch {
    return false;
  }
}

export const scheduleConfig = z.strictObject({
  name: described(name, 'What zones and tripwires call it.'),
  timeZone: described(timeZone, 'Zone of the local times, such as Europe/Zurich; it knows daylight saving.'),
  hours: described(
    z
      .array(hours)
      .max(50)
      .refine(
        (list) => list.length > 0,
        'is empty, so nothing would ever be armed: expected at least one span',
      ),
    'Armed spans; they may overlap and reach over midnight.',
  ),
  whenUnsynced: described(
    z.enum(['armed', 'disarmed']).default('armed'),
    'What holds while the clock of the node is not set: an intruder is not missed because of it, unless you say so.',
  ),
});

export type ScheduleConfig = z.output<typeof scheduleConfig>;

/** Armed hours, through summer time and before the clock is set. */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { z } from 'zod';
import { scheduleConfig } from '../../../../runtime/config/schema/schedule.ts';
import { epochMillis } from '../../../../runtime/core/units.ts';
import { Schedule } from '../../../../runtime/pipeline/detection/zones/schedule.ts';

type Input = Omit<z.input<typeof scheduleConfig>, 'name'>;
const schedule = (input: Input) => new Schedule(scheduleConfig.parse({ name: 'nights', ...input }));
const at = (text: string) => ({ wall: epochMillis(Date.parse(text)), timeQuality: 'synced' as const });

test('a night reaches over midnight and belongs to the day it begins', () => {
  const nights = schedule({
    timeZone: 'UTC',
    hours: [{ days: ['mon', 'fri'], from: '22:00', to: '06:00' }],
  });
  // 2026-03-02 is a Monday.
  for (const [text, armed] of [
    ['2026-03-02T21:59:59Z', false],
    ['2026-03-02T22:00:00Z', true],
    ['2026-03-03T05:59:59Z', true],
    ['2026-03-03T06:00:00Z', false],
    ['2026-03-03T23:00:00Z', false],
    ['2026-03-06T22:30:00Z', true],
    ['2026-03-07T03:00:00Z', true],
    ['2026-03-02T03:00:00Z', false],
  ] as const) {
    assert.is(nights.armed(at(text)), armed, text);
  }
});

test('local time counts, before and after clocks change', () => {
  const nights = schedule({ timeZone: 'Europe/Zurich', hours: [{ from: '22:00', to: '06:00' }] });
  // Winter: UTC+1. Summer: UTC+2.
  assert.not(nights.armed(at('2026-01-10T20:59:00Z')));
  assert.ok(nights.armed(at('2026-01-10T21:00:00Z')));
  assert.not(nights.armed(at('2026-07-10T19:59:00Z')));
  assert.ok(nights.armed(at('2026-07-10T20:00:00Z')));
  // The night of 2026-03-28 to 29 is an hour shorter, that of 2026-10-24 to 25 an hour longer.
  const hours = (from: string) => {
    let armed = 0;
    for (let minute = 0; minute < 24 * 60; minute++) {
      if (nights.armed({ wall: epochMillis(Date.parse(from) + 60_000 * minute), timeQuality: 'synced' }))
        armed++;
    }
    return armed / 60;
  };
  assert.is(hours('2026-03-28T12:00:00Z'), 7);
  assert.is(hours('2026-10-24T12:00:00Z'), 9);
  assert.is(hours('2026-06-24T12:00:00Z'), 8);
});

test('an hour that does not exist, and one that comes twice', () => {
  const early = schedule({ timeZone: 'Europe/Zurich', hours: [{ from: '02:30', to: '03:30' }] });
  // Spring: 02:00 becomes 03:00 at 01:00 UTC; half an hour is left.
  assert.not(early.armed(at('2026-03-29T00:59:00Z')));
  assert.ok(early.armed(at('2026-03-29T01:00:00Z')));
  assert.not(early.armed(at('2026-03-29T01:30:00Z')));
  // Autumn: 02:30 comes at 00:30 UTC and again at 01:30 UTC.
  assert.ok(early.armed(at('2026-10-25T00:45:00Z')));
  assert.not(early.armed(at('2026-10-25T01:15:00Z')), 'clocks went back to 02:15');
  assert.ok(early.armed(at('2026-10-25T01:45:00Z')));
});

test('zones with half and quarter hours', () => {
  const office = schedule({ timeZone: 'Asia/Kathmandu', hours: [{ from: '09:00', to: '17:00' }] });
  assert.not(office.armed(at('2026-03-02T03:14:59Z')));
  assert.ok(office.armed(at('2026-03-02T03:15:00Z')));
});

test('whole days, and spans that overlap', () => {
  const weekend = schedule({
    timeZone: 'UTC',
    hours: [{ days: ['sat', 'sun'] }, { days: ['sun'], from: '20:00', to: '02:00' }],
  });
  assert.ok(weekend.armed(at('2026-03-07T00:00:00Z')));
  assert.ok(weekend.armed(at('2026-03-08T23:59:59Z')));
  assert.ok(weekend.armed(at('2026-03-09T01:59:00Z')));
  assert.not(weekend.armed(at('2026-03-09T02:00:00Z')));
});

test('a clock that is not set is not asked', () => {
  const hours = [{ from: '22:00', to: '06:00' }];
  const unsynced = { wall: epochMillis(12 * 3_600_000), timeQuality: 'unsynced' as const };
  assert.ok(schedule({ timeZone: 'UTC', hours }).armed(unsynced));
  assert.not(schedule({ timeZone: 'UTC', hours, whenUnsynced: 'disarmed' }).armed(unsynced));
});

test('what it remembers of a minute never changes an answer', () => {
  const input: Input = { timeZone: 'America/New_York', hours: [{ from: '07:15', to: '19:45' }] };
  const one = schedule(input);
  const day = Date.UTC(2026, 10, 1);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 * 86_400_000 }), (offset) => {
      const moment = { wall: epochMillis(day + offset), timeQuality: 'synced' as const };
      assert.is(one.armed(moment), schedule(input).armed(moment));
    }),
    { numRuns: 200 },
  );
});

test.run();

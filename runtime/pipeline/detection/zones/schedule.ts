/** Whether a schedule is armed. Local wall time decides, so a span means the same before and after clocks change. */

import type { ScheduleConfig } from '../../../config/schema/schedule.ts';
import type { Stamp } from '../../../core/messages.ts';

const MINUTES_PER_DAY = 1440;
const WEEKDAYS: readonly string[] = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const DAY_NUMBER = { sun: 0, mon: 1, tue: 2, wed: 3, thu: 4, fri: 5, sat: 6 } as const;

interface Span {
  readonly days: ReadonlySet<number>;
  /** Minutes of the local day; `to` is at most `from` where it lies on the next day. */
  readonly from: number;
  readonly to: number;
}

export class Schedule {
  readonly #config: ScheduleConfig;
  readonly #spans: readonly Span[];
  #format: Intl.DateTimeFormat | undefined;
  #minute = Number.NaN;
  #armed = false;

  constructor(config: ScheduleConfig) {
    this.#config = config;
    this.#spans = config.hours.map(({ days, from, to }) => ({
      days: new Set(days.map((day) => DAY_NUMBER[day])),
      from: minutes(from),
      to: minutes(to),
    }));
  }

  /** While the clock is not set the configuration decides, not a time that may be 1970. */
  armed({ wall, timeQuality }: Pick<Stamp, 'wall' | 'timeQuality'>): boolean {
    if (timeQuality === 'unsynced') return this.#config.whenUnsynced === 'armed';
    // Spans begin and end at full minutes, and offsets of time zones are full minutes.
    const minute = Math.floor(wall / 60_000);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#armed = this.#within(this.#local(minute * 60_000));
    }
    return this.#armed;
  }

  #within({ day, minute }: { day: number; minute: number }): boolean {
    const before = (day + 6) % 7;
    return this.#spans.some(({ days, from, to }) => {
      if (from < to) return days.has(day) && minute >= from && minute < to;
      return (days.has(day) && minute >= from) || (days.has(before) && minute < to);
    });
  }

  #local(wall: number): { day: number; minute: number } {
    this.#format ??= new Intl.DateTimeFormat('en-US', {
      timeZone: this.#config.timeZone,
      hourCycle: 'h23',
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
    });
    const parts = new Map(this.#format.formatToParts(wall).map(({ type, value }) => [type, value]));
    const day = WEEKDAYS.indexOf(parts.get('weekday') ?? '');
    return { day, minute: 60 * Number(parts.get('hour')) + Number(parts.get('minute')) };
  }
}

function minutes(text: string): number {
  const [hour, minute] = text.split(':').map(Number) as [number, number];
  return Math.min(60 * hour + minute, MINUTES_PER_DAY);
}

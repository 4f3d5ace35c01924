/** Hours of the day in which a node may fetch. Pure: the local time is an argument. */

import { type Millis, millis, minutes } from '../../../runtime/core/units.ts';

/** Minutes since local midnight. Over midnight where `to` is not above `from`. */
export interface DailyWindow {
  readonly from: number;
  readonly to: number;
}

const DAY = 24 * 60;

/** @returns 0 when one of the windows is open or there is none, else how long until the next one opens. */
export function opensIn(windows: readonly DailyWindow[], minuteOfDay: number): Millis {
  if (windows.length === 0) return millis(0);
  const waits = windows.map(({ from, to }) => {
    const since = (minuteOfDay - from + DAY) % DAY;
    const length = (to - from + DAY) % DAY || DAY;
    return since < length ? 0 : DAY - since;
  });
  return minutes(Math.min(...waits));
}

/** Local time of a wall clock. */
export function minuteOfDay(wall: number): number {
  const date = new Date(wall);
  return date.getHours() * 60 + date.getMinutes();
}

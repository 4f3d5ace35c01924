/** How long to wait before starting a failed component again. */

import { type Millis, millis } from '../core/units.ts';

const FIRST = 1000;
const LONGEST = 60_000;

/** Doubles from 1 s to 60 s, with up to a quarter of jitter so that parts failing together do not return together. */
export function retryDelay(attempt: number, random: () => number = Math.random): Millis {
  const base = Math.min(LONGEST, FIRST * 2 ** Math.min(attempt, 16));
  return millis(base * (1 + random() / 4));
}

/** Arithmetic of keeping pace with a camera. */

/** Of the newest look in the smoothed latency. */
export const LATENCY_WEIGHT = 0.15;

/** A look may take this part of the time until the next one; below the second a shorter pace is tried. */
const FULL = 0.95;
const SPARE = 0.75;
/** How long a pace is kept before a shorter one is tried. */
const KEEP_MS = 5_000;

/** Every n-th frame that looks of this length can follow, with hysteresis around the present one. */
export function keepUp(latency: number, period: number, pace: number, since: number): number {
  if (latency > FULL * pace * period) return Math.ceil(latency / (FULL * period));
  if (pace === 1 || since < KEEP_MS) return pace;
  return Math.min(pace, Math.max(1, Math.ceil(latency / (SPARE * period))));
}

/** Milliseconds between two looks of this length. */
export const asLong = (latency: number, period: number) => Math.ceil(latency / (FULL * period)) * period;

/** What a variant would take now, when the present one takes `now` where it took `then`. */
export function predicted(latency: number | undefined, now: number, then: number): number | undefined {
  return latency === undefined || then <= 0 ? undefined : (latency * now) / then;
}

/** Arithmetic of keeping pace with a camera. */

/** Looks whose median is the latency: one that something else held up says nothing. */
export const RECENT_LOOKS = 7;
const LEAST_LOOKS = 3;

/** Undefined while there are too few. */
export function latencyOf(recent: readonly number[]): number | undefined {
  if (recent.length < LEAST_LOOKS) return undefined;
  return recent.toSorted((a, b) => a - b)[Math.floor(recent.length / 2)];
}

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

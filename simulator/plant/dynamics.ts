/** The few pieces of dynamics that every stage is made of. */

import type { Random } from '../random.ts';

/** First-order lag: what `current` becomes after `dt` seconds on its way to `target`. Stable for any `dt`. */
export function approach(current: number, target: number, dt: number, tau: number): number {
  return target + (current - target) * Math.exp(-dt / tau);
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

/** Monod saturation: 0 without substrate, 1 with plenty. */
export function monod(substrate: number, half: number): number {
  return substrate / (half + substrate);
}

/** Arrhenius-like temperature factor of a biological rate, 1 at 20 Cel. */
export function warmth(celsius: number, theta: number): number {
  return theta ** (celsius - 20);
}

/** Ornstein-Uhlenbeck noise of unit variance: what `current` becomes after `dt` seconds. */
export function wander(current: number, dt: number, tau: number, random: Random): number {
  const keep = Math.exp(-dt / tau);
  return keep * current + Math.sqrt(1 - keep * keep) * random.gaussian();
}

/** From what the board says to one word on its heat, with the reason. Pure. */

import type { Throttled, ZoneTemperature } from './board.ts';

/** As in a device profile's `thermal.zones`. */
export interface ZoneLimits {
  readonly types: readonly string[];
  readonly easeOff: number;
  readonly throttle: number;
}

/** cool: far enough below. warm: from `easeOff` on. hot: the board slows down, or is about to. */
export type HeatLevel = 'cool' | 'settled' | 'warm' | 'hot';

export interface Heat {
  readonly level: HeatLevel;
  /** For a person; empty when cool. */
  readonly reason: string;
}

/** Degrees below `easeOff` at which a board counts as cool again. */
const MARGIN = 5;
const ORDER: readonly HeatLevel[] = ['cool', 'settled', 'warm', 'hot'];

/** The worst of all. Zones that the profile does not name are passed over. */
export function judgeHeat(
  zones: readonly ZoneTemperature[],
  limits: readonly ZoneLimits[],
  throttled: Throttled | undefined,
): Heat {
  const heats = [...firmware(throttled)];
  for (const { type, temperature } of zones) {
    const limit = limits.find(({ types }) => types.includes(type));
    if (limit) heats.push(ofZone(type, temperature, limit));
  }
  return heats.reduce<Heat>((worst, heat) => (rank(heat) > rank(worst) ? heat : worst), {
    level: 'cool',
    reason: '',
  });
}

const rank = ({ level }: Heat) => ORDER.indexOf(level);

function ofZone(type: string, temperature: number, { easeOff, throttle }: ZoneLimits): Heat {
  const is = `${type} is at ${temperature.toFixed(1)} °C`;
  if (temperature >= throttle)
    return { level: 'hot', reason: `${is}, where the board throttles (${throttle} °C)` };
  if (temperature >= easeOff) return { level: 'warm', reason: `${is}, warmer than ${easeOff} °C` };
  return { level: temperature > easeOff - MARGIN ? 'settled' : 'cool', reason: '' };
}

function* firmware(throttled: Throttled | undefined): Generator<Heat> {
  if (throttled?.throttled) yield { level: 'hot', reason: 'the firmware throttles the processor' };
  if (throttled?.softTemperatureLimit)
    yield { level: 'warm', reason: 'the soft temperature limit is reached' };
  if (throttled?.frequencyCapped) yield { level: 'warm', reason: 'the firmware caps the clock' };
  if (throttled?.underVoltage) yield { level: 'warm', reason: 'the supply voltage is too low' };
}

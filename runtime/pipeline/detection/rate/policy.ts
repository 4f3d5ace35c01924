/**
 * How many frames are looked at, and by which variant of the model: what gives way when the board is hot or inference is slower
 * than the camera. A pure function from state and reading to state and change.
 */

import type { Millis } from '../../../core/units.ts';
import type { Heat } from './heat.ts';
import { asLong, keepUp, latencyOf, predicted, RECENT_LOOKS } from './keep-up.ts';

export interface Rate {
  /** Every n-th frame is looked at. */
  readonly everyNth: number;
  /** Index into `RateOptions.variants`. */
  readonly variant: number;
}

export interface RateOptions {
  /** Names of the model's variants, the best first, each faster than the one before; at least one. */
  readonly variants: readonly string[];
  /** Looks per second that heat never goes below. */
  readonly minFps: number;
  /** Looks per second below which a slow model gives way to a faster variant. */
  readonly wantedFps: number;
}

export interface RateReading {
  readonly mono: Millis;
  readonly heat: Heat;
  /** Of one look with the present variant, frame to boxes; left out when there was none since the last reading. */
  readonly inferenceMs?: number;
  /** Between two frames of the camera. */
  readonly framePeriodMs: number;
}

/** What the policy remembers. Plain data. */
export interface RateState {
  readonly rate: Rate;
  /** Steps of relief that heat has asked for. */
  readonly strain: number;
  readonly strainChanged: number;
  /** Every n-th frame that inference can keep up with, and when that changed. */
  readonly pace: number;
  readonly paceChanged: number;
  /** Variants passed over as too slow. */
  readonly slow: number;
  /** Milliseconds of the last looks with the present variant. */
  readonly recent: readonly number[];
  /** Usual milliseconds of each variant; undefined before it has looked some times. */
  readonly latency: readonly (number | undefined)[];
  /** Latency of the present variant when the slower one before was left. */
  readonly latencyAtSwitch: number | undefined;
  /** Looks with the present variant, up to what a decision needs. */
  readonly looks: number;
}

export type RateCause = 'heat' | 'cool' | 'slow' | 'fast';

export interface RateChange {
  readonly from: Rate;
  readonly to: Rate;
  readonly cause: RateCause;
  /** One sentence for a person. */
  readonly reason: string;
}

export interface RateStep {
  readonly state: RateState;
  readonly change?: RateChange;
}

const HOT_EVERY = 5_000;
const WARM_EVERY = 20_000;
const COOL_EVERY = 60_000;
/** Fifteen periods of a fifteenth of a second are a second. */
const ROUNDING = 1e-6;
/** Looks before a variant is called too slow: the first ones are slower than the rest. */
const LOOKS_TO_JUDGE = 8;

export const RATE_START: RateState = {
  rate: { everyNth: 1, variant: 0 },
  strain: 0,
  strainChanged: Number.NEGATIVE_INFINITY,
  pace: 1,
  paceChanged: Number.NEGATIVE_INFINITY,
  slow: 0,
  recent: [],
  latency: [],
  latencyAtSwitch: undefined,
  looks: 0,
};

export function nextRate(before: RateState, reading: RateReading, options: RateOptions): RateStep {
  const measured = withLatency(before, reading);
  const strained = withStrain(measured, reading, options);
  const judged = withVariant(strained, reading, options);
  const state = settle(judged, reading, options);
  const { rate: from } = before;
  const { rate: to } = state;
  if (from.everyNth === to.everyNth && from.variant === to.variant) return { state };
  return { state, change: { from, to, ...why(before, state, reading) } };
}

function withLatency(state: RateState, { inferenceMs }: RateReading): RateState {
  if (inferenceMs === undefined || !(inferenceMs >= 0)) return state;
  const recent = [...state.recent, inferenceMs].slice(-RECENT_LOOKS);
  const latency = [...state.latency];
  latency[state.rate.variant] = latencyOf(recent) ?? latency[state.rate.variant];
  return { ...state, recent, latency, looks: Math.min(state.looks + 1, LOOKS_TO_JUDGE) };
}

function withStrain(
  state: RateState,
  { heat, mono, framePeriodMs }: RateReading,
  options: RateOptions,
): RateState {
  const most = options.variants.length - 1 + Math.ceil(Math.log2(mostSkipped(framePeriodMs, options)));
  const since = mono - state.strainChanged;
  const step = (by: number) => ({ ...state, strain: state.strain + by, strainChanged: mono });
  const patience = heat.level === 'hot' ? HOT_EVERY : WARM_EVERY;
  if (heat.level === 'hot' || heat.level === 'warm') {
    return state.strain < most && since >= patience ? step(1) : state;
  }
  return heat.level === 'cool' && state.strain > 0 && since >= COOL_EVERY ? step(-1) : state;
}

/** A slow variant gives way where skipping alone would fall below the wanted rate; it returns when it would not. */
function withVariant(state: RateState, { framePeriodMs }: RateReading, options: RateOptions): RateState {
  const { rate, latency, looks, slow } = state;
  const own = latency[rate.variant];
  if (own === undefined || looks < LOOKS_TO_JUDGE) return state;
  const longest = 1000 / options.wantedFps;
  if (
    rate.variant < options.variants.length - 1 &&
    asLong(own, framePeriodMs) > longest &&
    framePeriodMs < longest
  ) {
    return { ...state, slow: Math.max(slow, rate.variant + 1), latencyAtSwitch: undefined };
  }
  const at = state.latencyAtSwitch;
  if (slow === 0 || rate.variant !== slow) return state;
  if (at === undefined) return { ...state, latencyAtSwitch: own };
  const slower = predicted(latency[slow - 1], own, at);
  if (slower === undefined || asLong(slower / 0.8, framePeriodMs) > longest) return state;
  return { ...state, slow: slow - 1, latencyAtSwitch: undefined, latency: latency.with(slow - 1, slower) };
}

function settle(state: RateState, { mono, framePeriodMs }: RateReading, options: RateOptions): RateState {
  const last = options.variants.length - 1;
  const variant = Math.max(Math.min(state.strain, last), Math.min(state.slow, last));
  const changed = variant !== state.rate.variant;
  const known = state.latency[variant];
  const pace =
    known === undefined
      ? changed
        ? 1
        : state.pace
      : keepUp(known, framePeriodMs, changed ? 1 : state.pace, mono - state.paceChanged);
  const skipped = 2 ** Math.max(state.strain - last, 0);
  const everyNth = Math.max(pace, Math.min(pace * skipped, mostSkipped(framePeriodMs, options)));
  return {
    ...state,
    pace,
    paceChanged: pace === state.pace ? state.paceChanged : mono,
    rate: { everyNth, variant },
    looks: changed ? 0 : state.looks,
    recent: changed ? [] : state.recent,
  };
}

const mostSkipped = (framePeriodMs: number, { minFps }: RateOptions) =>
  Math.max(1, Math.floor(1000 / (minFps * framePeriodMs) + ROUNDING));

function why(before: RateState, after: RateState, { heat, framePeriodMs }: RateReading) {
  const own = after.latency[before.rate.variant];
  const took =
    own === undefined ? '' : ` (${own.toFixed(0)} ms, a frame every ${framePeriodMs.toFixed(0)} ms)`;
  if (after.strain > before.strain) return { cause: 'heat', reason: heat.reason } as const;
  if (after.strain < before.strain) return { cause: 'cool', reason: 'the board is cool again' } as const;
  return after.pace > before.pace || after.slow > before.slow
    ? ({ cause: 'slow', reason: `inference is slower than the camera${took}` } as const)
    : ({ cause: 'fast', reason: `inference has time to spare${took}` } as const);
}

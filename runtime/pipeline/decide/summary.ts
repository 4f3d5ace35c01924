/** One sentence for a person: what is off, by how much, and what it looks like. */

import type { Contribution, EpisodePhase, FaultKind } from '../../core/messages.ts';
import type { Millis } from '../../core/units.ts';

const LIKE: Readonly<Record<FaultKind, string>> = {
  'sensor-failure': 'like a sensor failure',
  'sensor-drift': 'like a drifting sensor',
  'process-upset': 'like a process upset',
  'inconsistent-values':
    'like a forged or miscalibrated value, plausible by itself but not beside the others',
  communication: 'like a communication fault',
  unknown: 'like nothing known',
};

export interface SummaryInput {
  readonly group: string;
  readonly phase: EpisodePhase;
  readonly duration: Millis;
  readonly faultKind: FaultKind;
  readonly contributions: readonly Contribution[];
  /** Judged by the configuration alone. */
  readonly learning: boolean;
}

/** `biological: bio-do-1 at 0.4 mg/L (normal 1.8 … 2.4), with bio-nh4-2 high; looks like a process upset`. */
export function summarise(input: SummaryInput): string {
  const { group, phase, duration, faultKind } = input;
  const [top, ...others] = input.contributions;
  const looks = `looks ${LIKE[faultKind]}${input.learning ? '; what is normal is not learned yet' : ''}`;
  if (phase === 'end') {
    const where = top ? `${top.tag} ` : 'it ';
    return `${group}: over after ${span(duration)}; ${where}looked ${LIKE[faultKind]}`;
  }
  if (!top) return `${group}: unusual as a whole; ${looks}`;
  const beside = others.slice(0, 2).map((other) => `${other.tag} ${ADJECTIVE[other.direction]}`);
  const company = beside.length > 0 ? `, with ${beside.join(' and ')}` : '';
  return `${group}: ${describe(top, input.learning)}${company}; ${looks}`;
}

const ADJECTIVE: Readonly<Record<Contribution['direction'], string>> = {
  high: 'high',
  low: 'low',
  frozen: 'frozen',
  missing: 'missing',
  inconsistent: 'not fitting',
};

function describe(top: Contribution, learning: boolean): string {
  const unit = top.unit === '' ? '' : ` ${top.unit}`;
  if (top.value === null || top.direction === 'missing') return `${top.tag} gives no data`;
  const value = `${short(top.value)}${unit}`;
  if (top.direction === 'frozen') return `${top.tag} frozen at ${value}`;
  const normal = top.normal
    ? ` (${learning ? 'valid' : 'normal'} ${short(top.normal.low)} … ${short(top.normal.high)})`
    : '';
  if (top.direction === 'inconsistent') return `${top.tag} at ${value}${normal} does not fit the others`;
  return `${top.tag} at ${value}${normal}`;
}

const short = (value: number) => String(Number(value.toPrecision(4)));

function span(duration: Millis): string {
  const seconds = Math.round(duration / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** One sentence for a person. */

import type { IntrusionEnd } from '../../../core/messages.ts';
import type { Direction } from './crossing.ts';

interface Told {
  readonly phase: 'start' | 'update' | 'end';
  readonly label: string;
  readonly zone: string;
  readonly camera: string;
  readonly durationMs: number;
  readonly reason: IntrusionEnd | undefined;
}

const ENDS: Readonly<Record<IntrusionEnd, string>> = {
  left: 'left',
  lost: 'is out of sight in',
  doubtful: 'is not recognised any more in',
  disarmed: 'is still there, but the armed hours are over for',
  stopped: 'is not watched any more in',
};

export function summaryOf({ phase, label, zone, camera, durationMs, reason }: Told): string {
  const where = `zone '${zone}' of camera '${camera}'`;
  if (phase === 'start') return `${label} in ${where}`;
  if (phase === 'update') return `${label} in ${where} for ${lasting(durationMs)}`;
  return `${label} ${ENDS[reason ?? 'left']} ${where} after ${lasting(durationMs)}`;
}

export function crossingSummary(label: string, wire: string, camera: string, direction: Direction): string {
  const [from, to] = direction === 'left-to-right' ? ['left', 'right'] : ['right', 'left'];
  return `${label} crossed tripwire '${wire}' of camera '${camera}' from ${from} to ${to}`;
}

function lasting(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const minutes = Math.round(ms / 60_000);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

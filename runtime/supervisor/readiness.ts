/** When the node may call itself ready, and how it says so. Pure. */

import type { Health } from '../core/component.ts';
import { type Millis, seconds } from '../core/units.ts';

/** Whoever waits for the node waits no longer: what is missing then is stated, and may come later. */
export const READY_AT_MOST = seconds(30);

export interface Inputs {
  readonly sources: Readonly<Record<string, Health>>;
  readonly cameras: Readonly<Record<string, Health>>;
  /** A tag was read with good quality. */
  readonly anyGood: boolean;
}

/**
 * Ready is a node that has read something, or that can say what it cannot read.
 * @param waited since the node began to start.
 * @returns what to say of it; undefined while an input may still come up.
 */
export function readyWith({ sources, cameras, anyGood }: Inputs, waited: Millis): string | undefined {
  if (anyGood) return 'reading';
  const seen = Object.keys(cameras).find((name) => cameras[name]?.state === 'ok');
  if (seen !== undefined) return `seeing (${seen})`;
  const inputs = Object.entries({ ...sources, ...cameras });
  if (inputs.length === 0) return 'no sources and no cameras are configured';
  const down = inputs.filter(([, { state }]) => state === 'failed' || state === 'degraded');
  if (down.length === inputs.length || waited >= READY_AT_MOST) {
    const why = (down.length > 0 ? down : inputs).map(
      ([name, { detail }]) => `${name}: ${detail || 'silent'}`,
    );
    return `degraded, nothing was read yet: ${why.join('; ')}`;
  }
  return undefined;
}

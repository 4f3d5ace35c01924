/** Which fault comes when in the demo: one of each kind in turn, with calm between them. */

import { type Millis, seconds } from '../../runtime/core/units.ts';

export interface ScriptedFault {
  /** After the previous one began. */
  readonly delay: Millis;
  /** As `vigie simulate plant --fault` takes it. */
  readonly spec: string;
  /** For the person watching. */
  readonly text: string;
}

/** Learning takes 60 s; the first fault follows soon, so that something is to be seen within two minutes. */
const FIRST_AFTER = seconds(80);
const NEXT_AFTER = seconds(240);

const SCRIPT = [
  { spec: 'blower-failure+90s', text: 'an aeration blower fails (for 90 s)' },
  { spec: 'stuck+90s', text: 'a sensor freezes (for 90 s)' },
  { spec: 'drift+150s', text: 'a sensor drifts (for 150 s)' },
  { spec: 'ammonia-peak+120s', text: 'a load of ammonia arrives (for 2 min)' },
  { spec: 'forged-combination+90s', text: 'someone forges values of a stage (for 90 s)' },
] as const;

export function nextFault(index: number): ScriptedFault {
  const fault = SCRIPT[index % SCRIPT.length] as (typeof SCRIPT)[number];
  return { delay: index === 0 ? FIRST_AFTER : NEXT_AFTER, ...fault };
}

/** Asks the kernel whether the wall clock is disciplined: true for chrony, ntpd and systemd-timesyncd alike. */

import { type SyncProbe, timesyncProbe } from '../core/clock.ts';
import { binding } from './binding.ts';

/**
 * The kernel's STA_UNSYNC flag through adjtimex(2), read only.
 * @returns undefined where the kernel refuses to say: a seccomp filter without `adjtimex`, for example.
 * @throws ModelError `addon-missing`
 */
export function clockSynchronised(): boolean | undefined {
  return binding().clockSynchronised();
}

/** For `SystemClock`: the kernel's word, or systemd-timesyncd's flag file where the kernel or the addon cannot say. */
export const kernelProbe: SyncProbe = () => {
  try {
    return clockSynchronised() ?? timesyncProbe();
  } catch {
    return timesyncProbe(); // a node without its addon still has sensors to stamp
  }
};

/** What the analysis asks of the event loop; tests drive it by hand. */

import { setImmediate as immediate } from 'node:timers/promises';
import type { Millis } from '../../core/units.ts';

export interface Timers {
  /** Calls back every `interval`; never keeps the process alive. @returns how to stop it. */
  every(interval: Millis, callback: () => void): () => void;
  /** Lets everything else that waits run first. */
  pause(): Promise<void>;
}

export const systemTimers: Timers = {
  every(interval, callback) {
    const timer = setInterval(callback, interval);
    timer.unref();
    return () => clearInterval(timer);
  },
  pause: () => immediate(),
};

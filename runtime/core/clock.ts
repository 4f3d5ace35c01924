/** The only place that reads a clock. Pure code takes time as an argument; drivers own a Clock. */

import { existsSync } from 'node:fs';
import type { Stamp, TimeQuality } from './messages.ts';
import { type EpochMillis, epochMillis, type Millis, millis } from './units.ts';

export interface Clock {
  /** CLOCK_MONOTONIC: never jumps, starts at the machine's boot, shared by all its processes. */
  mono(): Millis;
  wall(): EpochMillis;
  timeQuality(): TimeQuality;
  /** The three together, as samples and records carry them. */
  stamp(): Stamp;
}

/** Asks the machine whether its wall clock is set; the addon reads the kernel's own flag where it is loaded. */
export type SyncProbe = () => boolean;

/** systemd-timesyncd touches this file at its first synchronisation since boot. */
const TIMESYNC_FLAG = '/run/systemd/timesync/synchronized';
export const timesyncProbe: SyncProbe = () => existsSync(TIMESYNC_FLAG);

const PROBE_EVERY = millis(5000);

export class SystemClock implements Clock {
  readonly #probe: SyncProbe;
  #quality: TimeQuality = 'unsynced';
  #probedAt = millis(Number.NEGATIVE_INFINITY);

  constructor(probe: SyncProbe = timesyncProbe) {
    this.#probe = probe;
  }

  mono(): Millis {
    return millis(Number(process.hrtime.bigint()) / 1e6);
  }

  wall(): EpochMillis {
    return epochMillis(Date.now());
  }

  timeQuality(): TimeQuality {
    const now = this.mono();
    if (now - this.#probedAt >= PROBE_EVERY) {
      this.#probedAt = now;
      this.#quality = this.#probe() ? 'synced' : 'unsynced';
    }
    return this.#quality;
  }

  stamp(): Stamp {
    return { mono: this.mono(), wall: this.wall(), timeQuality: this.timeQuality() };
  }
}

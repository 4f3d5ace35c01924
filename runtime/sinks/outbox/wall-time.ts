/** Wall times of records written before the clock was set, corrected from their monotonic stamps. */

import { readFileSync } from 'node:fs';
import type { Clock } from '../../core/clock.ts';
import type { Stamp } from '../../core/messages.ts';
import { epochMillis } from '../../core/units.ts';

const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

/** A wall clock that moved more than this against the monotonic one since it was noted is noted again. */
const STEP_MS = 1000;

/**
 * Identifies one start of the machine: monotonic stamps compare within it, also between processes.
 * @param fallback stands in where the kernel gives none; then stamps compare within this process alone.
 */
export function kernelBootId(fallback: string): string {
  try {
    return readFileSync(BOOT_ID_FILE, 'utf8').trim();
  } catch {
    return `process-${fallback}`;
  }
}

export class WallTimes {
  readonly #clock: Clock;
  readonly #kernel: string;
  /** Wall minus monotonic time of each machine start whose clock was set, milliseconds. */
  readonly #offsets: Map<string, number>;

  /** @param offsets what earlier processes noted, by kernel boot id. */
  constructor(clock: Clock, kernel: string, offsets: Map<string, number>) {
    this.#clock = clock;
    this.#kernel = kernel;
    this.#offsets = offsets;
  }

  /** A synced stamp stays as it was taken, whatever the clock did later. */
  correct(stamp: Stamp, kernel = this.#kernel): Stamp {
    const { mono, wall, timeQuality } = stamp;
    if (timeQuality === 'synced') return { mono, wall, timeQuality };
    const offset = kernel === this.#kernel ? this.#offsetNow() : this.#offsets.get(kernel);
    if (offset === undefined) return { mono, wall, timeQuality };
    return { mono, wall: epochMillis(Math.round(mono + offset)), timeQuality: 'synced' };
  }

  /** What to note on disk, so that records of this machine start can be corrected after the next start too. */
  toNote(): number | undefined {
    const offset = this.#offsetNow();
    if (offset === undefined) return undefined;
    const known = this.#offsets.get(this.#kernel);
    return known !== undefined && Math.abs(known - offset) < STEP_MS ? undefined : offset;
  }

  noted(offset: number): void {
    this.#offsets.set(this.#kernel, offset);
  }

  #offsetNow(): number | undefined {
    const now = this.#clock.stamp();
    return now.timeQuality === 'synced' ? now.wall - now.mono : undefined;
  }
}

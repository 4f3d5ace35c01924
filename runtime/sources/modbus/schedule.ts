/** Who is asked next on one bus. Pure: time comes as an argument (monotonic milliseconds). */

import { type Millis, millis } from '../../core/units.ts';

export interface Job {
  readonly period: Millis;
}

export interface Turn<J> {
  readonly unit: number;
  readonly job: J;
  /** When it should have started. */
  readonly due: Millis;
  /** Polls of this job that were skipped because the bus was not free before the next one was due. */
  readonly missed: number;
}

interface Entry<J> {
  readonly job: J;
  due: number;
  /** Number of the turn it had last. */
  servedAt: number;
}

interface Lane<J> {
  readonly unit: number;
  entries: Entry<J>[];
  nextDue: number;
  servedAt: number;
}

/**
 * Every job is due at `start + k × period`, whatever happened before: what was missed is counted and left out,
 * never made up in a burst. Among the units with something due the one served longest ago goes first, so that a
 * unit with many or slow requests cannot starve its neighbours.
 */
export class Schedule<J extends Job> {
  readonly #start: Millis;
  readonly #lanes: Lane<J>[];
  #turns = 0;

  /** @param units the jobs of each unit. */
  constructor(units: readonly (readonly J[])[], start: Millis) {
    this.#start = start;
    this.#lanes = units.map((jobs, unit) => {
      const entries = jobs.map((job) => ({ job, due: start as number, servedAt: 0 }));
      return { unit, entries, nextDue: earliest(entries), servedAt: 0 };
    });
  }

  /** The job to run now and its next due time set; undefined when nothing is due. */
  next(now: Millis): Turn<J> | undefined {
    let lane: Lane<J> | undefined;
    for (const candidate of this.#lanes) {
      if (candidate.nextDue > now) continue;
      if (!lane || candidate.servedAt < lane.servedAt) lane = candidate;
    }
    if (!lane) return undefined;
    const entry = lane.entries.reduce((best, other) => (isBefore(other, best) ? other : best));
    const due = millis(entry.due);
    const missed = Math.floor((now - due) / entry.job.period);
    entry.due = this.#after(entry.job, now);
    lane.nextDue = earliest(lane.entries);
    this.#turns += 1;
    lane.servedAt = this.#turns;
    entry.servedAt = this.#turns;
    return { unit: lane.unit, job: entry.job, due, missed };
  }

  /** When something is due next; infinite when there is nothing at all. */
  wakeAt(): Millis {
    let wake = Number.POSITIVE_INFINITY;
    for (const lane of this.#lanes) if (lane.nextDue < wake) wake = lane.nextDue;
    return millis(wake);
  }

  /** All jobs of a unit are due now (it came back); from then on in their old phase. */
  hurry(unit: number, now: Millis): void {
    const lane = this.#lanes[unit]!;
    for (const entry of lane.entries) entry.due = Math.min(entry.due, now);
    lane.nextDue = earliest(lane.entries);
  }

  /** Other jobs for a unit: due now, later in the phase that all jobs share. */
  replace(unit: number, remove: readonly J[], add: readonly J[], now: Millis): void {
    const lane = this.#lanes[unit]!;
    const kept = lane.entries.filter((entry) => !remove.includes(entry.job));
    lane.entries = [...kept, ...add.map((job) => ({ job, due: now as number, servedAt: 0 }))];
    lane.nextDue = earliest(lane.entries);
  }

  /** The first regular due time of a job after `now`; the loop absorbs what the division rounds. */
  #after(job: J, now: Millis): number {
    let due = this.#start + Math.floor((now - this.#start) / job.period) * job.period;
    while (due <= now) due += job.period;
    return due;
  }
}

function isBefore<J>(a: Entry<J>, b: Entry<J>): boolean {
  return a.due < b.due || (a.due === b.due && a.servedAt < b.servedAt);
}

function earliest(entries: readonly { due: number }[]): number {
  return entries.reduce((least, entry) => Math.min(least, entry.due), Number.POSITIVE_INFINITY);
}

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
  /** A binary heap, the next entry first: a unit may have thousands of requests, and each turn asks for one. */
  entries: Entry<J>[];
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
      // Equal keys are a heap already.
      const entries = jobs.map((job) => ({ job, due: start as number, servedAt: 0 }));
      return { unit, entries, servedAt: 0 };
    });
  }

  /** The job to run now and its next due time set; undefined when nothing is due. */
  next(now: Millis): Turn<J> | undefined {
    let lane: Lane<J> | undefined;
    for (const candidate of this.#lanes) {
      if (nextDue(candidate) > now) continue;
      if (!lane || candidate.servedAt < lane.servedAt) lane = candidate;
    }
    if (!lane) return undefined;
    const entry = lane.entries[0]!;
    const due = millis(entry.due);
    const missed = Math.floor((now - due) / entry.job.period);
    entry.due = this.#after(entry.job, now);
    this.#turns += 1;
    lane.servedAt = this.#turns;
    entry.servedAt = this.#turns;
    sink(lane.entries, 0);
    return { unit: lane.unit, job: entry.job, due, missed };
  }

  /** When something is due next; infinite when there is nothing at all. */
  wakeAt(): Millis {
    let wake = Number.POSITIVE_INFINITY;
    for (const lane of this.#lanes) wake = Math.min(wake, nextDue(lane));
    return millis(wake);
  }

  /** All jobs of a unit are due now (it came back); from then on in their old phase. */
  hurry(unit: number, now: Millis): void {
    const lane = this.#lanes[unit]!;
    for (const entry of lane.entries) entry.due = Math.min(entry.due, now);
    order(lane.entries);
  }

  /** Other jobs for a unit: due now, later in the phase that all jobs share. */
  replace(unit: number, remove: readonly J[], add: readonly J[], now: Millis): void {
    const lane = this.#lanes[unit]!;
    const removed = new Set(remove);
    const kept = lane.entries.filter((entry) => !removed.has(entry.job));
    const added = add.map((job) => ({ job, due: now as number, servedAt: 0 }));
    lane.entries = [...kept, ...added];
    order(lane.entries);
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

function nextDue<J>({ entries }: Lane<J>): number {
  return entries[0]?.due ?? Number.POSITIVE_INFINITY;
}

/** Makes a heap of entries in any order. */
function order<J>(heap: Entry<J>[]): void {
  for (let at = (heap.length >> 1) - 1; at >= 0; at--) sink(heap, at);
}

/** Moves the entry at `at` down to where it belongs in the heap. */
function sink<J>(heap: Entry<J>[], at: number): void {
  const entry = heap[at]!;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
    if (!isBefore(heap[child]!, entry)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = entry;
}

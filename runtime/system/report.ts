/**
 * Tells, once, how the update of the whole system ended. What there is to tell was written by root's tools beside the
 * node (record.ts); the node only reads it, at its start and while it runs, since a trial is confirmed while it does.
 */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonFile, writeFileAtomic } from '../core/atomic-file.ts';
import type { Clock } from '../core/clock.ts';
import { type Component, HEALTHY, type Health } from '../core/component.ts';
import { describeError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Accept } from '../core/messages.ts';
import { seconds } from '../core/units.ts';
import { type Outcome, readRecord } from './record.ts';

export interface SystemReportOptions {
  /** The record of system updates. */
  readonly record: string;
  readonly dataDir: string;
  readonly accept: Accept;
  readonly clock: Clock;
  readonly log: Log;
}

const LOOK_EVERY = seconds(30);

export class SystemReport implements Component {
  readonly name = 'system';
  readonly #options: SystemReportOptions;
  readonly #toldPath: string;
  #timer: NodeJS.Timeout | undefined;
  #changed = 0;

  constructor(options: SystemReportOptions) {
    this.#options = options;
    this.#toldPath = join(options.dataDir, 'system-told.json');
  }

  async start(): Promise<void> {
    await this.look();
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  health(): Health {
    return HEALTHY;
  }

  /** Reads the record when it changed, and tells what was not told. Never throws. */
  async look(): Promise<void> {
    const { record, accept, clock, log } = this.#options;
    const changed = statSync(record, { throwIfNoEntry: false })?.mtimeMs;
    if (changed === undefined || changed === this.#changed) return;
    this.#changed = changed;
    const { last } = readRecord(record);
    if (!last || this.#wasTold(last)) return;
    try {
      await accept({ ...clock.stamp(), class: 'event', topic: 'events/system', body: systemEvent(last) });
      // Told twice after a power cut in between is better than not told.
      writeFileAtomic(this.#toldPath, JSON.stringify(last));
      log.info({ event: 'system.update.ended', ...last }, `system update ${last.outcome}: ${last.reason}`);
    } catch (error) {
      log.error(
        { event: 'system.report.failed', error: describeError(error) },
        'a system update was not reported',
      );
    }
  }

  #wasTold(last: Outcome): boolean {
    try {
      return JSON.stringify(readJsonFile(this.#toldPath)) === JSON.stringify(last);
    } catch {
      return false;
    }
  }
}

/** Body of `events/system`. */
export function systemEvent({ outcome, slot, version, reason }: Outcome) {
  return { schema: 'vigie.system/1', outcome, slot, version, reason } as const;
}

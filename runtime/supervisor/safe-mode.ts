/**
 * The part of a node in safe mode that says why it is in it, and finds the moment to leave it: when the configuration
 * was mended, and now and then to see whether what was wrong has passed.
 */

import { existsSync, statSync } from 'node:fs';
import type { Component, Health } from '../core/component.ts';
import type { Log } from '../core/log.ts';
import type { Millis } from '../core/units.ts';

export interface SafeModeOptions {
  /** Why the node is in it, for a person. */
  readonly why: string;
  /** Files by which it might be mended. */
  readonly files: readonly string[];
  /** Whether the node could run as the files are now. */
  readonly mended: () => Promise<boolean>;
  /** When the node is tried again in any case. */
  readonly retryAfter: Millis;
  /** Ends safe mode; returns at once. */
  readonly leave: (reason: string) => void;
  readonly log: Log;
  /** How often the files are looked at. */
  readonly lookEvery: Millis;
}

export class SafeMode implements Component {
  readonly name = 'safe-mode';
  readonly #options: SafeModeOptions;
  #seen = '';
  #timers: NodeJS.Timeout[] = [];

  constructor(options: SafeModeOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { why, log, retryAfter, leave, lookEvery } = this.#options;
    log.error({ event: 'safe-mode.entered', why }, this.health().detail);
    this.#seen = this.#stamps();
    this.#timers = [
      setInterval(() => void this.#look(), lookEvery),
      setTimeout(() => leave('it is time to try again'), retryAfter),
    ];
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
  }

  health(): Health {
    const { why, retryAfter } = this.#options;
    const again = `It is tried again after ${Math.round(retryAfter / 60_000)} min, when the configuration is mended, or now: systemctl restart vigie`;
    return { state: 'failed', detail: `SAFE MODE, nothing is measured: ${why}. ${again}` };
  }

  async #look(): Promise<void> {
    const { mended, leave, log } = this.#options;
    const now = this.#stamps();
    if (now === this.#seen) return;
    this.#seen = now;
    const good = await mended();
    log.info({ event: 'safe-mode.configuration.changed', good }, good ? 'mended' : 'it cannot run yet');
    if (good) leave('the configuration was changed');
  }

  /** Size, time and place of each file: an editor replaces it. */
  #stamps(): string {
    return this.#options.files
      .map((file) => {
        if (!existsSync(file)) return '-';
        const { size, mtimeMs, ino } = statSync(file);
        return `${size} ${mtimeMs} ${ino}`;
      })
      .join('\n');
  }
}

/**
 * Reads the board's heat now and then, for all cameras of a process: the kernel's zones, what tegrastats writes to a file, and the
 * firmware's word on throttling, from the kernel or from its program.
 */

import { execFile } from 'node:child_process';
import type { Millis } from '../../../core/units.ts';
import {
  parseTegrastats,
  parseThrottled,
  readLastLine,
  readThermalZones,
  readThrottled,
  type Throttled,
  type ZoneTemperature,
} from './board.ts';

export interface BoardOptions {
  /** Of the file system; for tests. */
  readonly root?: string;
  /** The Raspberry Pi's program; for tests. */
  readonly vcgencmd?: string;
  /** File that `tegrastats --logfile` writes. */
  readonly tegrastats?: string | undefined;
}

export interface BoardReading {
  readonly zones: readonly ZoneTemperature[];
  readonly throttled: Throttled | undefined;
}

/** Boards warm slowly, and reading a sensor may wake it. */
const READ_EVERY = 2000;
/** The program takes some milliseconds of a core. */
const ASK_EVERY = 5000;
const ASK_LIMIT_MS = 1000;
/** What the program said counts for so long. */
const ANSWER_HOLDS = 15_000;
/** A log that grows no more says nothing of now. */
const LOG_HOLDS = 15_000;

export class BoardReader {
  readonly #options: BoardOptions;
  #reading: BoardReading = { zones: [], throttled: undefined };
  #readAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #answer: { readonly throttled: Throttled; readonly at: number } | undefined;
  /** No such program here. */
  #noProgram = false;
  #log = { writtenAt: 0, changedAt: Number.NEGATIVE_INFINITY };

  constructor(options: BoardOptions = {}) {
    this.#options = options;
  }

  at(mono: Millis): BoardReading {
    if (mono - this.#readAt < READ_EVERY) return this.#reading;
    this.#readAt = mono;
    const { root } = this.#options;
    const zones = [...readThermalZones(root), ...this.#logged(mono)];
    this.#reading = { zones, throttled: readThrottled(root) ?? this.#said(mono) };
    return this.#reading;
  }

  #logged(mono: number): ZoneTemperature[] {
    const { tegrastats } = this.#options;
    const line = tegrastats === undefined ? undefined : readLastLine(tegrastats);
    if (!line) return [];
    if (line.writtenAt !== this.#log.writtenAt) this.#log = { writtenAt: line.writtenAt, changedAt: mono };
    return mono - this.#log.changedAt > LOG_HOLDS ? [] : parseTegrastats(line.text);
  }

  /** What the firmware's program said last; it is asked beside, since no frame shall wait for it. */
  #said(mono: number): Throttled | undefined {
    const { vcgencmd = 'vcgencmd' } = this.#options;
    if (!this.#noProgram && mono - this.#askedAt >= ASK_EVERY) {
      this.#askedAt = mono;
      execFile(vcgencmd, ['get_throttled'], { timeout: ASK_LIMIT_MS }, (error, stdout) => {
        this.#noProgram = error?.code === 'ENOENT';
        const throttled = error ? undefined : parseThrottled(stdout);
        if (throttled) this.#answer = { throttled, at: mono };
      });
    }
    const answer = this.#answer;
    return answer && mono - answer.at <= ANSWER_HOLDS ? answer.throttled : undefined;
  }
}

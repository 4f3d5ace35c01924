/**
 * What the node said before it ended, and how it ended, for the start after it. In the runtime directory: memory, which
 * a power cut empties, as it should.
 */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How systemd saw it end (ExecStopPost of vigie.service): result, code, status. */
const END = 'last-end';
const WORDS = 'last-words';
/** What safe mode remembers of its own starts. */
export const SAFE_MODE_MEMORY = 'safe-mode';
const LONGEST = 2000;

export class LastWords {
  readonly #directory: string | undefined;

  /** @param directory `$RUNTIME_DIRECTORY`; undefined: nothing is kept. */
  constructor(directory: string | undefined) {
    this.#directory = directory;
  }

  /** Never throws: it is written when all else goes wrong. */
  say(text: string): void {
    if (this.#directory === undefined) return;
    try {
      mkdirSync(this.#directory, { recursive: true });
      writeFileSync(join(this.#directory, WORDS), text.slice(0, LONGEST));
    } catch {}
  }

  /** The node came up well: what was before is over. */
  forget(): void {
    if (this.#directory === undefined) return;
    for (const name of [END, WORDS, SAFE_MODE_MEMORY]) {
      try {
        rmSync(join(this.#directory, name), { force: true });
      } catch {}
    }
  }

  /** Both in one sentence; undefined when nothing is known. */
  tell(): string | undefined {
    const end = describeEnd(this.#read(END));
    const words = this.#read(WORDS);
    const parts = [end, words && `it said last: ${words}`].filter((part) => part);
    return parts.length === 0 ? undefined : parts.join('; ');
  }

  #read(name: string): string {
    if (this.#directory === undefined) return '';
    try {
      return readFileSync(join(this.#directory, name), 'utf8').trim().slice(0, LONGEST);
    } catch {
      return '';
    }
  }
}

/** @param text `$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS` of systemd.exec(5), such as `watchdog dumped ABRT`. */
export function describeEnd(text: string): string {
  const [result, , status] = text.split(' ');
  switch (result) {
    case undefined:
    case '':
      return '';
    case 'watchdog':
      return 'it gave no sign of life and was ended by the watchdog';
    case 'timeout':
      return 'it did not start or stop in time';
    case 'oom-kill':
      return 'the kernel ended it for want of memory';
    case 'exit-code':
      return `it ended with status ${status}`;
    case 'signal':
    case 'core-dump':
      return `it was ended by signal ${status}`;
    case 'success':
      return 'it ended by itself';
    default:
      return `it ended: ${text}`;
  }
}

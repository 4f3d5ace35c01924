/** Progress of a download: on a terminal one line that changes, elsewhere nothing. */

import { size } from '../table.ts';

export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const EVERY_MS = 200;
const TO_LINE_START = '\r\x1b[K';

/** ` 45 %  1.6 MB of 3.7 MB  2.1 MB/s  1 s left`. */
export function progressText(done: number, total: number, elapsedMs: number): string {
  const perMs = elapsedMs > 0 ? done / elapsedMs : 0;
  const share = `${Math.floor((100 * done) / total)}`.padStart(3);
  const left = perMs > 0 ? `  ${duration((total - done) / perMs)} left` : '';
  return `${share} %  ${size(done)} of ${size(total)}  ${size(Math.round(perMs * 1000))}/s${left}`;
}

/** `8 s`, `3 min 05 s`. */
function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60
    ? `${seconds} s`
    : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

export class Progress {
  readonly #total: number;
  readonly #terminal: Terminal | undefined;
  readonly #now: () => number;
  readonly #began: number;
  #drawnAt = Number.NEGATIVE_INFINITY;

  /** @param now milliseconds, monotonic. */
  constructor(total: number, terminal: Terminal, now: () => number = () => performance.now()) {
    this.#total = total;
    this.#terminal = terminal.isTTY ? terminal : undefined;
    this.#now = now;
    this.#began = now();
  }

  show(done: number): void {
    const now = this.#now();
    if (!this.#terminal || (now - this.#drawnAt < EVERY_MS && done < this.#total)) return;
    this.#drawnAt = now;
    this.#terminal.write(`${TO_LINE_START}${progressText(done, this.#total, now - this.#began)}`);
  }

  /** Leaves the line to whoever writes next. */
  clear(): void {
    if (this.#drawnAt > Number.NEGATIVE_INFINITY) this.#terminal?.write(TO_LINE_START);
  }
}

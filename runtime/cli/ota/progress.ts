/** A line that says how far long work is, how fast it goes and how long it will take. Silent where nobody watches. */

import { size } from '../model/table.ts';

const WIDTH = 24;
const REDRAW_MS = 100;
/** Before it, a rate says more about the start than about the work. */
const LEAST_MS = 300;

/** @param elapsedMs since the start. */
export function progressLine(label: string, done: number, total: number, elapsedMs: number): string {
  const share = total > 0 ? Math.min(1, done / total) : 1;
  const filled = Math.round(share * WIDTH);
  const bar = `${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}`;
  const parts = [`${label} [${bar}] ${Math.floor(share * 100)} %`, `${size(done)} of ${size(total)}`];
  if (elapsedMs >= LEAST_MS && done > 0) {
    const perSecond = (done / elapsedMs) * 1000;
    parts.push(`${size(perSecond)}/s`, `${timeLeft((total - done) / perSecond)} left`);
  }
  return parts.join('  ');
}

/** `4 s`, `3 min 20 s`, `2 h 5 min`. */
export function timeLeft(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export interface ProgressOptions {
  readonly label: string;
  /** Bytes. */
  readonly total: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly to?: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;
}

export class Progress {
  readonly #options: ProgressOptions;
  readonly #to: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;
  readonly #start: number;
  #drawn = Number.NEGATIVE_INFINITY;
  #done = 0;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#to = options.to ?? process.stderr;
    this.#start = options.now();
  }

  readonly add = (bytes: number): void => {
    this.#done += bytes;
    const now = this.#options.now();
    if (!this.#to.isTTY || now - this.#drawn < REDRAW_MS) return;
    this.#drawn = now;
    const { label, total } = this.#options;
    this.#to.write(
      `\r${progressLine(label, this.#done, Math.max(total, this.#done), now - this.#start)}\x1b[K`,
    );
  };

  /** Takes the line away: what follows says what came of it. */
  end(): void {
    if (this.#to.isTTY && this.#drawn > Number.NEGATIVE_INFINITY) this.#to.write('\r\x1b[K');
  }
}

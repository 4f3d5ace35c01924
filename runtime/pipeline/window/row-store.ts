/** Rows kept while a baseline is learned: bounded, thinned out evenly, and able to survive a restart. Pure. */

import { ModelError } from '../../core/errors.ts';
import type { Rows } from '../anomaly/detector.ts';

/**
 * Thinning keeps whole runs of rows: rates of change, runs of equal values and autocorrelation inside a run
 * stay what they were, which single rows picked at a stride would not show.
 */
const LONGEST_RUN = 100;
/** Few enough that most rows of the smallest store still follow the one before. */
const RUNS_KEPT = 25;
const FIRST_CAPACITY = 64;

/** The store as JSON-serialisable data; doubles as base64, so that nothing is rounded. */
export interface SavedRows {
  readonly width: number;
  readonly count: number;
  readonly seen: number;
  readonly stride: number;
  readonly run: number;
  readonly mono: string;
  readonly data: string;
}

export class RowStore {
  readonly width: number;
  readonly maxRows: number;
  #run: number;
  /** Of every `stride` runs one is kept. */
  #stride = 1;
  #seen = 0;
  #count = 0;
  #data: Float64Array;
  #mono: Float64Array;

  /** @param maxRows bound of `count`, at least 2. */
  constructor(width: number, maxRows: number) {
    this.width = width;
    this.maxRows = maxRows;
    this.#run = Math.max(1, Math.min(LONGEST_RUN, Math.floor(maxRows / RUNS_KEPT)));
    this.#data = new Float64Array(FIRST_CAPACITY * width);
    this.#mono = new Float64Array(FIRST_CAPACITY);
  }

  /** Rows offered so far, kept or not. */
  get seen(): number {
    return this.#seen;
  }

  get count(): number {
    return this.#count;
  }

  /** Stamp of the last row kept; -Infinity when there is none. */
  get lastMono(): number {
    return this.#count === 0 ? Number.NEGATIVE_INFINITY : this.#mono[this.#count - 1]!;
  }

  /** @param row `width` values, copied. */
  push(row: ArrayLike<number>, mono: number): void {
    const run = Math.floor(this.#seen / this.#run);
    this.#seen += 1;
    if (run % this.#stride !== 0) return;
    while (this.#count >= this.maxRows) this.#thin();
    if (Math.floor((this.#seen - 1) / this.#run) % this.#stride !== 0) return;
    this.#reserve(this.#count + 1);
    this.#data.set(row, this.#count * this.width);
    this.#mono[this.#count] = mono;
    this.#count += 1;
  }

  /** The rows kept, oldest first, a copy with the given columns. */
  rows(columns: readonly number[]): Rows {
    const data = new Float64Array(this.#count * columns.length);
    for (let r = 0, at = 0; r < this.#count; r++) {
      const base = r * this.width;
      for (const column of columns) data[at++] = this.#data[base + column]!;
    }
    return { count: this.#count, width: columns.length, data, mono: this.#mono.slice(0, this.#count) };
  }

  save(): SavedRows {
    return {
      width: this.width,
      count: this.#count,
      seen: this.#seen,
      stride: this.#stride,
      run: this.#run,
      mono: encode(this.#mono, this.#count),
      data: encode(this.#data, this.#count * this.width),
    };
  }

  /** Takes back what `save` gave. @throws ModelError `bad-state` when it is not that, or not of this width. */
  load(saved: SavedRows): void {
    const whole = [saved.count, saved.seen, saved.stride, saved.run];
    const sound =
      saved.width === this.width && whole.every((n) => Number.isSafeInteger(n) && n >= 0) && saved.run >= 1;
    if (!sound || saved.stride < 1 || saved.seen < saved.count) throw badState('counts do not fit');
    const data = decode(saved.data);
    const mono = decode(saved.mono);
    if (data.length !== saved.count * this.width || mono.length !== saved.count) {
      throw badState('rows are cut short');
    }
    this.#run = saved.run;
    this.#stride = saved.stride;
    this.#seen = saved.seen;
    this.#count = saved.count;
    this.#data = data;
    this.#mono = mono;
    while (this.#count > this.maxRows) this.#thin();
  }

  /** Keeps every second run. */
  #thin(): void {
    let kept = 0;
    for (let r = 0; r < this.#count; r++) {
      if (Math.floor(r / this.#run) % 2 !== 0) continue;
      this.#data.copyWithin(kept * this.width, r * this.width, (r + 1) * this.width);
      this.#mono[kept] = this.#mono[r]!;
      kept += 1;
    }
    // A single run that fills the store: shorter runs from here on.
    if (kept === this.#count) this.#run = Math.max(1, Math.floor(this.#run / 2));
    else {
      this.#count = kept;
      this.#stride *= 2;
    }
  }

  #reserve(rows: number): void {
    if (rows <= this.#mono.length) return;
    const capacity = Math.min(this.maxRows, Math.max(rows, this.#mono.length * 2, FIRST_CAPACITY));
    const data = new Float64Array(capacity * this.width);
    const mono = new Float64Array(capacity);
    data.set(this.#data.subarray(0, this.#count * this.width));
    mono.set(this.#mono.subarray(0, this.#count));
    this.#data = data;
    this.#mono = mono;
  }
}

function encode(values: Float64Array, length: number): string {
  return Buffer.from(values.buffer, values.byteOffset, length * 8).toString('base64');
}

function decode(text: unknown): Float64Array {
  if (typeof text !== 'string') throw badState('rows are no text');
  const raw = Buffer.from(text, 'base64');
  if (raw.length % 8 !== 0) throw badState('rows are cut short');
  const values = new Float64Array(raw.length / 8);
  new Uint8Array(values.buffer).set(raw);
  return values;
}

const badState = (problem: string) => new ModelError('bad-state', `saved learning rows: ${problem}`);

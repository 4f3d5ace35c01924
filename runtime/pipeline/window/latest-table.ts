/** The present state of one process group: the latest usable value of each tag, read out as rows. Pure: time is an argument. */

import type { Sample, Tag } from '../../core/messages.ts';
import { type Millis, millis, seconds } from '../../core/units.ts';

/** A value is held this many periods of its own tag; older ones count as missing. */
const STALE_AFTER_PERIODS = 3;
/** …and no shorter than this: a pause of the node itself, as while it learns, is no silence of the sensor. */
const STALE_AT_LEAST = seconds(1);
/** Tags read at nearly the group's cadence decide when a round is complete; slower ones are held. */
const FAST_WITHIN = 1.1;
/** Larger than any engineering quantity, and small enough that sums of squares stay finite. */
const LARGEST = 1e15;

/** What became of one sample. */
export type Taken = 'value' | 'missing' | 'text' | 'not-finite' | 'late';

export class LatestTable {
  readonly columns: readonly Tag[];
  /** How often a row is due: the shortest period of the group's tags. */
  readonly cadence: Millis;
  readonly #values: Float64Array;
  /** When each column last heard of its tag, whatever the quality; -Infinity for never. */
  readonly #heard: Float64Array;
  readonly #limits: Float64Array;
  readonly #row: Float64Array;
  /** 1 where this round still waits for a fast column that is alive. */
  readonly #awaited: Uint8Array;
  readonly #fast: Uint8Array;
  #waiting = 0;
  #fresh = 0;
  #unheard: number;
  #newest = Number.NEGATIVE_INFINITY;

  /** @param columns the tags of one group, at least one; their order is the order of the row. */
  constructor(columns: readonly Tag[]) {
    this.columns = columns;
    const cadence = columns.reduce((least, tag) => Math.min(least, tag.period), Number.POSITIVE_INFINITY);
    this.cadence = millis(cadence);
    this.#values = new Float64Array(columns.length).fill(Number.NaN);
    this.#heard = new Float64Array(columns.length).fill(Number.NEGATIVE_INFINITY);
    this.#limits = Float64Array.from(columns, (tag) =>
      Math.max(tag.period * STALE_AFTER_PERIODS, STALE_AT_LEAST),
    );
    this.#row = new Float64Array(columns.length).fill(Number.NaN);
    this.#fast = Uint8Array.from(columns, (tag) => (tag.period <= cadence * FAST_WITHIN ? 1 : 0));
    this.#awaited = this.#fast.slice();
    this.#waiting = this.#awaited.reduce((sum, one) => sum + one, 0);
    this.#unheard = columns.length;
  }

  /** True once every fast tag that is alive was heard of since the last row: waiting longer brings nothing. */
  get complete(): boolean {
    return this.#waiting === 0 && this.#fresh > 0;
  }

  /** True once every tag was heard of at least once, in whatever quality. */
  get primed(): boolean {
    return this.#unheard === 0;
  }

  /** Monotonic stamp of the newest sample; -Infinity before the first. */
  get newest(): number {
    return this.#newest;
  }

  /** Takes one sample of `columns[column]`. Samples older than what is there change nothing. */
  update(column: number, sample: Sample): Taken {
    if (sample.mono < this.#heard[column]!) return 'late';
    if (this.#heard[column] === Number.NEGATIVE_INFINITY) this.#unheard -= 1;
    this.#heard[column] = sample.mono;
    if (sample.mono > this.#newest) this.#newest = sample.mono;
    if (this.#fast[column] === 1) this.#fresh += 1;
    if (this.#awaited[column] === 1) {
      this.#awaited[column] = 0;
      this.#waiting -= 1;
    }
    return this.#store(column, sample);
  }

  /**
   * Reads the row as of `now` and begins the next round.
   * @returns one number per column: NaN for bad, missing, stale or text values, 0 or 1 for booleans. Reused by the next call.
   */
  step(now: Millis): Float64Array {
    this.#waiting = 0;
    this.#fresh = 0;
    for (let i = 0; i < this.#row.length; i++) {
      const alive = now - this.#heard[i]! <= this.#limits[i]!;
      this.#row[i] = alive ? this.#values[i]! : Number.NaN;
      const awaited = alive && this.#fast[i] === 1 ? 1 : 0;
      this.#awaited[i] = awaited;
      this.#waiting += awaited;
    }
    return this.#row;
  }

  #store(column: number, sample: Sample): Taken {
    this.#values[column] = Number.NaN;
    const { value } = sample;
    // Out-of-range values are uncertain and wanted: the range rule is there to see them.
    if (value === null || sample.quality === 'bad' || sample.reason === 'stale') return 'missing';
    if (typeof value === 'string') return 'text';
    const number = Number(value);
    if (!Number.isFinite(number)) return 'not-finite';
    this.#values[column] = Math.max(-LARGEST, Math.min(LARGEST, number));
    return 'value';
  }
}

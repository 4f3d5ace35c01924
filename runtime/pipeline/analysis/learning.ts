/** The hours in which a group's baseline is learned: which rows count, when there are enough, what they teach. Pure. */

import type { AnomalyConfig } from '../../config/schema/anomaly.ts';
import type { Tag } from '../../core/messages.ts';
import { type Millis, millis } from '../../core/units.ts';
import type { Rows } from '../anomaly/detector.ts';
import { RowStore } from '../window/row-store.ts';
import type { SavedLearning } from './baseline-file.ts';

/** A silence longer than this many cadences is not time watched. */
const LONGEST_STEP = 3;
/** A tag with fewer values than this share of the rows is left out: nobody can say what is normal for it. */
const FEWEST_VALUES = 0.1;
/** After a restart the rows go on behind a gap that no detector takes for two neighbouring rows. */
const GAP_AFTER_RESTART = 10;

export type LearningOptions = AnomalyConfig['baseline'];

export class Learning {
  readonly #tags: readonly Tag[];
  readonly #cadence: Millis;
  readonly #options: LearningOptions;
  readonly #store: RowStore;
  readonly #row: Float64Array;
  #watched = 0;
  #last = Number.NaN;
  /** Added to each stamp: rows of an earlier boot have stamps of another monotonic clock. */
  #shift = 0;
  #resumed = false;

  constructor(tags: readonly Tag[], cadence: Millis, options: LearningOptions) {
    this.#tags = tags;
    this.#cadence = cadence;
    this.#options = options;
    this.#store = new RowStore(tags.length, options.maxRows);
    this.#row = new Float64Array(tags.length);
  }

  /** Rows seen so far. */
  get rows(): number {
    return this.#store.seen;
  }

  get watched(): Millis {
    return millis(this.#watched);
  }

  /** 0 … 1: whichever of time and rows is further from its goal. */
  get progress(): number {
    const { learn, minRows, maxRows } = this.#options;
    return Math.min(1, this.#watched / learn, this.#store.seen / Math.min(minRows, maxRows));
  }

  get done(): boolean {
    return this.progress >= 1;
  }

  /** Takes a row as of `mono` (never decreasing). Values outside a tag's valid range teach nothing; empty rows do not count. */
  push(row: Float64Array, mono: Millis): void {
    let values = 0;
    for (let i = 0; i < row.length; i++) {
      const value = row[i]!;
      const range = this.#tags[i]!.range;
      const usable = !Number.isNaN(value) && !(range && (value < range.low || value > range.high));
      this.#row[i] = usable ? value : Number.NaN;
      if (usable) values += 1;
    }
    if (values === 0) return;
    if (this.#resumed) {
      this.#shift = this.#store.lastMono + GAP_AFTER_RESTART * this.#cadence - mono;
      this.#resumed = false;
    }
    const step = Number.isNaN(this.#last) ? this.#cadence : mono - this.#last;
    this.#watched += Math.min(step, LONGEST_STEP * this.#cadence);
    this.#last = mono;
    this.#store.push(this.#row, mono + this.#shift);
  }

  /** Columns with enough values, and the rows of these columns, oldest first. */
  result(): { columns: readonly number[]; rows: Rows } {
    const all = this.#store.rows(this.#tags.map((_, column) => column));
    const columns = [...this.#tags.keys()].filter((column) => {
      let values = 0;
      for (let r = 0; r < all.count; r++) {
        if (!Number.isNaN(all.data[r * all.width + column]!)) values += 1;
      }
      return values >= Math.max(2, all.count * FEWEST_VALUES);
    });
    return { columns, rows: columns.length === all.width ? all : this.#store.rows(columns) };
  }

  save(): Pick<SavedLearning, 'watched' | 'rows'> {
    return { watched: this.#watched, rows: this.#store.save() };
  }

  /** Goes on where `save` was taken. @throws ModelError `bad-state`. */
  load(saved: Pick<SavedLearning, 'watched' | 'rows'>): void {
    this.#store.load(saved.rows);
    this.#watched = saved.watched;
    this.#resumed = this.#store.count > 0;
  }
}

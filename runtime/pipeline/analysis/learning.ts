/** The hours in which a group's baseline is learned: which rows count, when there are enough, what they teach. Pure. */

import type { AnomalyConfig } from '../../config/schema/anomaly.ts';
import type { Tag } from '../../core/messages.ts';
import { type Millis, millis } from '../../core/units.ts';
import type { Rows } from '../anomaly/detector.ts';
import { RowStore } from '../window/row-store.ts';
import type { SavedLearning } from './baseline-file.ts';

/** A silence longer than this many cadences is not time watched. */
const LONGEST_STEP = 3;
/** With fewer values than this share of the rows nobody can say what is normal for a tag. */
const FEWEST_VALUES = 0.1;
/**
 * A fit costs rows × tags² and holds the event loop: so much takes a detector about 0.1 s on an EPYC core. A group of
 * more than 69 tags keeps fewer than 5000 rows for it, but never so few that their correlations are chance.
 */
const MOST_WORK = 24e6;
const LEAST_ROWS_PER_TAG = 4;
/** After a restart the rows go on behind a gap that no detector takes for two neighbouring rows. */
const GAP_AFTER_RESTART = 10;

export type LearningOptions = AnomalyConfig['baseline'];

export class Learning {
  readonly #tags: readonly Tag[];
  readonly #cadence: Millis;
  readonly #options: LearningOptions;
  readonly #store: RowStore;
  readonly #row: Float64Array;
  /** 1 for the tags that had a number since the start, valid or not. */
  readonly #heard: Uint8Array;
  #watched = 0;
  #last = Number.NaN;
  /** Added to each stamp: rows of an earlier boot have stamps of another monotonic clock. */
  #shift = 0;
  #resumed = false;

  constructor(tags: readonly Tag[], cadence: Millis, options: LearningOptions) {
    this.#tags = tags;
    this.#cadence = cadence;
    this.#options = options;
    const width = tags.length;
    const most = Math.max(LEAST_ROWS_PER_TAG * width, Math.floor(MOST_WORK / width ** 2));
    this.#store = new RowStore(width, Math.min(options.maxRows, most));
    this.#row = new Float64Array(tags.length);
    this.#heard = new Uint8Array(tags.length);
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
      if (!Number.isNaN(value)) this.#heard[i] = 1;
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

  /**
   * Columns to watch and their rows, oldest first. A tag with too few valid values for a baseline is watched by its
   * configuration alone: its column is blank. `taught` says how many are not.
   */
  result(): { columns: readonly number[]; rows: Rows; taught: number } {
    const all = this.#store.rows(this.#tags.map((_, column) => column));
    const enough = [...this.#tags.keys()].filter((column) => {
      let values = 0;
      for (let r = 0; r < all.count; r++) {
        if (!Number.isNaN(all.data[r * all.width + column]!)) values += 1;
      }
      return values >= Math.max(2, all.count * FEWEST_VALUES);
    });
    const columns = [...this.#tags.keys()].filter((i) => this.#heard[i] === 1 || enough.includes(i));
    const rows = columns.length === all.width ? all : this.#store.rows(columns);
    for (const [j, column] of columns.entries()) {
      if (enough.includes(column)) continue;
      for (let r = 0; r < rows.count; r++) rows.data[r * rows.width + j] = Number.NaN;
    }
    return { columns, rows, taught: enough.length };
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

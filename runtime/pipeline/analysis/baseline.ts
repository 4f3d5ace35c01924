/**
 * The baseline of one group through its life: read from disk or learned, fitted detector by detector, kept on
 * disk, forgotten on command. Until the group knows what is normal its scorer judges by the configuration alone.
 */

import type { AnomalyConfig } from '../../config/schema/anomaly.ts';
import type { Clock } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Tag } from '../../core/messages.ts';
import type { BaselineStatus } from '../../core/status.ts';
import { type Millis, millis, minutes } from '../../core/units.ts';
import type { Detector } from '../anomaly/detector.ts';
import { createLearningSet } from '../anomaly/standard-set.ts';
import { AlarmLatch } from '../decide/alarm.ts';
import type { FusionOptions } from '../decide/fusion.ts';
import { type BaselineFiles, type BaselinePart, baselineKey, type Found } from './baseline-file.ts';
import { fitDetectors } from './fit.ts';
import { Learning } from './learning.ts';
import type { GroupMetrics } from './metrics.ts';
import type { NormalRange } from './normal-range.ts';
import { Scorer, type ScorerOptions } from './scorer.ts';
import type { Timers } from './timers.ts';

/**
 * Rows learned so far are saved this often at first, then whenever this part of the time watched is new: a power cut
 * costs a third of the learning at most, and a day of it few writes.
 */
const SAVE_EVERY = minutes(15);
const NEW_PART = 1 / 3;

export interface BaselineOptions {
  readonly group: string;
  readonly tags: readonly Tag[];
  readonly cadence: Millis;
  readonly config: AnomalyConfig;
  readonly createDetectors: (columns: readonly Tag[]) => readonly Detector[];
  /** Those that need no baseline, ready as they are: they judge beside the configured ranges while the group learns. */
  readonly createUnfitted?: (columns: readonly Tag[]) => readonly Detector[];
  readonly fusion: FusionOptions;
  readonly files: BaselineFiles;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly metrics: GroupMetrics;
}

type Stage =
  | { readonly name: 'waiting' | 'reading' | 'fitting' }
  | { readonly name: 'learning'; readonly learning: Learning }
  | { readonly name: 'ready'; readonly detail: string }
  | { readonly name: 'failed'; readonly detail: string };

interface Normal {
  readonly columns: readonly number[];
  readonly normal: readonly (NormalRange | null)[];
  readonly detectors: readonly Detector[];
  readonly failures: Readonly<Record<string, string>>;
  readonly rows: number;
}

export class Baseline {
  readonly #options: BaselineOptions;
  readonly #key: string;
  /** One for all scorers: an alarm that is on stays on when the group has learned. */
  readonly #latch: AlarmLatch;
  #scorer: Scorer | undefined;
  #stage: Stage = { name: 'waiting' };
  /** Why the group learns anew, for the status. */
  #notice = '';
  /** A file that had to be moved aside, until its successor is written; what the disk refused, until it takes it. */
  #corruption = '';
  #refusal = '';
  #savedAt = millis(Number.NEGATIVE_INFINITY);
  /** A fitted baseline that the disk has not taken yet. */
  #unsaved: (() => void) | undefined;
  /** Work begun under an earlier generation is void: refreshed or stopped meanwhile. */
  #generation = 0;

  constructor(options: BaselineOptions) {
    this.#options = options;
    this.#key = baselineKey(options.tags);
    this.#latch = new AlarmLatch(options.config.alarm);
    this.#scorer = this.#unlearned();
  }

  /** Scores the group; undefined while it learns and no configured detector can judge before. */
  get scorer(): Scorer | undefined {
    return this.#scorer;
  }

  /** What is wrong and what was done about it; empty when nothing is. */
  get problem(): string {
    return this.#stage.name === 'failed' ? this.#stage.detail : this.#refusal || this.#corruption;
  }

  get status(): BaselineStatus {
    const stage = this.#stage;
    if (stage.name === 'ready') return { state: 'ready', progress: 1, detail: stage.detail };
    if (stage.name === 'failed') return { state: 'failed', progress: 0, detail: stage.detail };
    if (stage.name !== 'learning') {
      const fitting = stage.name === 'fitting';
      return {
        state: 'learning',
        progress: fitting ? 1 : 0,
        detail: fitting ? 'fitting the detectors' : 'reading the saved baseline',
      };
    }
    const { progress, rows } = stage.learning;
    const learned = `${rows} rows seen, ${Math.floor(progress * 100)} % learned`;
    return { state: 'learning', progress, detail: this.#notice ? `${learned}; ${this.#notice}` : learned };
  }

  /** Takes up what is on disk, or begins to learn. Never throws. */
  async begin(now: Millis): Promise<void> {
    const generation = ++this.#generation;
    this.#stage = { name: 'reading' };
    this.#savedAt = now;
    await this.#options.timers.pause();
    if (generation !== this.#generation) return;
    if (this.#takeFitted()) return;
    const learning = this.#takeRows();
    this.#enter({ name: 'learning', learning });
    if (learning.done) await this.#fit(learning);
  }

  /** Forgets what is normal and learns it anew. */
  refresh(now: Millis): void {
    this.#generation += 1;
    this.#notice = 'learned anew on command';
    this.#corruption = '';
    this.#unsaved = undefined;
    this.#savedAt = now;
    this.#latch.reset();
    this.#scorer = this.#unlearned();
    this.#guardFile('cannot remove the old baseline', () => {
      this.#options.files.remove(this.#options.group, 'baseline');
      this.#options.files.remove(this.#options.group, 'rows');
    });
    this.#enter({ name: 'learning', learning: this.#newLearning() });
  }

  /** A row of the group while it learns; ignored otherwise. */
  learn(row: Float64Array, now: Millis): void {
    if (this.#stage.name !== 'learning') return;
    const { learning } = this.#stage;
    learning.push(row, now);
    this.#options.metrics.progress.set(learning.progress);
    this.#options.metrics.rows.set(learning.rows);
    if (learning.done) void this.#fit(learning);
  }

  /** Saves what is due. */
  housekeep(now: Millis): void {
    const watched = this.#stage.name === 'learning' ? this.#stage.learning.watched : 0;
    const every = Math.max(SAVE_EVERY, watched * NEW_PART);
    if (now - this.#savedAt >= every) this.#save(now);
  }

  /** Saves what is not saved yet; work under way is void. */
  stop(now: Millis): void {
    this.#generation += 1;
    this.#save(now);
    this.#stage = { name: 'waiting' };
  }

  #save(now: Millis): void {
    this.#savedAt = now;
    if (this.#unsaved) this.#guardFile('cannot save the baseline', this.#unsaved);
    else if (this.#stage.name === 'learning' && this.#stage.learning.rows > 0) {
      this.#saveRows(this.#stage.learning);
    }
  }

  #saveRows(learning: Learning): void {
    this.#guardFile('cannot save the rows learned so far', () => {
      this.#options.files.writeLearning(this.#options.group, { key: this.#key, ...learning.save() });
    });
  }

  /** @returns false when there is no fitted baseline to take up as it is. */
  #takeFitted(): boolean {
    const { files, group, tags } = this.#options;
    const found = this.#read('baseline', () => files.readBaseline(group, this.#key));
    if (!found) return false;
    const columns = found.columns.map((name) => tags.findIndex((tag) => tag.name === name));
    try {
      const made = this.#options.createDetectors(columns.map((column) => tags[column]!));
      const known = made.every(({ name }) => name in found.detectors || name in found.failures);
      if (!known || columns.length === 0) {
        this.#notice = 'other detectors than before';
        return false;
      }
      const detectors = made.filter(({ name }) => name in found.detectors);
      for (const detector of detectors) detector.load(found.detectors[detector.name]);
      this.#ready({ columns, detectors, normal: found.normal, failures: found.failures, rows: found.rows });
      return true;
    } catch (error) {
      this.#notice = `the saved baseline does not fit: ${describeError(error)}`;
      this.#options.log.warn(
        { event: 'analysis.baseline.unusable', group, err: error },
        'the saved baseline cannot be taken up; it is made anew from its rows',
      );
      return false;
    }
  }

  #takeRows(): Learning {
    const { files, group, log } = this.#options;
    const learning = this.#newLearning();
    const found = this.#read('rows', () => files.readLearning(group, this.#key));
    if (!found) return learning;
    try {
      learning.load(found);
      log.info(
        { event: 'analysis.baseline.resumed', group, rows: learning.rows },
        'learning goes on where it was before the restart',
      );
      return learning;
    } catch (error) {
      const movedTo = this.#guardFile('cannot move corrupt rows aside', () => files.moveAside(group, 'rows'));
      if (movedTo !== undefined) this.#corrupt('rows', movedTo, error);
      return this.#newLearning();
    }
  }

  #read<T>(part: BaselinePart, read: () => Found<T>): T | undefined {
    const { group, log } = this.#options;
    const found = this.#guardFile('cannot read the saved baseline', read) ?? { state: 'none' };
    if (found.state === 'found') return found.content;
    if (found.state === 'corrupt') this.#corrupt(part, found.movedTo);
    if (found.state === 'foreign') {
      this.#notice = 'the tags of the group changed';
      log.warn(
        { event: 'analysis.baseline.foreign', group, part },
        'the saved baseline is of other tags; the group is learned anew',
      );
    }
    return undefined;
  }

  #corrupt(part: BaselinePart, movedTo: string, error?: unknown): void {
    this.#options.metrics.fileErrors.inc();
    this.#corruption = `the saved ${part} could not be read and was moved to ${movedTo}; made anew`;
    this.#notice = this.#corruption;
    this.#options.log.error(
      { event: 'analysis.baseline.corrupt', group: this.#options.group, movedTo, err: error },
      'a baseline file is corrupt; it is kept aside and made anew',
    );
  }

  async #fit(learning: Learning): Promise<void> {
    const generation = ++this.#generation;
    const { clock, timers, tags, createDetectors, group, log, metrics } = this.#options;
    this.#saveRows(learning);
    this.#enter({ name: 'fitting' });
    try {
      const { columns, rows, taught } = learning.result();
      if (taught === 0) return this.#fail('hardly any values came in');
      const detectors = createDetectors(columns.map((column) => tags[column]!));
      const fit = await fitDetectors(detectors, rows, clock, timers);
      if (generation !== this.#generation) return;
      for (const name of Object.keys(fit.failures)) metrics.detectorError(name);
      metrics.fit.set(fit.longest.took / 1000);
      log.info(
        {
          event: 'analysis.baseline.fitted',
          group,
          rows: rows.count,
          ...fit.longest,
          failures: fit.failures,
        },
        'the group knows what is normal',
      );
      const normal = { columns, rows: learning.rows, ...fit };
      if (!this.#ready(normal)) return;
      this.#unsaved = () => this.#write(normal);
      this.#save(clock.mono());
    } catch (error) {
      if (generation === this.#generation) this.#fail(`cannot be fitted: ${describeError(error)}`);
    }
  }

  #write({ columns, normal, detectors, failures, rows }: Normal): void {
    const { files, group, tags } = this.#options;
    files.writeBaseline(group, {
      key: this.#key,
      rows,
      columns: columns.map((column) => tags[column]!.name),
      normal,
      detectors: Object.fromEntries(detectors.map((detector) => [detector.name, detector.save()])),
      failures,
    });
    this.#unsaved = undefined;
    this.#corruption = '';
  }

  #ready(found: Normal): boolean {
    const { tags, metrics } = this.#options;
    if (found.detectors.length === 0) {
      const reasons = Object.entries(found.failures).map(([name, why]) => `${name}: ${why}`);
      this.#fail(`no detector could learn (${reasons.join('; ')})`);
      return false;
    }
    const scorer = this.#makeScorer({ ...found, learned: true });
    if (this.#scorer) scorer.takeOver(this.#scorer);
    this.#scorer = scorer;
    const left = tags.filter((_, column) => !found.columns.includes(column)).map(({ name }) => name);
    const without = Object.entries(found.failures).map(([name, why]) => `; without ${name} (${why})`);
    const unseen = left.length > 0 ? `; no values, so not analysed: ${left.join(', ')}` : '';
    const detail = `learned from ${found.rows} rows of ${found.columns.length} tags${unseen}${without.join('')}`;
    metrics.rows.set(found.rows);
    this.#notice = '';
    this.#enter({ name: 'ready', detail });
    return true;
  }

  #fail(why: string): void {
    const detail = `${why}; see that its tags have values, then use the command baseline-refresh`;
    this.#enter({ name: 'failed', detail });
    this.#options.log.error(
      { event: 'analysis.baseline.failed', group: this.#options.group, detail },
      'the group can be watched by its configuration only',
    );
  }

  /** What the configuration alone suffices for. */
  #unlearned(): Scorer | undefined {
    const { tags, config } = this.#options;
    const others = this.#options.createUnfitted?.(tags) ?? [];
    const detectors = [...createLearningSet(tags, config.detectors), ...others];
    if (detectors.length === 0) return undefined;
    const columns = tags.map((_, column) => column);
    const normal = tags.map(({ range }) => range ?? null);
    return this.#makeScorer({ columns, normal, detectors, learned: false });
  }

  #makeScorer(of: Pick<ScorerOptions, 'columns' | 'normal' | 'detectors' | 'learned'>): Scorer {
    const { tags, group, log, metrics, fusion } = this.#options;
    return new Scorer({
      ...of,
      tags,
      fusion,
      latch: this.#latch,
      onError: (detector, error, first) => {
        metrics.detectorError(detector);
        if (!first) return;
        log.error({ event: 'analysis.detector.failed', group, detector, err: error }, 'a detector failed');
      },
    });
  }

  #enter(stage: Stage): void {
    this.#stage = stage;
    this.#options.metrics.ready.set(stage.name === 'ready' ? 1 : 0);
    this.#options.metrics.progress.set(this.status.progress);
  }

  #newLearning(): Learning {
    const { tags, cadence, config } = this.#options;
    return new Learning(tags, cadence, config.baseline);
  }

  /** The disk may fail; the analysis goes on without it. */
  #guardFile<T>(what: string, work: () => T): T | undefined {
    try {
      const result = work();
      this.#refusal = '';
      return result;
    } catch (error) {
      this.#options.metrics.fileErrors.inc();
      this.#refusal = `${what}: ${describeError(error)}`;
      this.#options.log.error(
        { event: 'analysis.baseline.storage', group: this.#options.group, err: error },
        what,
      );
      return undefined;
    }
  }
}

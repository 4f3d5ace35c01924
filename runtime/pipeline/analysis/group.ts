/** One process group: its latest values, its baseline, its episode. Time is an argument. */

import type { Clock } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import type { AnomalyEvent, Sample, Stamp } from '../../core/messages.ts';
import type { BaselineStatus } from '../../core/status.ts';
import { type Millis, millis, seconds } from '../../core/units.ts';
import { contributions, shares } from '../decide/contributions.ts';
import { Episode, type EpisodeStep, type Finding } from '../decide/episode.ts';
import { faultKind } from '../decide/fault-kind.ts';
import { LatestTable, type Taken } from '../window/latest-table.ts';
import { Baseline, type BaselineOptions } from './baseline.ts';
import type { Scorer } from './scorer.ts';

/** After a start, sources get this long (or three cadences) to answer before silence counts as missing data. */
const WARM_UP = seconds(30);
const WARM_UP_CADENCES = 3;
/** A round that is not complete by then, in cadences, is scored as it is. */
const OVERDUE = 1.25;

export interface GroupOptions extends Omit<BaselineOptions, 'cadence'> {
  readonly clock: Clock;
  readonly newId: () => string;
  /** True while another group is in a process upset. */
  readonly upsetElsewhere: (group: string) => boolean;
  readonly report: (event: AnomalyEvent, stamp: Stamp) => void;
}

export class Group {
  readonly name: string;
  readonly table: LatestTable;
  readonly #options: GroupOptions;
  readonly #baseline: Baseline;
  readonly #episode: Episode;
  #startedAt = millis(0);
  #steppedAt = millis(0);
  #failure = '';

  constructor(options: GroupOptions) {
    const { group, tags, newId, config } = options;
    this.name = group;
    this.table = new LatestTable(tags);
    this.#options = options;
    this.#baseline = new Baseline({ ...options, cadence: this.table.cadence });
    this.#episode = new Episode({ group, update: config.alarm.update, newId });
  }

  get status(): BaselineStatus {
    return this.#baseline.status;
  }

  get active(): AnomalyEvent | undefined {
    return this.#episode.active;
  }

  /** What is wrong, for health; empty when nothing is. */
  get problem(): string {
    const failing = this.#baseline.scorer?.failing ?? [];
    const broken = failing.length > 0 ? `detectors that fail: ${failing.join(', ')}` : '';
    return [this.#failure, this.#baseline.problem, broken].filter((part) => part !== '').join('; ');
  }

  begin(now: Millis): Promise<void> {
    this.#startedAt = now;
    this.#steppedAt = now;
    return this.#baseline.begin(now);
  }

  update(column: number, sample: Sample): Taken {
    return this.table.update(column, sample);
  }

  /** True when the row has waited for its round long enough. */
  overdue(now: Millis): boolean {
    return now - this.#steppedAt >= OVERDUE * this.table.cadence;
  }

  /** Learns from, or scores, the row as of `stamp`. Never throws: a failure stays in this group. */
  step(stamp: Stamp): void {
    this.#steppedAt = stamp.mono;
    try {
      this.#step(stamp);
      this.#failure = '';
    } catch (error) {
      this.#options.metrics.stepErrors.inc();
      if (this.#failure === '') {
        this.#options.log.error(
          { event: 'analysis.group.failed', group: this.name, err: error },
          'a step failed',
        );
      }
      this.#failure = `its last step failed: ${describeError(error)}`;
    }
  }

  /** Forgets the baseline; an open episode ends, and what the configuration alone shows begins anew. */
  refresh(stamp: Stamp): void {
    this.#close(stamp);
    this.#baseline.refresh(stamp.mono);
  }

  housekeep(now: Millis): void {
    this.#baseline.housekeep(now);
  }

  stop(stamp: Stamp): void {
    this.#close(stamp);
    this.#baseline.stop(stamp.mono);
  }

  #step(stamp: Stamp): void {
    const row = this.table.step(stamp.mono);
    const warmUp = Math.max(WARM_UP, WARM_UP_CADENCES * this.table.cadence);
    if (!this.table.primed && stamp.mono - this.#startedAt < warmUp) return;
    this.#baseline.learn(row, stamp.mono);
    const { scorer } = this.#baseline;
    if (!scorer) return;
    scorer.step(row, stamp.mono);
    this.#options.metrics.score.set(scorer.score);
    const event = this.#episode.step(this.#episodeStep(scorer), stamp.mono);
    if (event) this.#report(event, stamp);
  }

  #episodeStep(scorer: Scorer): EpisodeStep {
    return {
      alarm: scorer.alarm,
      onset: scorer.onset,
      score: scorer.score,
      find: () => finding(scorer, this.#options.upsetElsewhere(this.name)),
      valueNow(tag) {
        const value = scorer.row[scorer.columns.findIndex(({ name }) => name === tag)];
        return value === undefined || Number.isNaN(value) ? null : value;
      },
    };
  }

  #close(stamp: Stamp): void {
    const event = this.#episode.close(stamp.mono);
    if (event) this.#report(event, stamp);
  }

  #report(event: AnomalyEvent, stamp: Stamp): void {
    const { metrics, log } = this.#options;
    metrics.active.set(event.phase === 'end' ? 0 : 1);
    if (event.phase === 'start') metrics.episode(event.faultKind);
    const { id, phase, group, detector, faultKind } = event;
    log.info({ event: `analysis.episode.${phase}`, id, group, detector, faultKind }, event.summary);
    this.#options.report(event, stamp);
  }
}

function finding(scorer: Scorer, upsetElsewhere: boolean): Finding {
  const share = shares(scorer);
  const scores: Record<string, number> = {};
  for (const [i, { name }] of scorer.detectors.entries()) {
    const score = scorer.scores[i]!;
    if (!Number.isNaN(score)) scores[name] = Math.min(score, Number.MAX_SAFE_INTEGER);
  }
  return {
    detector: scorer.detectors[scorer.dominant]?.name ?? '',
    scores,
    faultKind: faultKind(scorer, share, upsetElsewhere),
    contributions: contributions(scorer, share),
    learning: !scorer.learned,
  };
}

/**
 * The episodes of one process group: one fault makes one start, updates while it lasts, one end. Groups that
 * are hit by the same fault have an episode each, since each has its own tags to show and its own recovery. Pure.
 */

import type { AnomalyEvent, Contribution, EpisodePhase, FaultKind } from '../../core/messages.ts';
import { hours, type Millis, millis } from '../../core/units.ts';
import { summarise } from './summary.ts';

export interface Finding {
  /** The detector that dominates, and every detector's scaled score. */
  readonly detector: string;
  readonly scores: Readonly<Record<string, number>>;
  readonly faultKind: FaultKind;
  readonly contributions: readonly Contribution[];
  /** Judged by the configuration alone, since the group still learns. */
  readonly learning: boolean;
}

/** One step as the episode sees it. */
export interface EpisodeStep {
  readonly alarm: boolean;
  /** When the condition behind the alarm began; undefined without an alarm. */
  readonly onset: Millis | undefined;
  /** NaN when there is none at this step. */
  readonly score: number;
  /** Asked for only when it may be reported: explaining costs more than scoring. */
  find(): Finding;
  /** The tag's value at this step; null when missing. */
  valueNow(tag: string): number | null;
}

export interface EpisodeOptions {
  readonly group: string;
  /** When an episode that goes on is reported again; without news each report waits twice as long for the next. */
  readonly update: Millis;
  /** Unique over restarts. */
  readonly newId: () => string;
}

/** News of an episode may come this part of the update period after its start; each one doubles the wait for the next. */
const FIRST_NEWS = 0.1;
/** The longest wait between two reports, unless the update period itself is longer. */
const LONGEST_WAIT = hours(1);
/** Another tag is the top one once it leads by this share: two that take turns are no news. */
const CLEAR_LEAD = 0.1;

interface Open {
  readonly id: string;
  readonly onset: Millis;
  score: number;
  peak: number;
  finding: Finding;
  reported: Millis;
  /** How long after the last report the next one is due. */
  wait: number;
  looked: Millis;
  /** How long after a look the next one may be for news. */
  patience: number;
  event: AnomalyEvent;
}

export class Episode {
  readonly #options: EpisodeOptions;
  #open: Open | undefined;

  constructor(options: EpisodeOptions) {
    this.#options = options;
  }

  /** The last report of the episode that goes on. */
  get active(): AnomalyEvent | undefined {
    return this.#open?.event;
  }

  /** @param mono never decreasing. @returns what there is to report, if anything. */
  step(step: EpisodeStep, mono: Millis): AnomalyEvent | undefined {
    const open = this.#open;
    if (!open) return step.alarm ? this.#start(step, mono) : undefined;
    if (!Number.isNaN(step.score)) {
      open.score = step.score;
      open.peak = Math.max(open.peak, step.score);
    }
    if (!step.alarm) return this.#end(open, mono, step);
    return this.#update(open, step, mono);
  }

  /** Ends an open episode, since nobody watches any more. @returns its end, if one was open. */
  close(mono: Millis): AnomalyEvent | undefined {
    return this.#open && this.#end(this.#open, mono);
  }

  #start(step: EpisodeStep, mono: Millis): AnomalyEvent {
    const score = Number.isNaN(step.score) ? 1 : step.score;
    const open = {
      id: this.#options.newId(),
      onset: step.onset ?? mono,
      score,
      peak: score,
      finding: step.find(),
      reported: mono,
      wait: this.#options.update,
      looked: mono,
      patience: this.#options.update * FIRST_NEWS,
    };
    const event = this.#event(open, 'start', mono);
    this.#open = { ...open, event };
    return event;
  }

  #update(open: Open, step: EpisodeStep, mono: Millis): AnomalyEvent | undefined {
    const { update } = this.#options;
    const due = mono - open.reported >= open.wait;
    if (!due && mono - open.looked < open.patience) return undefined;
    open.looked = mono;
    // A lull keeps the last finding: what a detector says below its limit explains nothing.
    const finding = step.score >= 1 ? step.find() : present(open.finding, step);
    const news = isNews(open.finding, finding);
    if (!due && !news) return undefined;
    if (!due) open.patience *= 2;
    open.wait = news ? update : Math.max(update, Math.min(open.wait * 2, LONGEST_WAIT));
    open.finding = finding;
    open.reported = mono;
    open.event = this.#event(open, 'update', mono);
    return open.event;
  }

  #end(open: Open, mono: Millis, step?: EpisodeStep): AnomalyEvent {
    this.#open = undefined;
    if (step) open.finding = present(open.finding, step);
    return this.#event(open, 'end', mono);
  }

  #event(open: Omit<Open, 'event'>, phase: EpisodePhase, mono: Millis): AnomalyEvent {
    const { group } = this.#options;
    const duration = millis(Math.round(mono - open.onset));
    const { detector, scores, faultKind, contributions, learning } = open.finding;
    return {
      schema: 'vigie.anomaly/1',
      id: open.id,
      phase,
      group,
      durationMs: duration,
      score: open.score,
      peak: open.peak,
      detector,
      scores,
      faultKind,
      ...(learning ? { learning } : {}),
      contributions,
      summary: summarise({ group, phase, duration, faultKind, contributions, learning }),
    };
  }
}

/** The same finding with the values of now. */
function present(finding: Finding, step: EpisodeStep): Finding {
  const contributions = finding.contributions.map((one) => ({ ...one, value: step.valueNow(one.tag) }));
  return { ...finding, contributions };
}

function isNews(before: Finding, now: Finding): boolean {
  if (before.faultKind !== now.faultKind) return true;
  const [top] = now.contributions;
  const former = before.contributions[0];
  if (!top || !former || top.tag === former.tag) return false;
  const rest = now.contributions.find(({ tag }) => tag === former.tag)?.share ?? 0;
  return top.share - rest >= CLEAR_LEAD;
}

/**
 * The analysis of the node: samples in, explained anomaly events out. Groups are stepped as soon as a round of
 * samples is complete, so that an event follows its sample at once, and by a timer when tags stay silent.
 */

import type { Registry } from 'prom-client';
import type { AnomalyConfig } from '../../config/schema/anomaly.ts';
import type { Clock } from '../../core/clock.ts';
import type { Command } from '../../core/commands.ts';
import { type Component, HEALTHY, type Health } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Accept, AnomalyEvent, Sample, Stamp, Tag } from '../../core/messages.ts';
import type { BaselineStatus } from '../../core/status.ts';
import { millis, seconds } from '../../core/units.ts';
import type { Detector } from '../anomaly/detector.ts';
import { FUSION_WEIGHTS } from '../anomaly/standard-set.ts';
import type { Taken } from '../window/latest-table.ts';
import { AlarmRate } from './alarm-rate.ts';
import { BaselineFiles } from './baseline-file.ts';
import { baselineRefresh } from './commands.ts';
import { EventSender } from './event-sender.ts';
import { Group } from './group.ts';
import { type AnalysisMetrics, analysisMetrics, groupMetrics } from './metrics.ts';
import { endOf, OpenEpisodes } from './open-episodes.ts';
import { systemTimers, type Timers } from './timers.ts';

const TOPIC = 'events/anomaly';
/** How long a stop waits for the outbox to take the last events. */
const SETTLE = seconds(1);
const HOUSEKEEPING = seconds(5);
/** How often silence is looked for, in cadences, and within which bounds. */
const LOOK_CADENCES = 0.25;
const LOOK_AT_LEAST = millis(50);
const LOOK_AT_MOST = seconds(5);

export interface AnalysisOptions {
  readonly config: AnomalyConfig;
  readonly tags: readonly Tag[];
  /** The detectors of one group; called at each fit and each load. */
  readonly createDetectors: (columns: readonly Tag[]) => readonly Detector[];
  /** Those of one group that need no baseline, for the time before there is one. */
  readonly createUnfitted?: (columns: readonly Tag[]) => readonly Detector[];
  readonly accept: Accept;
  /** The node's data directory: `baselines/` and `episodes.json` are kept in it. */
  readonly directory: string;
  /** Unique per start of the node: episode ids are `<idPrefix>-<n>`. */
  readonly idPrefix: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
  readonly timers?: Timers;
  /** Sees every event as it happens, before the outbox has it. */
  readonly onEvent?: (event: AnomalyEvent, stamp: Stamp) => void;
}

interface Slot {
  readonly tag: Tag;
  readonly group: Group;
  readonly column: number;
}

export class Analysis implements Component {
  readonly name = 'analysis';
  readonly #options: AnalysisOptions;
  readonly #timers: Timers;
  readonly #metrics: AnalysisMetrics;
  readonly #groups = new Map<string, Group>();
  /** By tag index. */
  readonly #slots: (Slot | undefined)[] = [];
  readonly #rate = new AlarmRate();
  readonly #sender: EventSender;
  readonly #open: OpenEpisodes;
  readonly #ignored: Readonly<Record<Exclude<Taken, 'value' | 'missing'>, { inc(): void }>>;
  #episodes = 0;
  #stops: (() => void)[] = [];
  #state: 'starting' | 'running' | 'stopped' = 'starting';
  #disk = '';

  constructor(options: AnalysisOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.#metrics = analysisMetrics(options.registry, () => this.#rate.lastHour(options.clock.mono()));
    this.#metrics.alarmBudget.set(options.config.alarm.budgetPerHour);
    const ignored = (reason: string) => this.#metrics.ignored.labels(reason);
    this.#ignored = { text: ignored('text'), 'not-finite': ignored('not-finite'), late: ignored('late') };
    this.#sender = new EventSender(options.accept, options.log, this.#metrics);
    this.#open = new OpenEpisodes(options.directory);
    if (options.config.enabled) this.#makeGroups();
  }

  /** Resolves at once: saved baselines are read group by group in the background, so that polling starts first. */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#state === 'running') return;
    signal.throwIfAborted();
    this.#state = 'running';
    for (const left of this.#open.left()) this.#report(endOf(left), this.#options.clock.stamp());
    for (const group of this.#groups.values()) {
      const { cadence } = group.table;
      const every = Math.min(LOOK_AT_MOST, Math.max(LOOK_AT_LEAST, cadence * LOOK_CADENCES));
      this.#stops.push(this.#timers.every(millis(every), () => this.#look(group)));
    }
    this.#stops.push(this.#timers.every(HOUSEKEEPING, () => this.#housekeep()));
    void this.#beginAll();
  }

  /** Ends open episodes (nobody watches any more) and saves what was learned. */
  async stop(): Promise<void> {
    if (this.#state !== 'running') return;
    this.#state = 'stopped';
    for (const stop of this.#stops.splice(0)) stop();
    const stamp = this.#options.clock.stamp();
    for (const group of this.#groups.values()) group.stop(stamp);
    await this.#sender.settle(SETTLE);
    this.#saveOpen();
  }

  health(): Health {
    if (this.#state !== 'running') return { state: this.#state, detail: '' };
    const parts: Record<string, Health> = {};
    const troubled: string[] = [];
    for (const [name, group] of this.#groups) {
      const detail = group.problem;
      parts[name] = detail === '' ? HEALTHY : { state: 'degraded', detail };
      if (detail !== '') troubled.push(`${name}: ${detail}`);
    }
    if (this.#sender.problem !== '') troubled.push(`events wait for the outbox: ${this.#sender.problem}`);
    if (this.#disk !== '') troubled.push(this.#disk);
    return { state: troubled.length > 0 ? 'degraded' : 'ok', detail: troubled.join('; '), parts };
  }

  /** Takes what the sources read. The hot path: no allocation, and a step of each group whose round is complete. */
  accept(samples: readonly Sample[]): void {
    if (this.#state !== 'running') return;
    let complete = false;
    for (const sample of samples) {
      const slot = this.#slots[sample.tag.index];
      if (slot === undefined || slot.tag !== sample.tag) continue;
      const taken = slot.group.update(slot.column, sample);
      if (taken !== 'value' && taken !== 'missing') this.#ignored[taken].inc();
      complete ||= slot.group.table.complete;
    }
    if (!complete) return;
    for (const group of this.#groups.values()) {
      if (!group.table.complete) continue;
      const newest = group.table.newest;
      this.#step(group);
      this.#metrics.latency.observe(Math.max(0, this.#options.clock.mono() - newest) / 1000);
    }
  }

  status(): Record<string, BaselineStatus> {
    return Object.fromEntries([...this.#groups].map(([name, group]) => [name, group.status]));
  }

  /** The last report of every episode that goes on. */
  active(): AnomalyEvent[] {
    return [...this.#groups.values()].flatMap(({ active }) => active ?? []);
  }

  commands(): Command[] {
    return [
      baselineRefresh([...this.#groups.keys()], (names) => {
        for (const name of names) this.#groups.get(name)!.refresh(this.#options.clock.stamp());
      }),
    ];
  }

  #makeGroups(): void {
    const { tags, idPrefix, directory } = this.#options;
    const files = new BaselineFiles(directory);
    for (const [group, members] of Map.groupBy(tags, (tag) => tag.group)) {
      const made = new Group({
        ...this.#options,
        group,
        tags: members,
        fusion: { weights: FUSION_WEIGHTS },
        files,
        timers: this.#timers,
        metrics: groupMetrics(this.#metrics, group),
        newId: () => `${idPrefix}-${++this.#episodes}`,
        upsetElsewhere: (here) =>
          this.active().some((event) => event.group !== here && event.faultKind === 'process-upset'),
        report: (event, stamp) => this.#report(event, stamp),
      });
      this.#groups.set(group, made);
      for (const [column, tag] of members.entries()) this.#slots[tag.index] = { tag, group: made, column };
    }
  }

  async #beginAll(): Promise<void> {
    for (const group of this.#groups.values()) {
      if (this.#state !== 'running') return;
      await group.begin(this.#options.clock.mono());
    }
  }

  #look(group: Group): void {
    if (group.overdue(this.#options.clock.mono())) this.#step(group);
  }

  #step(group: Group): void {
    const stamp = this.#options.clock.stamp();
    group.step(stamp);
    this.#metrics.tick.observe((this.#options.clock.mono() - stamp.mono) / 1000);
  }

  #report(event: AnomalyEvent, stamp: Stamp): void {
    if (event.phase === 'start') this.#rate.add(stamp.mono);
    this.#sender.send({ ...stamp, class: 'event', topic: TOPIC, body: event });
    this.#options.onEvent?.(event, stamp);
  }

  #housekeep(): void {
    const now = this.#options.clock.mono();
    for (const group of this.#groups.values()) group.housekeep(now);
    void this.#sender.flush();
    this.#saveOpen();
  }

  #saveOpen(): void {
    try {
      this.#open.save(this.active());
      this.#disk = '';
    } catch (error) {
      this.#disk = `open episodes cannot be saved: ${describeError(error)}`;
    }
  }
}

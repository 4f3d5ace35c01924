/** A world in which tests step time by hand: clock, timers, tags, and the analysis in a folder of its own. */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { type AnomalyConfig, anomalyConfig } from '../../../runtime/config/schema/anomaly.ts';
import type { Clock } from '../../../runtime/core/clock.ts';
import { createLog } from '../../../runtime/core/log.ts';
import type {
  AnomalyEvent,
  OutboundRecord,
  Quality,
  QualityReason,
  Sample,
  Tag,
  Value,
} from '../../../runtime/core/messages.ts';
import { epochMillis, type Millis, millis } from '../../../runtime/core/units.ts';
import { Analysis, type AnalysisOptions } from '../../../runtime/pipeline/analysis/analysis.ts';
import type { Timers } from '../../../runtime/pipeline/analysis/timers.ts';
import { createDetectors } from '../../../runtime/pipeline/anomaly/standard-set.ts';

export function makeTag(index: number, part: Partial<Tag> = {}): Tag {
  return {
    name: `t${index}`,
    index,
    source: 'plc',
    group: 'g',
    kind: 'value',
    unit: 'mg/L',
    period: millis(1000),
    deadband: 0,
    ...part,
  };
}

export class ManualClock implements Clock {
  now = 5000;
  /** Wall time is what a test sets it to: nothing in the analysis may depend on it. */
  wallOffset = 0;

  mono(): Millis {
    return millis(this.now);
  }
  wall() {
    return epochMillis(this.now + this.wallOffset);
  }
  timeQuality() {
    return 'unsynced' as const;
  }
  stamp() {
    return { mono: this.mono(), wall: this.wall(), timeQuality: this.timeQuality() };
  }
}

export class ManualTimers implements Timers {
  readonly #clock: ManualClock;
  readonly #timers = new Set<{ interval: number; next: number; callback: () => void }>();

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#timers.size;
  }

  every(interval: Millis, callback: () => void): () => void {
    const timer = { interval, next: this.#clock.now + interval, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  pause(): Promise<void> {
    return immediate();
  }

  /** Moves time on and fires what is due, in order. */
  advance(ms: number): void {
    const until = this.#clock.now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ next }) => next <= until).sort((a, b) => a.next - b.next)[0];
      if (!due) break;
      this.#clock.now = Math.max(this.#clock.now, due.next);
      due.next += due.interval;
      due.callback();
    }
    this.#clock.now = until;
  }
}

export const temporaryFolder = () => mkdtempSync(join(tmpdir(), 'vigie-analysis-'));

export function makeConfig(part: Record<string, unknown> = {}): AnomalyConfig {
  return anomalyConfig.parse({ baseline: { learn: '300s', minRows: 100 }, ...part });
}

/** null is a reading that failed; undefined is no sample at all. */
export type Reading = Value | null | undefined;

export class World {
  readonly clock = new ManualClock();
  readonly timers = new ManualTimers(this.clock);
  readonly registry = new Registry();
  readonly tags: readonly Tag[];
  readonly directory: string;
  readonly config: AnomalyConfig;
  readonly records: OutboundRecord[] = [];
  readonly seen: AnomalyEvent[] = [];
  readonly analysis: Analysis;
  /** Set to make the outbox refuse. */
  refusal: Error | undefined;

  constructor(tags: readonly Tag[], options: Partial<AnalysisOptions> = {}) {
    this.tags = tags;
    this.config = options.config ?? makeConfig();
    this.directory = options.directory ?? temporaryFolder();
    this.analysis = new Analysis({
      config: this.config,
      tags,
      createDetectors: (columns) => createDetectors(columns, { detectors: this.config.detectors }),
      accept: async (record) => {
        if (this.refusal) throw this.refusal;
        this.records.push(record);
      },
      directory: this.directory,
      idPrefix: 'boot',
      clock: this.clock,
      log: createLog('silent'),
      registry: this.registry,
      timers: this.timers,
      onEvent: (event) => this.seen.push(event),
      ...options,
    });
  }

  get events(): AnomalyEvent[] {
    return this.records.map(({ body }) => body as AnomalyEvent);
  }

  phases(group?: string): string[] {
    return this.events
      .filter((event) => group === undefined || event.group === group)
      .map(({ phase }) => phase);
  }

  async start(): Promise<this> {
    await this.analysis.start(new AbortController().signal);
    await this.settle();
    return this;
  }

  /** Until no baseline is being read or fitted, and all events are handed on. */
  async settle(): Promise<void> {
    const busy = () =>
      Object.values(this.analysis.status()).some(({ detail }) => /^(reading|fitting)/.test(detail));
    do await immediate();
    while (busy());
    await immediate();
  }

  sample(tag: Tag, reading: Value | null, quality?: Quality, reason?: QualityReason): Sample {
    const good = quality ?? (reading === null ? 'bad' : 'good');
    return { ...this.clock.stamp(), tag, value: reading, quality: good, ...(reason ? { reason } : {}) };
  }

  /** One reading per tag, in one batch, as of now. */
  feed(readings: ArrayLike<Reading>): void {
    const samples: Sample[] = [];
    for (const [i, tag] of this.tags.entries()) {
      const reading = readings[i];
      if (reading !== undefined) samples.push(this.sample(tag, reading));
    }
    this.analysis.accept(samples);
  }

  /** One period, then one reading per tag. */
  step(readings: ArrayLike<Reading>, period = 1000): void {
    this.timers.advance(period);
    this.feed(readings);
  }

  async metric(name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
    const metric = await this.registry.getSingleMetric(name)?.get();
    const fits = (of: Record<string, unknown>) => Object.entries(labels).every(([k, v]) => of[k] === v);
    return metric?.values.find((value) => fits(value.labels as Record<string, unknown>))?.value;
  }
}

/** A small seeded generator of normal deviates, the same on every machine. */
export function gaussian(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

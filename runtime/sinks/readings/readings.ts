/**
 * Gathers samples into records of class `reading`: one every `outbox.readings.batch`, so that flash and network
 * see few large writes. What is gathered and not yet accepted is what a power cut may take.
 */

import type { Registry } from 'prom-client';
import type { OutboxConfig } from '../../config/schema/outbox.ts';
import type { Clock } from '../../core/clock.ts';
import { type Component, HEALTHY, type Health } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Accept, Sample } from '../../core/messages.ts';
import { minutes } from '../../core/units.ts';
import { Batch } from './batch.ts';
import { Deadband } from './deadband.ts';
import { type ReadingsMetrics, readingsMetrics } from './metrics.ts';

/** How long a loss is shown in health. */
const SHOW_LOSS = minutes(10);

export interface ReadingsOptions {
  readonly accept: Accept;
  readonly config: OutboxConfig['readings'];
  readonly clock: Clock;
  readonly registry: Registry;
  readonly log: Log;
}

export class ReadingsBatcher implements Component {
  readonly name = 'readings';
  readonly #options: ReadingsOptions;
  readonly #metrics: ReadingsMetrics;
  readonly #deadband = new Deadband();
  readonly #batch = new Batch();
  #timer: NodeJS.Timeout | undefined;
  #state: 'idle' | 'running' | 'stopped' = 'idle';
  #lostAt = Number.NEGATIVE_INFINITY;
  #problem = '';

  constructor(options: ReadingsOptions) {
    this.#options = options;
    this.#metrics = readingsMetrics(options.registry);
  }

  async start(): Promise<void> {
    this.#state = 'running';
    if (this.#options.config.enabled) {
      this.#timer = setInterval(() => this.#flush(), this.#options.config.batch);
    }
  }

  /** Hands over the last record; whether the disk takes it is the outbox's affair, which stops after this. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#state = 'stopped';
    this.#flush();
  }

  health(): Health {
    if (this.#state === 'stopped') return { state: 'stopped', detail: '' };
    if (this.#options.clock.mono() - this.#lostAt >= SHOW_LOSS) return HEALTHY;
    return { state: 'degraded', detail: `readings were lost: ${this.#problem}` };
  }

  /** The hot path; never throws and never waits. */
  accept(samples: readonly Sample[]): void {
    if (!this.#options.config.enabled || this.#state === 'stopped') return;
    let published = 0;
    for (const sample of samples) {
      if (!this.#deadband.passes(sample)) continue;
      if (!this.#batch.fits(sample)) this.#flush();
      this.#batch.add(sample);
      published += 1;
    }
    this.#metrics.suppressed.inc(samples.length - published);
  }

  #flush(): void {
    const samples = this.#batch.length;
    if (samples === 0) return;
    const record = { class: 'reading', topic: 'readings', ...this.#batch.drain() } as const;
    void this.#options.accept(record).then(
      () => this.#metrics.published.inc(samples),
      (error) => this.#onLost(samples, error),
    );
  }

  #onLost(samples: number, error: unknown): void {
    this.#metrics.lost.inc(samples);
    this.#problem = describeError(error);
    const now = this.#options.clock.mono();
    if (now - this.#lostAt >= SHOW_LOSS) {
      this.#options.log.error(
        { event: 'readings.lost', samples, err: error },
        `readings were lost: ${this.#problem}`,
      );
    }
    this.#lostAt = now;
  }
}

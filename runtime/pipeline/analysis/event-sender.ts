/** Hands events to the outbox in order, and keeps those it refuses until it takes them. */

import { BoundedQueue } from '../../core/bounded-queue.ts';
import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Accept, OutboundRecord } from '../../core/messages.ts';
import type { Millis } from '../../core/units.ts';
import type { AnalysisMetrics } from './metrics.ts';

const CAPACITY = 256;

export class EventSender {
  readonly #accept: Accept;
  readonly #log: Log;
  readonly #metrics: Pick<AnalysisMetrics, 'eventErrors' | 'eventsDropped'>;
  readonly #queue: BoundedQueue<OutboundRecord>;
  /** The record on its way, or refused and to be tried first. */
  #current: OutboundRecord | undefined;
  #busy = false;
  #running = Promise.resolve();
  #problem = '';

  constructor(
    accept: Accept,
    log: Log,
    metrics: Pick<AnalysisMetrics, 'eventErrors' | 'eventsDropped'>,
    capacity = CAPACITY,
  ) {
    this.#accept = accept;
    this.#log = log;
    this.#metrics = metrics;
    this.#queue = new BoundedQueue(capacity, () => this.#metrics.eventsDropped.inc());
  }

  /** Why the outbox takes nothing; empty when it does. */
  get problem(): string {
    return this.#problem;
  }

  /** Never throws; the record leaves at once when none is ahead of it. */
  send(record: OutboundRecord): void {
    this.#queue.push(record);
    void this.flush();
  }

  /** Tries what waits, in order, until the outbox refuses. Resolves when it took all or refused. */
  flush(): Promise<void> {
    if (!this.#busy) this.#running = this.#drain();
    return this.#running;
  }

  /**
   * For the end: waits until the outbox took all, but no longer than `limit`, since on a full disk it may take its
   * time; then hands over the rest without waiting, so that the outbox decides and says what becomes of it.
   */
  async settle(limit: Millis): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limit);
    });
    await Promise.race([this.flush(), late]);
    clearTimeout(timer);
    for (let rest = this.#queue.shift(); rest; rest = this.#queue.shift()) {
      this.#accept(rest).catch((error: unknown) => this.#refused(error));
    }
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    try {
      for (;;) {
        this.#current ??= this.#queue.shift();
        if (!this.#current) return;
        await this.#accept(this.#current);
        this.#current = undefined;
        this.#problem = '';
      }
    } catch (error) {
      this.#refused(error);
    } finally {
      // At once, not when the promise settles: a record sent in between would wait for the next flush.
      this.#busy = false;
    }
  }

  #refused(error: unknown): void {
    this.#metrics.eventErrors.inc();
    if (this.#problem === '') {
      this.#log.error(
        { event: 'analysis.event.refused', err: error },
        'the outbox refuses anomaly events; each is kept and tried again',
      );
    }
    this.#problem = describeError(error);
  }
}

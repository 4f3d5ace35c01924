/** Drives one bus: whose turn it is, what the outcome means for the samples, and writes in between. */

import type { Clock } from '../../core/clock.ts';
import { DeviceError, describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Emit, QualityReason, Sample } from '../../core/messages.ts';
import { unread } from '../../core/quality.ts';
import { type Millis, millis } from '../../core/units.ts';
import type { Bus } from './bus.ts';
import { exceptionName, isRefusal, isSplittable, type Outcome } from './exchange.ts';
import type { BusMetrics } from './metrics.ts';
import { type ReadJob, readSamples, splitJob } from './plan.ts';
import { Schedule, type Turn } from './schedule.ts';
import { describeRefusal, type Unit } from './unit.ts';
import type { Send } from './write.ts';

export interface PollerOptions {
  readonly source: string;
  readonly bus: Bus;
  readonly units: readonly Unit[];
  readonly emit: Emit;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: BusMetrics;
}

interface PendingWrite {
  readonly unit: Unit;
  readonly perform: (send: Send) => Promise<void>;
  readonly done: (error?: unknown) => void;
}

/** A tag the unit refuses is not asked for at its period, but now and then: devices get reconfigured. */
const REFUSED_RETRY = millis(60_000);
const MAX_WRITES = 64;
/** How long polls that need no answer may keep the process, ms. */
const MAX_HOLD = 5;

export class Poller {
  readonly #options: PollerOptions;
  readonly #writes: PendingWrite[] = [];
  #schedule: Schedule<ReadJob> | undefined;
  #probedLast = false;
  #wroteLast = false;
  #stopping = false;
  #woken = false;
  #wake: () => void = () => {};

  constructor(options: PollerOptions) {
    this.#options = options;
  }

  /** Runs until `stop()`. */
  async run(): Promise<void> {
    const { units, clock, log, source } = this.#options;
    this.#schedule = new Schedule(
      units.map((unit) => unit.jobs),
      clock.mono(),
    );
    let yieldAt = clock.mono() + MAX_HOLD;
    while (!this.#stopping) {
      try {
        await this.#step(this.#schedule);
        // Without a connection no step waits for anything: thousands of tags would keep all else from running.
        if (clock.mono() >= yieldAt) {
          await new Promise((resolve) => setImmediate(resolve));
          yieldAt = clock.mono() + MAX_HOLD;
        }
      } catch (error) {
        log.error({ event: 'modbus.bus.fault', source, error }, describeError(error));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    for (const write of this.#writes.splice(0)) write.done(offline('bus-offline', 'the source stopped'));
  }

  stop(): void {
    this.#stopping = true;
    this.wake();
  }

  wake(): void {
    this.#woken = true;
    this.#wake();
  }

  /** Everything is due now, as it was configured: the bus, or one unit of it, is back. */
  resume(back: readonly Unit[]): void {
    const now = this.#options.clock.mono();
    for (const unit of back) {
      if (unit.jobs !== unit.planned) this.#replan(unit);
      else this.#schedule?.hurry(unit.index, now);
    }
    this.wake();
  }

  /** @throws DeviceError `bus-offline`, `unit-offline`, `write-queue-full` (all retryable) or what `perform` throws. */
  write(unit: Unit, perform: (send: Send) => Promise<void>): Promise<void> {
    if (this.#stopping || !this.#schedule) {
      return Promise.reject(offline('bus-offline', 'the source does not run'));
    }
    if (this.#writes.length >= MAX_WRITES) {
      return Promise.reject(
        offline('write-queue-full', `${MAX_WRITES} writes wait already; try again later`),
      );
    }
    return new Promise((resolve, reject) => {
      this.#writes.push({
        unit,
        perform,
        done: (error) => (error === undefined ? resolve() : reject(error)),
      });
      this.wake();
    });
  }

  async #step(schedule: Schedule<ReadJob>): Promise<void> {
    const { bus, clock } = this.#options;
    const now = clock.mono();
    const pollsWait = schedule.wakeAt() <= now;
    // Operators do not wait for a round of polls, and a flood of writes does not stop the polls.
    if (this.#writes.length > 0 && !(this.#wroteLast && pollsWait)) {
      this.#wroteLast = true;
      return this.#serveWrite(this.#writes.shift()!);
    }
    const probe = bus.probeDue(now);
    // Between two probes of dead units a poll that is due comes first.
    if (probe && !(this.#probedLast && pollsWait)) {
      this.#probedLast = true;
      await bus.probeOffline(probe);
      return;
    }
    const turn = schedule.next(now);
    if (!turn) return this.#sleep(Math.min(schedule.wakeAt(), bus.probeAt()) - now);
    this.#probedLast = false;
    this.#wroteLast = false;
    await this.#serve(turn, now);
  }

  async #serve({ unit: index, job, due, missed }: Turn<ReadJob>, now: Millis): Promise<void> {
    const { bus, units, metrics } = this.#options;
    const unit = units[index]!;
    if (missed > 0) metrics.late.inc(missed);
    if (!bus.connected) return this.#unread(job, 'bus-offline');
    if (unit.breaker.state !== 'closed') return this.#unread(job, 'unit-offline');
    if (job.refused && now < job.refused.retryAt)
      return this.#unread(job, reasonOf('exception', job.refused.code));
    metrics.jitter.observe((now - due) / 1000);
    if (unit.breaker.suspect) {
      const outcome = await bus.probe(unit);
      const alive = outcome.kind === 'answer' || !unit.breaker.suspect;
      if (!alive) return this.#failed(unit, job, outcome);
    }
    const outcome = await bus.exchange(unit, job.request);
    if (outcome.kind !== 'answer') return this.#failed(unit, job, outcome);
    if (job.refused) this.#accepted(unit, job);
    this.#emit(readSamples(job, outcome.data, this.#options.clock.stamp()));
  }

  #failed(unit: Unit, job: ReadJob, outcome: Exclude<Outcome, { kind: 'answer' }>): void {
    // Stopping closes the bus under a request: that says nothing about the device.
    if (this.#stopping) return;
    if (outcome.kind !== 'exception') {
      this.#unread(job, reasonOf(outcome.kind));
    } else if (isSplittable(outcome.code) && job.merged.spans.length > 1) {
      this.#split(unit, job, outcome.code);
    } else {
      if (isRefusal(outcome.code)) this.#refused(unit, job, outcome.code);
      this.#unread(job, reasonOf('exception', outcome.code));
    }
  }

  /** One wrong address makes a unit refuse all of a merged request: the halves are asked at once, each by itself. */
  #split(unit: Unit, job: ReadJob, code: number): void {
    const { metrics, clock, log, source } = this.#options;
    metrics.splits.inc();
    const halves = splitJob(job);
    unit.jobs = unit.jobs.flatMap((other) => (other === job ? halves : [other]));
    this.#schedule!.replace(unit.index, [job], halves, clock.mono());
    const { address, count } = job.request;
    log.debug(
      { event: 'modbus.request.split', source, unit: unit.id, address, count },
      `${unit.name} refused the merged request (${exceptionName(code)}): asking in parts`,
    );
  }

  #refused(unit: Unit, job: ReadJob, code: number): void {
    const { clock, log, source } = this.#options;
    const known = job.refused?.code === code;
    const pause = Math.max(job.period, REFUSED_RETRY);
    job.refused = { code, retryAt: millis(clock.mono() + pause) };
    if (known) return;
    const tags = job.merged.spans.map(({ tag }) => tag.name);
    log.error(
      { event: 'modbus.tag.refused', source, unit: unit.id, tags, exception: exceptionName(code) },
      `${unit.name} refuses ${describeRefusal(job)}: compare address, table and type with the device's manual`,
    );
  }

  #accepted(unit: Unit, job: ReadJob): void {
    job.refused = undefined;
    const { log, source } = this.#options;
    const tags = job.merged.spans.map(({ tag }) => tag.name);
    log.info(
      { event: 'modbus.tag.accepted', source, unit: unit.id, tags },
      `${unit.name} answers for ${tags[0]}`,
    );
    if (unit.jobs !== unit.planned && !unit.jobs.some((other) => other.refused)) this.#replan(unit);
  }

  #replan(unit: Unit): void {
    for (const job of unit.planned) job.refused = undefined;
    this.#schedule?.replace(unit.index, unit.jobs, unit.planned, this.#options.clock.mono());
    unit.jobs = unit.planned;
  }

  #unread(job: ReadJob, reason: QualityReason): void {
    const at = this.#options.clock.stamp();
    this.#emit(job.merged.spans.map(({ tag }) => unread(tag, reason, at)));
  }

  #emit(samples: readonly Sample[]): void {
    const { metrics, emit } = this.#options;
    let [uncertain, bad] = [0, 0];
    for (const { quality } of samples) {
      if (quality === 'uncertain') uncertain += 1;
      else if (quality === 'bad') bad += 1;
    }
    metrics.samples.good.inc(samples.length - uncertain - bad);
    if (uncertain > 0) metrics.samples.uncertain.inc(uncertain);
    if (bad > 0) metrics.samples.bad.inc(bad);
    emit(samples);
  }

  async #serveWrite({ unit, perform, done }: PendingWrite): Promise<void> {
    const { bus } = this.#options;
    try {
      if (!bus.connected) throw offline('bus-offline', 'the bus is not connected');
      if (unit.breaker.suspect && unit.breaker.state === 'closed') await bus.probe(unit);
      if (unit.breaker.state !== 'closed' || unit.breaker.suspect) {
        throw offline('unit-offline', `${unit.name} does not answer`);
      }
      await perform((request) => bus.exchange(unit, request));
      done();
    } catch (error) {
      done(error);
    }
  }

  /** Until the time has passed or something happened. */
  async #sleep(duration: number): Promise<void> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        // Longer than setTimeout can; the loop just looks again.
        const timer = setTimeout(resolve, Math.min(Math.ceil(duration), 60_000));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = () => {};
    }
    this.#woken = false;
  }
}

function reasonOf(kind: Exclude<Outcome['kind'], 'answer'>, code = 0): QualityReason {
  if (kind === 'exception') return `exception-${exceptionName(code)}`;
  return kind === 'disconnected' ? 'bus-offline' : kind;
}

function offline(code: string, text: string): DeviceError {
  return new DeviceError(code, text, { retryable: true });
}

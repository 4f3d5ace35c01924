/**
 * The durable queue: `accept` resolves when the record is on disk, `take` hands records out in sending order,
 * `remove` forgets them once the broker has them. While the disk refuses, records wait in memory and are
 * handed out from there; see docs/outbox.md for what is promised.
 */

import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Registry } from 'prom-client';
import type { OutboxConfig } from '../../config/schema/outbox.ts';
import type { Clock } from '../../core/clock.ts';
import type { Component, Health } from '../../core/component.ts';
import { describeError, VigieError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import {
  type OutboundQueue,
  type OutboundRecord,
  type OutboxDepth,
  RECORD_CLASSES,
  type StoredRecord,
} from '../../core/messages.ts';
import type { Millis } from '../../core/units.ts';
import { evictedError, stoppedError, type Waiting, WaitingRoom } from './buffer.ts';
import { Condition } from './condition.ts';
import { type Bounds, boundsOf, type Disk } from './disk.ts';
import { type OutboxFault, toFault } from './fault.ts';
import { type OutboxMetrics, outboxMetrics } from './metrics.ts';
import { Outgoing } from './outgoing.ts';
import { classOfId, costOf, encodeEntry } from './record.ts';
import { type ByClass, noneByClass } from './store.ts';
import { kernelBootId, WallTimes } from './wall-time.ts';

/** Records that wait for the disk: about eight hours of readings in batches, or a burst of events. */
const MEMORY_BYTES = 4 * 1024 * 1024;
/** Removals ride along with the next record; so many, or so old, they get a transaction of their own. */
const REMOVALS_AT_ONCE = 512;
const REMOVALS_WAIT_MS = 60_000;
const RETRY_FIRST_MS = 250;
const RETRY_MOST_MS = 10_000;

export interface OutboxOptions {
  /** Holds outbox.db; created when absent. */
  readonly directory: string;
  readonly config: OutboxConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
}

export class Outbox implements Component, OutboundQueue {
  readonly name = 'outbox';
  /** One start of the node. */
  readonly bootId = randomBytes(8).toString('hex');
  readonly #options: OutboxOptions;
  readonly #bounds: Bounds;
  readonly #log: Log;
  readonly #metrics: OutboxMetrics;
  readonly #condition: Condition;
  readonly #room: WaitingRoom;
  readonly #callbacks: (() => void)[] = [];
  readonly #outgoing: Outgoing;
  #disk: Disk | undefined;
  /** The next opening moves the file aside whatever it looks like: reading it has failed. */
  #damaged = false;
  #kernel = '';
  #times: WallTimes;
  #state: 'idle' | 'running' | 'stopping' | 'stopped' = 'idle';
  #working: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #readFault: OutboxFault | undefined;
  #removalTimer: NodeJS.Timeout | undefined;
  #removalsDue = false;
  readonly #stopping = new AbortController();
  #seq = 0;
  #highestId = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#bounds = boundsOf(options.config);
    this.#log = options.log;
    this.#condition = new Condition(options.clock);
    this.#metrics = outboxMetrics(options.registry, {
      depth: () => this.depth(),
      bufferedBytes: () => this.#room.bytes,
    });
    this.#room = new WaitingRoom(MEMORY_BYTES, ({ entry }) =>
      this.#countEvicted({ ...noneByClass(), [entry.class]: 1 }),
    );
    this.#outgoing = new Outgoing(this.#room, this.bootId, (id) => this.#onDamagedRow(id));
    this.#times = new WallTimes(options.clock, this.#kernel, new Map());
  }

  /** Resolves at once: the file is opened behind it, so that a slow card does not delay the first poll. */
  async start(): Promise<void> {
    this.#kernel = kernelBootId(this.bootId);
    this.#state = 'running';
    this.#kick();
  }

  /** Writes what waits, then closes. What the disk refuses even now is logged, counted and rejected. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  health(): Health {
    if (this.#state === 'stopped') return { state: 'stopped', detail: '' };
    return this.#condition.health(this.#disk !== undefined);
  }

  /**
   * @throws InputError `record-too-large`, `record-invalid`; StorageError `outbox-full` (retryable) when
   * neither disk nor memory has room, `outbox-stopped`.
   */
  async accept(record: OutboundRecord): Promise<void> {
    try {
      if (this.#state === 'stopping' || this.#state === 'stopped') throw stoppedError(record.topic);
      const entry = encodeEntry(record, this.#seq + 1, this.#bounds.record);
      const cost = costOf(entry.bytes.length, entry.topic.length);
      if (!this.#room.makeRoom(entry.class, cost)) throw evictedError(record.topic);
      this.#seq += 1;
      const onDisk = this.#room.add(entry);
      this.#kick();
      return await onDisk;
    } catch (error) {
      this.#metrics.refused.labels(error instanceof VigieError ? error.code : 'unknown').inc();
      throw error;
    }
  }

  /** Why it hangs; undefined while it goes on, also where the disk refuses and is tried again. */
  stuck = (now: Millis): string | undefined => this.#condition.stuck(now);

  async take(max: number): Promise<readonly StoredRecord[]> {
    const withMemory = this.#condition.fault !== undefined;
    const store = this.#readFault ? undefined : this.#disk?.store;
    try {
      return this.#outgoing.take(store, this.#times, max, withMemory);
    } catch (error) {
      this.#onReadFault('read the outbox', error);
      return [];
    }
  }

  remove(ids: readonly number[]): void {
    const delivered = this.#outgoing.remove(ids);
    for (const waiting of delivered) waiting.resolve();
    this.#metrics.removed.inc(delivered.size);
    const pending = this.#outgoing.removed.size;
    if (pending >= REMOVALS_AT_ONCE) this.#kick();
    if (pending > 0 && this.#state === 'running') {
      this.#removalTimer ??= setTimeout(() => this.#onRemovalsDue(), REMOVALS_WAIT_MS).unref();
    }
  }

  giveBack(): void {
    this.#outgoing.giveBack();
    this.#notify();
  }

  onAvailable(callback: () => void): void {
    this.#callbacks.push(callback);
  }

  depth(): OutboxDepth {
    const byClass = noneByClass();
    for (const name of RECORD_CLASSES) {
      byClass[name] = (this.#disk?.totals.records[name] ?? 0) + this.#room.unwritten[name];
    }
    // The broker has these; they stay on the disk until their removal rides on a commit, and so do their bytes.
    for (const id of this.#outgoing.removed) {
      const name = classOfId(id)!;
      byClass[name] = Math.max(0, byClass[name] - 1);
    }
    const bytes = (this.#disk?.totals.bytes ?? 0) + this.#room.bytes;
    return {
      records: RECORD_CLASSES.reduce((sum, name) => sum + byClass[name], 0),
      bytes,
      byClass,
      evicted: this.#condition.evicted,
    };
  }

  #onReadFault(doing: string, error: unknown): void {
    this.#readFault ??= toFault(doing, error);
    this.#kick();
  }

  #onDamagedRow(id: number): void {
    this.#metrics.damagedRows.inc();
    this.#log.error({ event: 'outbox.record.damaged', id }, 'a record was damaged on disk and is dropped');
  }

  #kick(): void {
    if (this.#state !== 'running' || this.#working) return;
    // One turn later, so that all records of a turn share one transaction.
    this.#working = new Promise((resolve) => setImmediate(resolve))
      .then(() => this.#work())
      .finally(() => {
        this.#working = undefined;
        if (this.#hasWork()) this.#kick();
      });
  }

  #hasWork(): boolean {
    return (
      this.#room.items.length > 0 ||
      this.#removalsDue ||
      this.#outgoing.removed.size >= REMOVALS_AT_ONCE ||
      this.#readFault !== undefined
    );
  }

  /** Until nothing is left to do; waits out what the disk refuses. */
  async #work(): Promise<void> {
    for (let retry = RETRY_FIRST_MS; this.#state === 'running'; ) {
      try {
        await this.#condition.during(() => this.#step());
        retry = RETRY_FIRST_MS;
        if (!this.#hasWork()) return;
      } catch (error) {
        this.#onFault(toFault('use the outbox', error));
        this.#notify();
        await pause(retry, undefined, { signal: this.#stopping.signal }).catch(() => {});
        retry = Math.min(2 * retry, RETRY_MOST_MS);
      }
    }
  }

  async #lastWork(): Promise<void> {
    try {
      do await this.#step();
      while (this.#hasWork());
    } catch (error) {
      this.#onFault(toFault('write the last records', error));
    }
  }

  async #step(): Promise<void> {
    if (this.#readFault) {
      const fault = this.#readFault;
      this.#readFault = undefined;
      throw fault;
    }
    if (!this.#disk) await this.#open();
    if (this.#hasWork()) await this.#commit(this.#disk as Disk);
    this.#onRecovered();
  }

  #onRecovered(): void {
    if (!this.#condition.recovered()) return;
    this.#log.info({ event: 'outbox.disk.recovered' }, 'the outbox writes to disk again');
  }

  async #open(): Promise<void> {
    const { Disk } = await import('./disk.ts');
    const { directory } = this.#options;
    const disk = await Disk.open({
      directory,
      boot: { bootId: this.bootId, kernel: this.#kernel },
      bounds: this.#bounds,
      damaged: this.#damaged,
      onAside: (path, reason, salvaged) => {
        this.#metrics.damagedFiles.inc();
        this.#metrics.salvaged.inc(salvaged);
        this.#condition.movedAside(path, salvaged);
        const text = `the outbox was unusable (${reason}) and moved to ${path}; ${salvaged} records were saved`;
        this.#log.error({ event: 'outbox.file.aside', path, reason, salvaged }, text);
      },
    });
    // Ids a sink still holds must not be given to other records.
    disk.store.reserveIds(this.#highestId);
    this.#disk = disk;
    this.#metrics.writtenBytes.inc(disk.written);
    this.#damaged = false;
    this.#times = new WallTimes(this.#options.clock, this.#kernel, disk.store.clockOffsets());
    this.#outgoing.giveBack();
    this.#log.info({ event: 'outbox.opened', directory, bootId: this.bootId }, 'the outbox is open');
    this.#notify();
    this.#countRows(disk);
  }

  /** In steps between other work. */
  #countRows(disk: Disk): void {
    if (this.#disk !== disk) return;
    try {
      if (disk.totals.step(disk.store)) setImmediate(() => this.#countRows(disk));
    } catch (error) {
      this.#onReadFault('count the records', error);
    }
  }

  async #commit(disk: Disk): Promise<void> {
    const batch = this.#room.next(this.#bounds.transaction);
    const rewritten = batch.flatMap(({ diskId }) => diskId ?? []);
    const removals = [...this.#outgoing.removed];
    const offset = this.#times.toNote();
    const began = this.#options.clock.mono();
    const before = disk.written;
    const outcome = disk.write(
      batch.map(({ entry }) => entry),
      [...removals, ...rewritten],
      offset,
    );
    for (const id of removals) this.#outgoing.removed.delete(id);
    if (offset !== undefined) this.#times.noted(offset);
    this.#removalsDue = false;
    clearTimeout(this.#removalTimer);
    this.#removalTimer = undefined;
    this.#metrics.removed.inc(outcome.removed - Math.min(rewritten.length, outcome.removed));
    this.#countEvicted(outcome.evicted);
    const refused = this.#noteWritten(disk, batch, outcome.ids);
    if (batch.length > 0) {
      this.#notify();
      await disk.sync();
      this.#onRecovered();
    }
    this.#room.delete(new Set(batch));
    for (const waiting of batch) {
      if (refused.has(waiting)) waiting.reject(evictedError(waiting.entry.topic));
      else {
        this.#metrics.accepted[waiting.entry.class].inc();
        waiting.resolve();
      }
    }
    this.#metrics.commitSeconds.observe((this.#options.clock.mono() - began) / 1000);
    await disk.checkpointWhenDue();
    this.#condition.diskFull = disk.isFull();
    this.#metrics.writtenBytes.inc(disk.written - before);
  }

  #noteWritten(disk: Disk, batch: Waiting[], ids: readonly (number | undefined)[]): Set<Waiting> {
    const refused = new Set<Waiting>();
    for (const [i, waiting] of batch.entries()) {
      const id = ids[i];
      if (id === undefined) refused.add(waiting);
      else {
        this.#room.markWritten(waiting, id);
        disk.totals.add(id, waiting.cost);
        this.#highestId = Math.max(this.#highestId, id);
      }
    }
    return refused;
  }

  #onFault(fault: OutboxFault): void {
    this.#metrics.faults.labels(fault.kind).inc();
    if (this.#condition.failed(fault)) {
      this.#log.error({ event: 'outbox.disk.fault', kind: fault.kind, err: fault }, describeError(fault));
    }
    // A full disk still reads; after anything else the file is opened and checked afresh.
    if (fault.kind === 'full') return;
    if (fault.kind === 'damaged' && this.#disk) this.#damaged = true;
    this.#closeDisk();
  }

  async #stop(): Promise<void> {
    const wasRunning = this.#state === 'running';
    this.#state = 'stopping';
    this.#stopping.abort();
    clearTimeout(this.#removalTimer);
    await this.#working;
    this.#removalsDue = this.#outgoing.removed.size > 0;
    if (wasRunning) await this.#lastWork();
    this.#state = 'stopped';
    const records = this.#room.rejectAll();
    if (records > 0)
      this.#log.error({ event: 'outbox.stop.lost', records }, 'the disk did not take the last records');
    this.#closeDisk();
  }

  #closeDisk(): void {
    const disk = this.#disk;
    this.#disk = undefined;
    try {
      disk?.close();
    } catch (error) {
      this.#log.error({ event: 'outbox.close.failed', err: error }, 'the outbox did not close cleanly');
    }
  }

  #onRemovalsDue(): void {
    this.#removalTimer = undefined;
    this.#removalsDue = true;
    this.#kick();
  }

  #countEvicted(evicted: ByClass): void {
    for (const name of RECORD_CLASSES) {
      if (evicted[name] === 0) continue;
      this.#metrics.evicted[name].inc(evicted[name]);
      this.#condition.evict(evicted[name]);
      if (name === 'reading') continue;
      const facts = { event: 'outbox.evicted', class: name, records: evicted[name] };
      this.#log.warn(facts, `the outbox is full: ${evicted[name]} ${name} records dropped`);
    }
  }

  #notify(): void {
    for (const callback of this.#callbacks) callback();
  }
}

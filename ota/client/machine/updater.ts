/** The update client as one component: serves what was committed, looks for news, tries, and tells the hub. */

import type { Component, Health } from '../../../runtime/core/component.ts';
import { DeliveryError, describeError, UpdateError, VigieError } from '../../../runtime/core/errors.ts';
import { nodeFileSystem } from '../../../runtime/core/file-system.ts';
import type { ModelStatus } from '../../../runtime/core/status.ts';
import { type Millis, millis, seconds } from '../../../runtime/core/units.ts';
import type { Assignment } from '../../bundle/assignment.ts';
import type { Sha256 } from '../../bundle/bundle.ts';
import { encodeReport, type NodeReport, publicKeyText } from '../../protocol/report.ts';
import type { BlobSource } from '../blob-source.ts';
import { UpdateClock } from '../clock/update-clock.ts';
import { UpdateStore } from '../store/update-store.ts';
import { TufClient } from '../tuf/client.ts';
import { type CheckParts, type CheckResult, check } from './check.ts';
import { ConfigurationTrial } from './configuration.ts';
import { obeyBlocks, sweep } from './housekeeping.ts';
import { LookAgain } from './look-again.ts';
import { ModelRecords } from './model-records.ts';
import { NodeIdentity } from './node-identity.ts';
import { trialWaitsFor } from './plan.ts';
import { pin, unblock } from './record.ts';
import { nextOf, reportModel } from './report-models.ts';
import { Serving } from './serving.ts';
import type { UpdaterOptions, UpdateSources } from './updater-options.ts';

export type { UpdaterOptions, UpdateSources } from './updater-options.ts';

/** A model that breaks its gate makes way within a second: so much of it may be waiting. */
const TICK_EVERY = millis(250);
const SEND_AGAIN_AFTER = seconds(30);
/** What no honest repository or broker sends. */
const ATTACKS = new Set(['ota-signature', 'ota-rollback', 'ota-malformed', 'ota-time-reply']);

/** All that exists once the store is open. */
interface Running {
  readonly store: UpdateStore;
  readonly clock: UpdateClock;
  readonly records: ModelRecords;
  readonly serving: Serving;
  readonly identity: NodeIdentity;
  readonly configuration: ConfigurationTrial | undefined;
  readonly client: TufClient;
}

export class Updater implements Component {
  readonly name = 'ota';
  readonly #options: UpdaterOptions;
  readonly #abort = new AbortController();
  readonly #lookAgain: LookAgain;
  #running: Running | undefined;
  #checking: Promise<CheckResult> | undefined;
  #lane: Promise<unknown> = Promise.resolve();
  #timers: NodeJS.Timeout[] = [];
  #sweepDue = false;
  #reportDue = false;
  #unsent: Uint8Array | undefined;
  #sendAgainAt = millis(0);
  #reporting: Promise<void> | undefined;
  #ticking = false;
  #versions: Readonly<Record<string, number>> = {};
  #lastError: { readonly code: string; readonly message: string } | null = null;
  #attack = false;
  #stopped = false;

  constructor(options: UpdaterOptions) {
    this.#options = options;
    const { checkEvery } = options;
    this.#lookAgain = new LookAgain({ checkEvery, look: () => void this.check().catch(() => {}) });
  }

  /** Everything that was committed serves when this resolves. @throws UpdateError `ota-store-busy`; StorageError */
  async start(): Promise<void> {
    const { fs = nodeFileSystem, directory, tickEvery = TICK_EVERY, checkEvery } = this.#options;
    const store = await UpdateStore.open(fs, directory);
    try {
      this.#running = this.#assemble(store);
    } catch (error) {
      await store.close();
      throw error;
    }
    const { records, serving, configuration } = this.#running;
    // One that meets a fault leaves the others to serve.
    for (const record of records.all()) await serving.resume(record).catch((error) => this.#fault(error));
    await configuration?.resume().catch((error) => this.#fault(error));
    this.#sweepDue = true;
    this.#reportDue = true;
    if (tickEvery > 0) this.#every(tickEvery, () => this.tick());
    this.#every(checkEvery, () => this.check());
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#lookAgain.stop();
    this.#abort.abort();
    await Promise.allSettled([this.#checking, this.#lane, this.#reporting]);
    this.#running?.serving.stop();
    this.#running?.configuration?.stop();
    await this.#running?.store.close();
  }

  health(): Health {
    if (this.#stopped) return { state: 'stopped', detail: '' };
    const running = this.#running;
    if (!running) return { state: 'starting', detail: '' };
    const parts = running.records.all().map(({ name }): [string, Health] => {
      const detail = running.serving.trouble.get(name) ?? '';
      return [name, { state: detail === '' ? 'ok' : 'degraded', detail }];
    });
    const trouble = parts.find(([, health]) => health.state !== 'ok');
    const detail = trouble ? `${trouble[0]}: ${trouble[1].detail}` : (this.#lastError?.message ?? '');
    return { state: detail === '' ? 'ok' : 'degraded', detail, parts: Object.fromEntries(parts) };
  }

  /**
   * One look, whoever asks: a second caller gets the result of the one under way.
   * @param sources other than the usual: a directory to import from; never shared with a look under way.
   * @throws UpdateError, DeliveryError, StorageError: why nothing could be learned.
   */
  async check(sources?: UpdateSources): Promise<CheckResult> {
    while (sources && this.#checking) await this.#checking.catch(() => {});
    this.#checking ??= this.#check(sources).finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** Begins the trial of what is staged, in or outside the hours of its assignment. @throws UpdateError `ota-not-staged`, `ota-untrusted-time` */
  async install(name: string): Promise<void> {
    await this.#inLane(async ({ records, serving, clock }) => {
      const record = records.get(name);
      if (record.target?.step !== 'STAGED' || record.trial) {
        throw new UpdateError(
          'ota-not-staged',
          `no release of '${name}' is staged; 'check' fetches what is assigned`,
        );
      }
      const waits = trialWaitsFor({ ...record.target, window: null }, clock.now());
      if (waits) throw new UpdateError('ota-untrusted-time', `the trial of '${name}' waits for ${waits}`);
      await serving.begin(record);
    });
  }

  /** The broker may have forgotten what this node said, and a look may wait for it. */
  reconnected(): void {
    this.#changed();
    this.#lookAgain.reconnected();
  }

  /** What is on trial, or else what serves, makes way for what served before. @throws UpdateError `ota-no-previous` */
  async rollBack(name: string, reason: string): Promise<void> {
    await this.#inLane(async ({ records, serving }) => {
      if (records.get(name).trial) await serving.rollBackTrial(name, 'ota-rolled-back', reason);
      else await serving.rollBackActive(name, 'ota-rolled-back', reason);
    });
  }

  /** @throws StorageError */
  async pin(name: string, pinned: boolean): Promise<void> {
    await this.#inLane(async ({ records }) => records.put(pin(records.get(name), pinned)));
    this.#changed();
  }

  /** @throws UpdateError `ota-not-blocked`; StorageError */
  async unblock(name: string, digest: Sha256): Promise<void> {
    await this.#inLane(async ({ records }) => {
      const record = records.get(name);
      if (!record.blocked.some((one) => one.digest === digest)) {
        throw new UpdateError('ota-not-blocked', `'${name}' has no blocked release ${digest}`);
      }
      records.put(unblock(record, digest));
    });
    this.#changed();
  }

  /** Judges trials, begins those whose time has come, clears up and reports. */
  async tick(): Promise<void> {
    if (this.#ticking || !this.#running) return;
    this.#ticking = true;
    try {
      await this.#inLane(async (running) => {
        await running.serving.tick();
        await running.configuration?.tick();
        await this.#beginTrials(running);
      });
      if (this.#sweepDue && !this.#checking) {
        this.#sweepDue = false;
        sweep(this.#running, this.#options.log);
      }
      await this.#report();
    } catch (error) {
      this.#fault(error);
    } finally {
      this.#ticking = false;
    }
  }

  /** What the node says of itself, without a counter. @throws UpdateError `ota-not-running` */
  status(): Omit<NodeReport, 'counter'> {
    const { records, serving, clock, identity, configuration } = this.#need();
    const { node, group, facts } = this.#options;
    const { now, trust, conflict } = clock.now();
    const error = conflict === undefined ? null : { code: 'ota-clock-conflict', message: conflict };
    return {
      _type: 'vigie-node-state',
      v: 1,
      node,
      group,
      key: publicKeyText(identity.key),
      time: Math.trunc(now),
      timeTrust: trust,
      runtime: facts().runtime,
      models: records
        .all()
        .map((record) => reportModel(record, serving.current(record.name), serving.trouble.get(record.name))),
      configuration: configuration?.active ?? null,
      metadata: this.#versions,
      lastError: this.#lastError ?? error,
      attack: this.#attack,
    };
  }

  /** What is on its way or on trial under a name, and how far it came. */
  progress(name: string): Pick<ModelStatus, 'trial' | 'next'> {
    const { records, serving } = this.#need();
    return { trial: serving.progress(name), next: nextOf(records.get(name)) };
  }

  #assemble(store: UpdateStore): Running {
    const { clock, built, factoryRoot, sources, host, log, configuration, serveLimit } = this.#options;
    const updateClock = new UpdateClock({ fs: store.fs, path: store.path('clock.json'), clock, built });
    if (!updateClock.load()) log.warn({ event: 'ota.clock.damaged' }, 'clock.json was damaged; begins anew');
    const records = new ModelRecords(store);
    records.load();
    for (const model of records.recovered)
      log.error({ event: 'ota.record.recovered', model }, 'the record was damaged');
    const identity = NodeIdentity.load(store);
    if (identity.isNew) log.warn({ event: 'ota.node-key.new' }, 'made a new key for this node');
    const onChange = () => this.#changed();
    const serving = new Serving({
      records,
      blobs: store.blobs,
      host,
      clock,
      log,
      serveLimit,
      onChange,
      onCommit: () => {
        this.#sweepDue = true;
      },
    });
    return {
      store,
      clock: updateClock,
      records,
      serving,
      identity,
      configuration:
        configuration && new ConfigurationTrial({ store, host: configuration, clock, log, onChange }),
      client: new TufClient({ source: sources.metadata, store: store.trust, factoryRoot }),
    };
  }

  async #check(sources?: UpdateSources): Promise<CheckResult> {
    const running = this.#need();
    const { signal } = this.#abort;
    try {
      const result = await check(this.#checkParts(running, sources), signal);
      this.#versions = result.versions;
      this.#lastError = null;
      this.#attack = false;
      for (const { error } of result.failures) this.#note(error);
      for (const model of result.models)
        if (model.result === 'refused' && ATTACKS.has(model.code)) this.#attack = true;
      // What an earlier update left may be what takes the room.
      this.#sweepDue ||= result.models.some(
        (one) => one.result === 'refused' && one.code === 'ota-disk-full',
      );
      const repaired = result.models.filter((model) => model.result === 'repaired');
      await this.#inLane(async ({ serving }) => {
        for (const { name } of repaired) await serving.restore(name);
      });
      const broken = result.failures.find(({ error }) => error instanceof DeliveryError);
      if (!sources) this.#lookAgain.after(broken?.error);
      if (result.assignment) await this.#follow(running, result.assignment, sources?.blobs);
      return result;
    } catch (error) {
      if (!signal.aborted) this.#fault(error);
      if (!sources) this.#lookAgain.after(error);
      throw error;
    } finally {
      this.#changed();
    }
  }

  #checkParts(running: Running, sources?: UpdateSources): CheckParts {
    const { factoryRoot, applyDelta, mostDeltaInMemory, host, facts, log, node, group, askTime } =
      this.#options;
    const { store, clock, records } = running;
    return {
      store,
      clock,
      records,
      blobs: store.blobs,
      client: sources
        ? new TufClient({ source: sources.metadata, store: store.trust, factoryRoot })
        : running.client,
      source: (sources ?? this.#options.sources).blobs,
      askTime: sources ? undefined : askTime,
      factoryRoot,
      applyDelta,
      mostDeltaInMemory,
      host,
      facts,
      log,
      node,
      group,
    };
  }

  /** What an assignment says beside which releases: what no node may run, and the configuration. */
  async #follow(running: Running, assignment: Assignment, blobs?: BlobSource): Promise<void> {
    await this.#inLane(async ({ records, serving }) => {
      for (const record of records.all()) await obeyBlocks(serving, record, assignment.blocked);
      await this.#beginTrials(running);
    });
    if (!assignment.configuration || !running.configuration) return;
    const source = blobs ?? this.#options.sources.blobs;
    try {
      await running.configuration.assign(assignment.configuration, source, this.#abort.signal);
    } catch (error) {
      this.#note(error);
      if (!blobs) this.#lookAgain.after(error);
    }
  }

  async #beginTrials({ records, serving, clock }: Running): Promise<void> {
    for (const record of records.all()) {
      if (record.target?.step !== 'STAGED' || record.trial) continue;
      if (trialWaitsFor(record.target, clock.now()) === undefined) await serving.begin(record);
    }
  }

  #changed(): void {
    this.#reportDue = true;
  }

  /** A report that did not leave is sent again as it is: a counter for each try would wear the card. */
  async #report(): Promise<void> {
    const { identity } = this.#need();
    const { clock, publishReport, log } = this.#options;
    if (this.#reportDue) {
      this.#reportDue = false;
      this.#unsent = encodeReport({ ...this.status(), counter: identity.count() }, identity.key);
    } else if (!this.#unsent || clock.mono() < this.#sendAgainAt) return;
    try {
      this.#reporting = publishReport(this.#unsent);
      await this.#reporting;
      this.#unsent = undefined;
    } catch (error) {
      this.#sendAgainAt = millis(clock.mono() + SEND_AGAIN_AFTER);
      log.debug({ event: 'ota.report.failed', err: error }, 'the report waits');
    }
  }

  /** One after the other: no trial is judged while another is rolled back. */
  #inLane<T>(work: (running: Running) => Promise<T>): Promise<T> {
    const running = this.#need();
    const done = this.#lane.then(() => work(running));
    this.#lane = done.catch(() => {});
    return done;
  }

  #every(interval: Millis, work: () => Promise<unknown>): void {
    this.#timers.push(setInterval(() => void work().catch((error) => this.#fault(error)), interval));
  }

  #fault(error: unknown): void {
    if (!(error instanceof VigieError)) {
      const facts = { event: 'ota.fault', err: error };
      this.#options.log.error(facts, 'the update client met a fault of its own');
    }
    this.#note(error);
    this.#changed();
  }

  #note(error: unknown): void {
    const code = error instanceof VigieError ? error.code : 'ota-fault';
    if (ATTACKS.has(code)) this.#attack = true;
    this.#lastError = { code, message: describeError(error).slice(0, 500).toWellFormed() };
  }

  #need(): Running {
    if (this.#running) return this.#running;
    throw new UpdateError('ota-not-running', 'the update client has not started', { retryable: true });
  }
}

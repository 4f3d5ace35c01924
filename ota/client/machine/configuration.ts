/** A configuration that came with an assignment: the same states as a model's, with a record of its own (SPEC.md). */

import type { Clock } from '../../../runtime/core/clock.ts';
import { describeError, InputError } from '../../../runtime/core/errors.ts';
import type { Log } from '../../../runtime/core/log.ts';
import { type Millis, minutes } from '../../../runtime/core/units.ts';
import type { Sha256 } from '../../bundle/bundle.ts';
import type { BlobSource } from '../blob-source.ts';
import type { ConfigurationHost } from '../host.ts';
import { fetchSmall } from '../store/fetch-blob.ts';
import { readRecord, writeRecord } from '../store/record-file.ts';
import type { UpdateStore } from '../store/update-store.ts';
import { fieldsOf, integerIn, textIn, textsIn } from '../tuf/fields.ts';
import type { JsonObject, JsonValue } from '../tuf/strict-json.ts';

export interface ConfigurationRecord {
  readonly active: Sha256 | null;
  readonly trial: { readonly sha256: Sha256; readonly attemptsLeft: number } | null;
  readonly blocked: readonly Sha256[];
}

const NONE: ConfigurationRecord = { active: null, trial: null, blocked: [] };
/** Starts with a new configuration in which the node may go down. */
const ATTEMPTS = 3;
const WINDOW = minutes(1);
const MOST_BLOCKED = 16;

export interface ConfigurationOptions {
  readonly store: UpdateStore;
  readonly host: ConfigurationHost;
  readonly clock: Pick<Clock, 'mono'>;
  readonly log: Log;
  readonly onChange: () => void;
}

export class ConfigurationTrial {
  readonly #options: ConfigurationOptions;
  #record = NONE;
  #since: Millis | undefined;

  constructor(options: ConfigurationOptions) {
    this.#options = options;
  }

  get active(): Sha256 | null {
    return this.#record.active;
  }

  /** After a start of the process: one on trial has used up an attempt. @throws StorageError */
  async resume(): Promise<void> {
    const { store } = this.#options;
    const found = readRecord(store.fs, this.#path(), readConfigurationRecord);
    if (found.state === 'ok') this.#record = found.value;
    const { trial } = this.#record;
    if (!trial) return;
    if (trial.attemptsLeft < 1) return this.#rollBack('the node went down again and again with it');
    this.#put({ ...this.#record, trial: { ...trial, attemptsLeft: trial.attemptsLeft - 1 } });
    this.#since = this.#options.clock.mono();
  }

  /** @throws as BlobSource.fetch; StorageError. A configuration that is wrong is blocked and logged. */
  async assign(
    configuration: { readonly sha256: Sha256; readonly length: number },
    source: BlobSource,
    signal: AbortSignal,
  ): Promise<void> {
    const { sha256 } = configuration;
    const { active, trial, blocked } = this.#record;
    if (active === sha256 || trial?.sha256 === sha256 || blocked.includes(sha256)) return;
    if (trial) await this.#rollBack('another one was assigned meanwhile');
    const bytes = await fetchSmall(source, configuration, signal);
    const { host, clock, log, onChange } = this.#options;
    // Counted before it begins, as with a model (I-4).
    this.#put({ ...this.#record, trial: { sha256, attemptsLeft: ATTEMPTS - 1 } });
    this.#since = clock.mono();
    try {
      await host.apply(bytes);
      log.info({ event: 'ota.configuration.applied', sha256 }, 'a new configuration is on trial');
    } catch (error) {
      this.#since = undefined;
      this.#put(this.#blocking(sha256));
      if (!(error instanceof InputError)) throw error;
      log.error(
        { event: 'ota.configuration.refused', sha256, err: error },
        'the assigned configuration is wrong',
      );
    }
    onChange();
  }

  /** To be called about once a second. @throws StorageError */
  async tick(): Promise<void> {
    const { host, clock, log, onChange } = this.#options;
    const { trial, blocked } = this.#record;
    if (!trial || this.#since === undefined) return;
    const trouble = host.trouble();
    if (trouble !== undefined) return this.#rollBack(trouble);
    if (clock.mono() - this.#since < WINDOW) return;
    // Before the record: cut between the two, the trial goes on and this is done again.
    host.keep();
    this.#put({ active: trial.sha256, trial: null, blocked });
    log.info({ event: 'ota.configuration.committed', sha256: trial.sha256 }, 'the new configuration stays');
    onChange();
  }

  /** The process ends as it was told to, which a new configuration may have asked for itself. */
  stop(): void {
    const { trial } = this.#record;
    if (!trial || this.#since === undefined) return;
    this.#since = undefined;
    try {
      this.#put({ ...this.#record, trial: { ...trial, attemptsLeft: trial.attemptsLeft + 1 } });
    } catch (error) {
      this.#options.log.warn({ event: 'ota.configuration.record', err: error }, describeError(error));
    }
  }

  async #rollBack(reason: string): Promise<void> {
    const { host, log, onChange } = this.#options;
    const { trial } = this.#record;
    if (!trial) return;
    this.#since = undefined;
    log.error(
      { event: 'ota.configuration.rolled-back', reason },
      `back to the configuration before: ${reason}`,
    );
    const { sha256 } = trial;
    // The host first: cut here, the trial is still on record and the same is done again.
    await host.rollBack(reason);
    this.#put(this.#blocking(sha256));
    onChange();
  }

  #blocking(sha256: Sha256): ConfigurationRecord {
    const { active, blocked } = this.#record;
    return { active, trial: null, blocked: [...blocked, sha256].slice(-MOST_BLOCKED) };
  }

  #put(record: ConfigurationRecord): void {
    const { fs } = this.#options.store;
    writeRecord(fs, this.#path(), { ...record } as unknown as JsonValue);
    this.#record = record;
  }

  #path(): string {
    return this.#options.store.path('configuration.json');
  }
}

/** @throws UpdateError `ota-malformed` */
export function readConfigurationRecord(json: JsonObject): ConfigurationRecord {
  const where = 'configuration.json';
  const trial = json.trial === null ? null : fieldsOf(json.trial, where);
  return {
    active: json.active === null ? null : textIn(json, 'active', where),
    trial: trial && {
      sha256: textIn(trial, 'sha256', where),
      attemptsLeft: integerIn(trial, 'attemptsLeft', 0, where),
    },
    blocked: textsIn(json, 'blocked', where),
  };
}

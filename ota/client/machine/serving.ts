/**
 * What serves under each name, and the trial of what shall serve next (S-TRIAL). Every change of the record is on disk
 * before the host is asked to act on it (I-3); only a model that fails makes way even when the disk refuses.
 */

import type { Clock } from '../../../runtime/core/clock.ts';
import { describeError, ModelError, StorageError, VigieError } from '../../../runtime/core/errors.ts';
import type { Log } from '../../../runtime/core/log.ts';
import type { TrialProgress } from '../../../runtime/core/status.ts';
import { type Millis, millis, minutes, seconds } from '../../../runtime/core/units.ts';
import type { InstalledBundle, ModelHost, OutputReference } from '../host.ts';
import type { BlobStore } from '../store/blob-store.ts';
import { HANGS_AFTER, hangs, judge } from './gate.ts';
import { loadInstalled, neededFiles } from './installed.ts';
import type { ModelRecords } from './model-records.ts';
import {
  beginTrial,
  commit,
  countStart,
  dropTrial,
  giveBackAttempt,
  type ModelRecord,
  nextAttempt,
  type Release,
  rollBackActive,
  rollBackTrial,
  serveSteadily,
} from './record.ts';

const SERVE_LIMIT = minutes(2);
const NOTICE_EVERY = seconds(1);
/** What serves this long came up well. */
const STEADY_AFTER = minutes(1);
/** Starts in a row without that: first the release before is tried, then nothing any more (I-11). */
const TRY_PREVIOUS_AFTER = 3;
const IDLE_AFTER = 6;

export interface ServingOptions {
  readonly records: ModelRecords;
  readonly blobs: BlobStore;
  readonly host: ModelHost;
  readonly clock: Pick<Clock, 'mono'>;
  readonly log: Log;
  /** For a load (2 min); TensorRT engines are built before, in S-VERIFY. One that takes longer hangs. */
  readonly serveLimit: Millis | undefined;
  /** Something that the report says has changed. */
  readonly onChange: () => void;
  /** A release was committed: what nobody needs any more may go. */
  readonly onCommit: (name: string) => void;
}

interface Served {
  readonly release: Release;
  readonly since: Millis;
  readonly bundle: InstalledBundle;
  steady: boolean;
  /** Does not answer any more. */
  hangs: boolean;
  /** When it was last looked at, outside a trial. */
  noticedAt: Millis;
}

export class Serving {
  readonly #options: ServingOptions;
  readonly #served = new Map<string, Served>();
  /** Why nothing serves under a name, or not what should. */
  readonly trouble = new Map<string, string>();

  constructor(options: ServingOptions) {
    this.#options = options;
  }

  /** What runs under this name now. */
  current(name: string): Release | undefined {
    return this.#served.get(name)?.release;
  }

  /** Null where none is on trial and serves. */
  progress(name: string): TrialProgress | null {
    const { records, host, clock } = this.#options;
    const { trial } = records.get(name);
    const served = this.#served.get(name);
    if (!trial || served?.release.digest !== trial.digest) return null;
    const { windowSeconds, minInferences } = served.bundle.bundle.health;
    return {
      ...{ release: trial.release, attemptsLeft: trial.attemptsLeft, minInferences },
      inferences: host.measures(name)?.inferences ?? 0,
      elapsed: millis(clock.mono() - served.since),
      window: seconds(windowSeconds),
    };
  }

  /** After a start of the process: a trial that was under way goes on or ends, everything else serves as it did. */
  async resume(record: ModelRecord): Promise<void> {
    if (record.trial && (await this.#resumeTrial(record))) return;
    await this.#serveSettled(this.#options.records.get(record.name));
  }

  /** What was damaged is there again: the active release serves where it should. */
  async restore(name: string): Promise<void> {
    const { active, previous, trial } = this.#options.records.get(name);
    if (!active || trial || this.current(name)?.digest === active.digest) return;
    await this.#serveFirst(name, [active, previous], 'verify');
  }

  /** S-STAGED → S-TRIAL. @throws StorageError: then nothing has begun. */
  async begin(record: ModelRecord): Promise<void> {
    const { records, blobs, host, log, onChange } = this.#options;
    const target = record.target!;
    const bundle = loadInstalled(blobs, target);
    const reference = host.reference(record.name);
    // I-4: counted before it begins.
    records.put(beginTrial(record, bundle.bundle.trial.attempts, reference));
    log.info({ event: 'ota.trial.began', model: record.name, release: target.release }, 'trial begins');
    onChange();
    await this.#attempt(record.name, bundle, reference);
  }

  /** Judges trials; to be called several times a second. */
  async tick(): Promise<void> {
    this.#options.records.retry();
    for (const [name, served] of this.#served) {
      const { trial } = this.#options.records.get(name);
      if (trial && trial.digest === served.release.digest) await this.#judge(name, served);
      else this.#notice(name, served);
    }
  }

  /** S-TRIAL → S-ROLLED-BACK, and what served before serves. */
  async rollBackTrial(name: string, code: string, reason: string): Promise<void> {
    const { records, log, onChange } = this.#options;
    const record = rollBackTrial(records.get(name), code, reason);
    if (!records.putOrHold(record)) this.trouble.set(name, 'the rollback could not be written to disk yet');
    log.error({ event: 'ota.trial.rolled-back', model: name, code, reason }, `rolled back: ${reason}`);
    await this.#serveFirst(name, [record.active, record.previous]);
    onChange();
  }

  /** By hand, or by an assignment that blocks what serves. @throws UpdateError `ota-no-previous`; StorageError */
  async rollBackActive(name: string, code: string, reason: string): Promise<void> {
    const { records, log, onChange } = this.#options;
    const record = rollBackActive(records.get(name), code, reason);
    records.put(record);
    log.warn({ event: 'ota.rolled-back', model: name, code, reason }, `rolled back: ${reason}`);
    await this.#serveFirst(name, [record.active]);
    onChange();
  }

  /** The process ends as it was told to: trials go on after the next start, with the attempt given back. */
  stop(): void {
    const { records } = this.#options;
    for (const [name, { release }] of this.#served) {
      const record = records.get(name);
      if (record.trial?.digest === release.digest) records.putOrHold(giveBackAttempt(record));
    }
    this.#served.clear();
  }

  /** @returns whether the trial goes on. */
  async #resumeTrial(record: ModelRecord): Promise<boolean> {
    const { records, blobs } = this.#options;
    const { name, trial } = record;
    if (trial!.attemptsLeft < 1) {
      const code = 'ota-unhealthy';
      records.putOrHold(
        rollBackTrial(record, code, `the node went down in each of ${trial!.attempt} attempts`),
      );
      return false;
    }
    try {
      const bundle = loadInstalled(blobs, trial!);
      await this.#requireWhole(bundle);
      records.put(nextAttempt(record));
      await this.#attempt(name, bundle, trial!.reference);
      return true;
    } catch (error) {
      // No attempt without its being counted (I-4), and none of damaged files: what served before serves.
      this.trouble.set(name, describeError(error));
      if (codeOf(error) === 'ota-blob-gone') records.putOrHold(dropTrial(record));
      return false;
    }
  }

  async #attempt(name: string, bundle: InstalledBundle, reference: OutputReference): Promise<void> {
    try {
      await this.#serve(name, bundle, reference);
    } catch (error) {
      await this.rollBackTrial(name, codeOf(error), describeError(error));
    }
  }

  async #judge(name: string, served: Served): Promise<void> {
    const { host, clock, records, log, onChange, onCommit } = this.#options;
    const elapsed = clock.mono() - served.since;
    const verdict = judge(served.bundle.bundle.health, host.measures(name), elapsed);
    if (verdict.verdict === 'wait') return;
    if (verdict.verdict === 'roll-back') return this.rollBackTrial(name, 'ota-unhealthy', verdict.reason);
    try {
      records.put(commit(records.get(name)));
    } catch (error) {
      // The disk refuses: it stays on trial until it can be remembered that it passed.
      this.trouble.set(name, describeError(error));
      return onChange();
    }
    served.steady = true;
    this.trouble.delete(name);
    log.info({ event: 'ota.trial.committed', model: name, release: served.release.release }, 'committed');
    onCommit(name);
    onChange();
  }

  #notice(name: string, served: Served): void {
    const { clock, records } = this.#options;
    // Its measures are sorted for each look.
    if (clock.mono() - served.noticedAt < NOTICE_EVERY) return;
    served.noticedAt = clock.mono();
    this.#noticeHang(name, served);
    if (served.steady || clock.mono() - served.since < STEADY_AFTER) return;
    served.steady = true;
    const record = records.get(name);
    if (record.unsteadyStarts > 0) records.putOrHold(serveSteadily(record));
  }

  /** Of what was committed, which has no gate any more: said, for as long as it is so. */
  #noticeHang(name: string, served: Served): void {
    const { host, log, onChange } = this.#options;
    const waiting = host.measures(name)?.waiting ?? 0;
    const isHanging = waiting >= HANGS_AFTER;
    if (isHanging === served.hangs) return;
    served.hangs = isHanging;
    if (isHanging) this.trouble.set(name, hangs(waiting));
    else this.trouble.delete(name);
    const facts = { model: name, release: served.release.release };
    if (isHanging) log.error({ event: 'ota.model.hangs', ...facts }, hangs(waiting));
    else log.info({ event: 'ota.model.answers', ...facts }, 'it answers again');
    onChange();
  }

  /** What was committed, each file read back from the disk before it is believed (I-2). */
  async #serveSettled(record: ModelRecord): Promise<void> {
    const { records } = this.#options;
    const { name, active, previous } = record;
    if (!active) {
      if (record.floor || record.refused) await this.#goIdle(name, 'no release of it is good');
      return;
    }
    records.putOrHold(countStart(record));
    if (record.unsteadyStarts >= IDLE_AFTER) {
      await this.#goIdle(
        name,
        `the node went down ${record.unsteadyStarts} times soon after it began to serve`,
      );
      records.putOrHold(serveSteadily(record));
      return;
    }
    const skip = record.unsteadyStarts >= TRY_PREVIOUS_AFTER && previous !== null;
    if (skip) this.trouble.set(name, 'the node went down again and again with the active release');
    await this.#serveFirst(name, skip ? [previous] : [active, previous], 'verify');
  }

  /** I-11: one after the other, and safe idle when none of them loads. */
  async #serveFirst(name: string, releases: readonly (Release | null)[], check?: 'verify'): Promise<void> {
    const { blobs, log } = this.#options;
    const reasons: string[] = [];
    for (const release of releases) {
      if (!release) continue;
      try {
        const bundle = loadInstalled(blobs, release);
        if (check) await this.#requireWhole(bundle);
        await this.#serve(name, bundle);
        if (reasons.length > 0) this.trouble.set(name, reasons.join('; '));
        return;
      } catch (error) {
        reasons.push(`release ${release.release}: ${describeError(error)}`);
        log.error(
          { event: 'ota.serve.failed', model: name, release: release.release, err: error },
          'cannot serve',
        );
      }
    }
    await this.#goIdle(name, reasons.join('; ') || 'there is no release to go back to');
  }

  async #requireWhole(bundle: InstalledBundle): Promise<void> {
    const { blobs, host } = this.#options;
    for (const { path, sha256, length } of neededFiles(host, bundle)) {
      if (await blobs.isWhole(sha256, length)) continue;
      // Out of the way: its name means a whole file (I-1).
      blobs.drop(sha256);
      throw new StorageError('ota-blob-gone', `${path} (${sha256}) is damaged or gone`, {
        facts: { sha256 },
      });
    }
  }

  async #serve(name: string, bundle: InstalledBundle, reference?: OutputReference): Promise<void> {
    const { host, clock, log, serveLimit = SERVE_LIMIT } = this.#options;
    this.#served.delete(name);
    const { switchMs } = await withLimit(host.serve(bundle, reference), serveLimit, name);
    const { release, digest } = bundle;
    const now = clock.mono();
    const fresh = { since: now, steady: false, hangs: false, noticedAt: now };
    this.#served.set(name, { release: { release, digest }, bundle, ...fresh });
    this.trouble.delete(name);
    log.info({ event: 'ota.serve', model: name, release, switchMs }, 'serves');
  }

  async #goIdle(name: string, reason: string): Promise<void> {
    this.#served.delete(name);
    this.trouble.set(name, reason);
    this.#options.log.error({ event: 'ota.idle', model: name, reason }, 'nothing serves under this name');
    await this.#options.host.idle(name, reason);
  }
}

async function withLimit<T>(work: Promise<T>, limit: Millis, name: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = new ModelError('serve-timeout', `'${name}' did not load within ${limit / 1000} s`);
    timer = setTimeout(() => reject(error), limit);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function codeOf(error: unknown): string {
  return error instanceof VigieError ? error.code : 'ota-unhealthy';
}

/**
 * A named place for a model that runs outside this process, at one or several users: cameras in their vision processes. It
 * serves when all of them have it; where one cannot take it, all stay with the one before.
 */

import type { Manifest } from '../../../ota/bundle/manifest.ts';
import type { OutputReference, ServingMeasures } from '../../../ota/client/host.ts';
import type { Clock } from '../../core/clock.ts';
import { describeError, ModelError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type Bytes, type Millis, millis } from '../../core/units.ts';
import type { BackendName } from '../inference/session.ts';
import { ModelMeasures, referenceOf } from './measures.ts';
import type { ModelMachine } from './open-bundle.ts';

/** A release in the store, verified and tested. */
export interface RemoteModel {
  readonly name: string;
  readonly release: number;
  readonly version: string;
  readonly digest: string;
  readonly backend: BackendName;
  /** With all lists in it. */
  readonly manifest: Manifest;
  /** Absolute paths, by path in the bundle, of what this node has of it. */
  readonly files: Readonly<Record<string, string>>;
  readonly machine: ModelMachine;
}

export interface RemoteUser {
  /** @throws ModelError for a model that it cannot use. */
  check(model: RemoteModel): void;
  /** Loads and warms it beside the one that serves and routes over between two inferences. @throws ModelError */
  serve(model: RemoteModel): Promise<void>;
  clear(reason: string): void;
  /** What its process holds; undefined while none runs. */
  resident(): Bytes | undefined;
  /** How long the inference under way has taken so far; 0 where there is none. */
  oldestCall(): Millis;
}

interface RemoteServing extends RemoteModel {
  readonly measures: ModelMeasures;
  /** Of how many things are found at a time. */
  readonly counts: ModelMeasures;
  /** Processes that ended over it. */
  ends: number;
  /** What its outputs are held against. */
  readonly reference: OutputReference;
}

export class RemoteSlot {
  readonly name: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #users = new Set<RemoteUser>();
  #serving: RemoteServing | undefined;
  #empty = 'no release of it was installed yet';
  #turn = 0;
  /** Releases that users are loading. */
  #coming = 0;

  constructor(options: { readonly name: string; readonly clock: Clock; readonly log: Log }) {
    this.name = options.name;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Before anything serves. */
  join(user: RemoteUser): void {
    this.#users.add(user);
  }

  get serving(): RemoteServing | undefined {
    return this.#serving;
  }

  /** Why nothing serves; empty when something does. */
  get emptyBecause(): string {
    return this.#serving ? '' : this.#empty;
  }

  /**
   * What serves already, where what should have followed it never came up, stays as it is measured.
   * @param reference what its outputs are held against; left out: those of the one before.
   * @throws ModelError `model-late`; the first of what its users refuse it with.
   */
  async serve(model: RemoteModel, reference?: OutputReference): Promise<void> {
    const turn = ++this.#turn;
    if (this.#serving?.digest === model.digest) {
      if (this.#coming > 0) this.#giveBack([...this.#users]);
      return;
    }
    for (const user of this.#users) user.check(model);
    const users = [...this.#users];
    this.#coming += 1;
    const outcomes = await Promise.allSettled(users.map((user) => user.serve(model)));
    this.#coming -= 1;
    if (turn !== this.#turn)
      throw new ModelError(
        'model-late',
        `${this.name} ${model.release} came up too late: another release was chosen`,
      );
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) {
      this.#giveBack(users.filter((_, index) => outcomes[index]?.status === 'fulfilled'));
      throw failed.reason;
    }
    this.#serving = {
      ...model,
      measures: new ModelMeasures(this.#clock.mono()),
      counts: new ModelMeasures(this.#clock.mono()),
      ends: 0,
      reference: reference ?? this.reference(),
    };
  }

  clear(reason: string): void {
    this.#turn += 1;
    this.#serving = undefined;
    this.#empty = reason;
    for (const user of this.#users) user.clear(reason);
  }

  /**
   * One frame was looked at.
   * @param digest of the bundle that looked: the answers of one that was replaced say nothing of the one that serves.
   * @param scores of what was found, 0 … 1 each.
   */
  looked(digest: string, took: Millis, scores: readonly number[]): void {
    const serving = this.#serving;
    if (serving?.digest !== digest) return;
    serving.measures.done(took);
    serving.measures.scored(Math.max(0, ...scores));
    serving.counts.scored(scores.length);
  }

  /** A frame was not looked at since the model failed. @param why for a person. */
  missed(digest: string, why: string): void {
    if (this.#serving?.digest === digest) this.#serving.measures.failed(millis(0), why);
  }

  /** A process ended that looked with it. @param why for a person. */
  ended(digest: string, why: string): void {
    this.missed(digest, why);
    if (this.#serving?.digest === digest) this.#serving.ends += 1;
  }

  /** The outputs of what serves, for a successor. */
  reference(): OutputReference {
    const serving = this.#serving;
    if (!serving) return {};
    const { measures, counts, reference } = serving;
    return referenceOf({ scores: measures.spread(), counts: counts.spread() }, reference);
  }

  /** Undefined where nothing serves. */
  measures(): ServingMeasures | undefined {
    if (!this.#serving) return undefined;
    const { measures, counts, reference, ends } = this.#serving;
    const users = [...this.#users];
    const waiting = Math.max(0, ...users.map((user) => user.oldestCall()));
    const { latencyP95 } = measures;
    const shifts = [measures.shift(reference.scores), counts.shift(reference.counts)].filter(
      (shift) => shift !== undefined,
    );
    return {
      inferences: measures.inferences,
      errors: measures.errors,
      lastError: measures.lastError,
      ends,
      // A call that does not come back has no latency yet, and is the worst of all.
      latencyP95: latencyP95 === undefined && waiting === 0 ? undefined : Math.max(latencyP95 ?? 0, waiting),
      rss: Math.max(0, ...users.map((user) => user.resident() ?? 0)),
      rate: measures.rate(this.#clock.mono()),
      outputShift: shifts.length === 0 ? undefined : Math.max(...shifts),
      waiting,
    };
  }

  /** Those that took what another one refused. */
  #giveBack(users: readonly RemoteUser[]): void {
    const before = this.#serving;
    for (const user of users) {
      if (!before) {
        user.clear(this.#empty);
        continue;
      }
      user.serve(before).catch((error: unknown) => {
        this.#log.error(
          { event: 'model.restore.failed', model: this.name, error: describeError(error) },
          `${this.name} ${before.release} did not come up again where another release had been`,
        );
      });
    }
  }
}

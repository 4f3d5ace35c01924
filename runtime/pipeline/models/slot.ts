/**
 * A named place for a model. Whoever infers through it is served by the release that is in it at that moment; another
 * release is loaded and warmed beside it and takes over between two inferences. No call is dropped, none waits for the
 * switch, and the old release is closed when its last call is over.
 */

import type { Manifest } from '../../../ota/bundle/manifest.ts';
import type { OutputReference } from '../../../ota/client/host.ts';
import type { Clock } from '../../core/clock.ts';
import { describeError, ModelError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type Millis, millis, seconds } from '../../core/units.ts';
import type { BackendName, Buffers, Session, Tensors } from '../inference/session.ts';
import { ModelMeasures, referenceOf } from './measures.ts';

/** A model that is loaded, and what it is. */
export interface LoadedModel {
  readonly release: number;
  readonly version: string;
  readonly digest: string;
  readonly backend: BackendName;
  readonly manifest: Manifest;
  readonly session: Session;
}

/** A loaded model in the slot. A new object for each release that serves. */
export interface Serving extends LoadedModel {
  readonly measures: ModelMeasures;
  /** What its outputs are held against. */
  readonly reference: OutputReference;
}

interface Call {
  readonly began: Millis;
}

interface Held extends Serving {
  readonly inFlight: Set<Call>;
  idle?: () => void;
}

export interface SlotOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a replaced release may take over its last call before it is closed with it. */
  readonly patience?: Millis;
}

const PATIENCE = seconds(30);

export class ModelSlot {
  readonly name: string;
  readonly #options: SlotOptions;
  #held: Held | undefined;
  #empty = 'no release of it was installed yet';
  #turn = 0;
  readonly #closing = new Set<Promise<void>>();
  readonly #users = new Set<(model: LoadedModel) => void>();

  constructor(options: SlotOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /**
   * @param check of whoever infers through the slot. @throws ModelError `model-inputs` for a model that does not fit it.
   * @returns how to take it back.
   */
  require(check: (model: LoadedModel) => void): () => void {
    this.#users.add(check);
    return () => void this.#users.delete(check);
  }

  /** @throws as the checks of `require`. */
  check(model: LoadedModel): void {
    for (const user of this.#users) user(model);
  }

  /** Undefined where nothing serves. */
  get serving(): Serving | undefined {
    return this.#held;
  }

  /** Why nothing serves; empty when something does. */
  get emptyBecause(): string {
    return this.#held ? '' : this.#empty;
  }

  /**
   * As `Session.infer`, on whatever release serves when it is called.
   * @throws ModelError `model-absent` when none does; else as the session.
   */
  async infer(inputs: Tensors, into?: Buffers): Promise<Tensors> {
    const held = this.#held;
    if (!held) throw new ModelError('model-absent', `no model serves as '${this.name}': ${this.#empty}`);
    const { clock } = this.#options;
    const call: Call = { began: clock.mono() };
    held.inFlight.add(call);
    try {
      const outputs = await held.session.infer(inputs, into);
      held.measures.done(millis(clock.mono() - call.began));
      return outputs;
    } catch (error) {
      held.measures.failed(millis(clock.mono() - call.began), describeError(error));
      throw error;
    } finally {
      held.inFlight.delete(call);
      if (held.inFlight.size === 0) held.idle?.();
    }
  }

  /** For a load that begins: what was begun before can no longer take the slot, however late it comes. */
  newTurn(): number {
    return ++this.#turn;
  }

  /**
   * From the next call on. The one before is closed when it is idle.
   * @param model loaded and warm. @param reference what its outputs are held against; left out: those of the one before.
   * @throws ModelError `model-late` when another load has begun since this one's turn.
   */
  take(model: LoadedModel, turn: number, reference = this.reference()): void {
    if (turn !== this.#turn)
      throw new ModelError(
        'model-late',
        `${this.name} ${model.release} came up too late: another release was chosen`,
      );
    const before = this.#held;
    const measures = new ModelMeasures(this.#options.clock.mono());
    this.#held = { ...model, measures, reference, inFlight: new Set() };
    if (before) this.#retire(before);
  }

  /** The outputs of what serves, for a successor. */
  reference(): OutputReference {
    const held = this.#held;
    return held ? referenceOf({ scores: held.measures.spread() }, held.reference) : {};
  }

  /** Nothing serves any more. */
  clear(reason: string): void {
    const before = this.#held;
    this.#turn += 1;
    this.#held = undefined;
    this.#empty = reason;
    if (before) this.#retire(before);
  }

  /** How long the oldest call under way has been waiting; 0 when none is: a model that hangs shows here alone. */
  oldestCall(): Millis {
    const [oldest] = this.#held?.inFlight ?? [];
    return oldest === undefined ? millis(0) : millis(this.#options.clock.mono() - oldest.began);
  }

  /** Ends all that serves or is being closed. */
  async close(): Promise<void> {
    this.clear('the node is stopping');
    await Promise.all(this.#closing);
  }

  #retire(held: Held): void {
    const closing = this.#closeWhenIdle(held).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  async #closeWhenIdle(held: Held): Promise<void> {
    const { log, patience = PATIENCE } = this.#options;
    const facts = { model: this.name, release: held.release };
    if (held.inFlight.size > 0) {
      const idle = new Promise<void>((resolve) => {
        held.idle = resolve;
      });
      await within(idle, patience);
    }
    try {
      const closed = await within(held.session.close(), patience);
      if (closed) log.info({ event: 'model.closed', ...facts }, `${this.name} ${held.release} is closed`);
      else
        log.error(
          { event: 'model.hangs', ...facts },
          `${this.name} ${held.release} does not end its last call`,
        );
    } catch (error) {
      log.error(
        { event: 'model.close.failed', ...facts, error: describeError(error) },
        `${this.name} ${held.release} could not be closed`,
      );
    }
  }
}

/** @returns false when the time was over first. */
async function within(work: Promise<unknown>, time: Millis): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), time);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

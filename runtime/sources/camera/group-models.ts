/**
 * Which model of a bundle looks at which camera of a vision process, over the life of several such processes. A wish is met
 * when the process says that the model looks; a process that starts anew is given what served, or what is still wished for.
 */

import { ModelError } from '../../core/errors.ts';
import { type Millis, minutes } from '../../core/units.ts';
import type { ModelFacts, ModelJob, ToVision } from './messages.ts';

type Send = (message: ToVision) => void;

interface Wish {
  readonly model: ModelJob;
  readonly resolve: () => void;
  readonly reject: (error: ModelError) => void;
  /** Processes that ended over it. */
  ends: number;
  /** When the process was told of it. */
  since: Millis;
}

/** A process may be killed for another reason while it loads a model; twice is the model's fault. */
const MOST_ENDS = 2;
/** As long as its self-test had for the same. */
const LOAD_LIMIT = minutes(1);

export class GroupModels {
  readonly #served = new Map<string, ModelJob>();
  readonly #wishes = new Map<string, Wish>();

  /**
   * @param send to the process; left out where none runs: the next one will load it.
   * @throws (rejects) ModelError `model-crashed`, `model-hung`, `model-late`, and what the process refuses it with.
   */
  serve(camera: string, model: ModelJob, send: Send | undefined, now: Millis): Promise<void> {
    this.#giveUp(camera, new ModelError('model-late', 'another release was chosen meanwhile'));
    if (!send) {
      this.#served.set(camera, model);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.#wishes.set(camera, { model, resolve, reject, ends: 0, since: now });
      send({ type: 'serve', camera, model });
    });
  }

  clear(camera: string, send: Send | undefined): void {
    this.#giveUp(camera, new ModelError('model-late', 'nothing is to serve any more'));
    this.#served.delete(camera);
    send?.({ type: 'serve', camera, model: null });
  }

  /** A process runs and was told of its cameras. */
  started(send: Send, now: Millis): void {
    const models = new Map(this.#served);
    for (const [camera, wish] of this.#wishes) {
      wish.since = now;
      models.set(camera, wish.model);
    }
    for (const [camera, model] of models) send({ type: 'serve', camera, model });
  }

  looks(camera: string, { bundle }: ModelFacts): void {
    const wish = this.#wishes.get(camera);
    if (!wish || wish.model.bundle?.digest !== bundle) return;
    this.#wishes.delete(camera);
    this.#served.set(camera, wish.model);
    wish.resolve();
  }

  refused(camera: string, bundle: string, code: string, detail: string): void {
    if (this.#wishes.get(camera)?.model.bundle?.digest !== bundle) return;
    this.#giveUp(camera, new ModelError(code, `camera '${camera}': ${detail}`));
  }

  /** Something is to look that does not yet. */
  waits(camera: string): boolean {
    return this.#wishes.has(camera);
  }

  /**
   * Gives up a model that does not come up. What it hangs in, it hangs in for ever: only the end of the process frees it.
   * @returns what is said of it; undefined where there is none.
   */
  hung(now: Millis): string | undefined {
    for (const [camera, { since, model }] of this.#wishes) {
      if (now - since < LOAD_LIMIT) continue;
      const text = `release ${model.bundle?.release} of the model did not load within ${LOAD_LIMIT / 1000} s`;
      this.#giveUp(camera, new ModelError('model-hung', `camera '${camera}': ${text}`));
      return text;
    }
    return undefined;
  }

  ended(why: string): void {
    for (const [camera, wish] of this.#wishes) {
      wish.ends += 1;
      if (wish.ends < MOST_ENDS) continue;
      const text = `camera '${camera}': the vision process ${why} while it loaded the model`;
      this.#giveUp(camera, new ModelError('model-crashed', text));
    }
  }

  stop(): void {
    for (const camera of [...this.#wishes.keys()])
      this.#giveUp(camera, new ModelError('model-late', 'the node is stopping', { retryable: true }));
  }

  #giveUp(camera: string, error: ModelError): void {
    const wish = this.#wishes.get(camera);
    this.#wishes.delete(camera);
    wish?.reject(error);
  }
}

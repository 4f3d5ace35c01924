/** What every session promises of its calls: order, a bound, and an end. The backends only run them. */

import { ModelError } from '../../core/errors.ts';
import { MOST_WAITING } from './session.ts';

interface Waiting {
  readonly start: () => void;
  readonly reject: (error: ModelError) => void;
}

export class SessionQueue {
  readonly #model: string;
  readonly #waiting: Waiting[] = [];
  #running = false;
  #closed: Promise<void> | undefined;
  #idle: (() => void) | undefined;

  /** @param model how errors name it. */
  constructor(model: string) {
    this.#model = model;
  }

  /** Starts `work` at once when nothing runs. @throws (rejects) ModelError `session-closed`, `session-busy` (retryable), or what `work` throws. */
  add<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(this.#closedError());
    if (!this.#running) return this.#run(work);
    if (this.#waiting.length >= MOST_WAITING) {
      const text = `${this.#model}: ${MOST_WAITING} calls wait for this session already; wait for one to settle`;
      return Promise.reject(new ModelError('session-busy', text, { retryable: true }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ start: () => this.#run(work).then(resolve, reject), reject });
    });
  }

  /** Lets the running call finish, rejects the waiting ones, then calls `free`, once however often this is called. */
  close(free: () => Promise<void>): Promise<void> {
    this.#closed ??= this.#close(free);
    return this.#closed;
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    this.#running = true;
    try {
      return await work();
    } finally {
      this.#running = false;
      const next = this.#waiting.shift();
      if (next) next.start();
      else this.#idle?.();
    }
  }

  async #close(free: () => Promise<void>): Promise<void> {
    // Not before #closed is set: what is rejected here may call again.
    await undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#closedError());
    if (this.#running) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    await free();
  }

  #closedError(): ModelError {
    return new ModelError('session-closed', `${this.#model}: the session is closed; load the model again`);
  }
}

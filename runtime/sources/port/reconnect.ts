/** Keeps one connection open: opens it, and opens it again with growing pauses after it was lost. */

import { DeviceError } from '../../core/errors.ts';
import { type Millis, millis } from '../../core/units.ts';

export interface Connection {
  close(): Promise<void>;
}

export interface KeeperOptions<C extends Connection> {
  /** @throws DeviceError when it cannot be opened now. `lost` is called at most once, when it breaks later. */
  readonly open: (lost: (cause: DeviceError) => void, signal: AbortSignal) => Promise<C>;
  readonly onUp: (connection: C) => void;
  /** It is not there (any more); the next attempt follows after `pause`. */
  readonly onDown: (cause: DeviceError, pause: Millis) => void;
  readonly firstPause: Millis;
  readonly maxPause: Millis;
}

export class Keeper<C extends Connection> {
  readonly #options: KeeperOptions<C>;
  readonly #abort = new AbortController();
  #current: C | undefined;
  #failures = 0;
  #confirmed = false;
  #timer: NodeJS.Timeout | undefined;
  #attempt: Promise<void> = Promise.resolve();

  constructor(options: KeeperOptions<C>) {
    this.#options = options;
  }

  get current(): C | undefined {
    return this.#current;
  }

  /** Resolves when the first attempt is over, however it ended. */
  start(): Promise<void> {
    this.#attempt = this.#tryOpen();
    return this.#attempt;
  }

  /** The connection serves its purpose: the next pauses start small again. One that only opens does not. */
  confirm(): void {
    this.#confirmed = true;
    this.#failures = 0;
  }

  /** Closes the connection and opens it anew at once. */
  renew(cause: DeviceError): void {
    const connection = this.#current;
    if (!connection) return;
    this.#current = undefined;
    this.#options.onDown(cause, millis(0));
    this.#attempt = connection.close().then(() => this.#tryOpen());
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#timer);
    await this.#attempt;
    const connection = this.#current;
    this.#current = undefined;
    await connection?.close();
  }

  async #tryOpen(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    try {
      let broken: DeviceError | undefined;
      let opened: C | undefined;
      opened = await this.#options.open((cause) => {
        broken = cause;
        if (opened !== undefined) this.#lost(opened, cause);
      }, this.#abort.signal);
      if (broken) throw broken;
      if (this.#abort.signal.aborted) return await opened.close();
      this.#current = opened;
      this.#confirmed = false;
      this.#options.onUp(opened);
    } catch (error) {
      this.#failures += 1;
      this.#again(asDeviceError(error), this.#pause());
    }
  }

  #lost(connection: C, cause: DeviceError): void {
    if (this.#current !== connection) return;
    this.#current = undefined;
    if (!this.#confirmed) this.#failures += 1;
    this.#again(cause, this.#pause());
    void connection.close();
  }

  #again(cause: DeviceError, pause: Millis): void {
    if (this.#abort.signal.aborted) return;
    this.#options.onDown(cause, pause);
    this.#timer = setTimeout(() => {
      this.#attempt = this.#tryOpen();
    }, pause);
  }

  #pause(): Millis {
    const { firstPause, maxPause } = this.#options;
    return millis(
      Math.max(
        firstPause,
        Math.min(maxPause, firstPause * 2 ** Math.min(Math.max(this.#failures - 1, 0), 20)),
      ),
    );
  }
}

function asDeviceError(error: unknown): DeviceError {
  return error instanceof DeviceError
    ? error
    : new DeviceError('open-failed', 'cannot open the connection', { cause: error, retryable: true });
}

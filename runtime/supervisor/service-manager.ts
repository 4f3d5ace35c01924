/** What the node tells the service manager that started it: the sd_notify(3) protocol. Without one, nothing. */

import { type Millis, millis } from '../core/units.ts';

/** Sends one message. Throws when the manager cannot be told. */
export type Notify = (message: string) => void;

export interface ServiceEnvironment {
  /** Where messages go; undefined without a service manager that wants them. */
  readonly address: string | undefined;
  /** How long the manager waits for a sign of life before it ends the process; undefined where it does not. */
  readonly watchdog: Millis | undefined;
}

/** Longer lines are of no use in `systemctl status`. */
const LONGEST_STATUS = 300;

/**
 * Takes what systemd set out of the environment: a process that the node starts must not speak for it.
 * @param pid of this process.
 */
export function takeServiceEnvironment(env: NodeJS.ProcessEnv, pid: number): ServiceEnvironment {
  const { NOTIFY_SOCKET: address, WATCHDOG_USEC: micros, WATCHDOG_PID: watched } = env;
  delete env.NOTIFY_SOCKET;
  delete env.WATCHDOG_USEC;
  delete env.WATCHDOG_PID;
  const mine = watched === undefined || Number(watched) === pid;
  const limit = Number(micros) / 1000;
  return { address: address || undefined, watchdog: mine && limit > 0 ? millis(limit) : undefined };
}

/** Messages that do not get through are no trouble of the node: those that must arrive are tried again by the next tick. */
export class ServiceManager {
  readonly #notify: Notify | undefined;
  #status = '';
  #ready = false;

  /** @param notify undefined without a service manager. */
  constructor(notify: Notify | undefined) {
    this.#notify = notify;
  }

  /** Whether it knows that the node is ready. */
  get isReady(): boolean {
    return this.#ready;
  }

  ready(status: string): void {
    this.#ready = this.#say(`READY=1\nSTATUS=${this.#line(status)}`);
  }

  /** One line for `systemctl status`, sent when it differs from the last one. */
  status(text: string): void {
    const line = this.#line(text);
    if (line !== this.#status && this.#say(`STATUS=${line}`)) this.#status = line;
  }

  /** The sign of life. */
  alive(): void {
    this.#say('WATCHDOG=1');
  }

  /** @param monotonic now, as CLOCK_MONOTONIC tells it. */
  reloading(monotonic: Millis): void {
    if (this.#ready) this.#say(`RELOADING=1\nMONOTONIC_USEC=${Math.round(monotonic * 1000)}`);
  }

  reloaded(): void {
    if (this.#ready) this.#say('READY=1');
  }

  stopping(): void {
    this.#say('STOPPING=1\nSTATUS=stopping');
  }

  #line(text: string): string {
    return text.replaceAll(/\s+/g, ' ').slice(0, LONGEST_STATUS);
  }

  #say(message: string): boolean {
    if (!this.#notify) return true;
    try {
      this.#notify(message);
      return true;
    } catch {
      return false;
    }
  }
}

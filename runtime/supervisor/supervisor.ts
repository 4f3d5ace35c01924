/** Starts components in order, tries again those that fail, watches their health, stops them with a deadline. */

import type { Clock } from '../core/clock.ts';
import type { Component, Health } from '../core/component.ts';
import { describeError, VigieError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type Millis, millis, seconds } from '../core/units.ts';
import { retryDelay } from './back-off.ts';
import { type HealthChange, HealthWatch, worstOf } from './health-watch.ts';

export interface SupervisorOptions {
  /** In start order: sinks before the pipeline before the sources. They stop in reverse. */
  readonly components: readonly Component[];
  readonly clock: Clock;
  readonly log: Log;
  readonly onHealthChange: (change: HealthChange) => void;
  /** For all components together; the service manager kills at 5 s. */
  readonly stopDeadline?: Millis;
}

const WATCH_EVERY = seconds(1);
const REPLACE_LIMIT = seconds(4.5);

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #components: Component[];
  readonly #abort = new AbortController();
  readonly #watch = new HealthWatch();
  /** Why a component is not running, by name; it is tried again. */
  readonly #startErrors = new Map<string, string>();
  readonly #retries = new Set<NodeJS.Timeout>();
  /** Starts under way, retries among them. */
  readonly #starts = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<readonly string[]> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#components = [...options.components];
  }

  /** Resolves when each component was started once; those that failed are tried again in the background. */
  start(): Promise<void> {
    this.#starting ??= this.#startAll();
    return this.#starting;
  }

  /** Stops the component of the same name and starts this one in its place. */
  async replace(next: Component): Promise<void> {
    const index = this.#components.findIndex(({ name }) => name === next.name);
    const previous = this.#components[index];
    if (!previous)
      throw new VigieError('no-such-component', `there is no component '${next.name}' to replace`);
    await stopWithin(previous, REPLACE_LIMIT);
    if (this.#abort.signal.aborted) return;
    this.#components[index] = next;
    await this.#tryStart(next, 0);
  }

  /** @returns the names of the components that did not stop in time. */
  stop(): Promise<readonly string[]> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  /** Compares every component's health with what it was, and reports each change. */
  check(): void {
    for (const change of this.#watch.update(this.components())) this.#options.onHealthChange(change);
  }

  components(): Record<string, Health> {
    return Object.fromEntries(
      this.#components.map((component) => [component.name, this.#healthOf(component)]),
    );
  }

  /** The node as a whole: as good as its worst component. */
  health(): Health {
    return worstOf(this.components());
  }

  #healthOf(component: Component): Health {
    const error = this.#startErrors.get(component.name);
    if (error !== undefined) return { state: 'failed', detail: error };
    try {
      return component.health();
    } catch (cause) {
      return { state: 'failed', detail: `health check threw: ${describeError(cause)}` };
    }
  }

  /** A stop that comes meanwhile ends it: what was not begun yet never begins. */
  async #startAll(): Promise<void> {
    for (const component of this.#components) {
      if (this.#abort.signal.aborted) return;
      await this.#tryStart(component, 0);
    }
    if (this.#abort.signal.aborted) return;
    this.#timer = setInterval(() => this.check(), WATCH_EVERY);
    this.check();
  }

  async #tryStart(component: Component, attempt: number): Promise<void> {
    const start = this.#startOnce(component, attempt);
    this.#starts.add(start);
    await start;
    this.#starts.delete(start);
  }

  async #startOnce(component: Component, attempt: number): Promise<void> {
    try {
      await component.start(this.#abort.signal);
      this.#startErrors.delete(component.name);
    } catch (error) {
      if (this.#abort.signal.aborted || !this.#components.includes(component)) return;
      this.#startErrors.set(component.name, describeError(error));
      this.#retryLater(component, attempt, error);
    }
  }

  #retryLater(component: Component, attempt: number, error: unknown): void {
    const delay = retryDelay(attempt);
    this.#options.log.error(
      {
        event: 'supervisor.component.start-failed',
        component: component.name,
        retryMs: Math.round(delay),
        error: describeError(error),
      },
      `${component.name} did not start; trying again in ${Math.round(delay / 1000)} s`,
    );
    const timer = setTimeout(() => {
      this.#retries.delete(timer);
      // Another one may have taken its place meanwhile.
      if (this.#components.includes(component)) void this.#tryStart(component, attempt + 1);
    }, delay);
    this.#retries.add(timer);
  }

  async #stopAll(): Promise<readonly string[]> {
    this.#abort.abort();
    clearInterval(this.#timer);
    for (const timer of this.#retries) clearTimeout(timer);
    const { clock, log, stopDeadline = seconds(4.5) } = this.#options;
    const deadline = millis(clock.mono() + stopDeadline);
    // Stopped while it starts, a component might run on.
    await within(Promise.all(this.#starts), millis(stopDeadline / 2));
    const late: string[] = [];
    for (const component of [...this.#components].reverse()) {
      const left = millis(Math.max(50, deadline - clock.mono()));
      const failure = await stopWithin(component, left);
      if (failure === undefined) continue;
      late.push(component.name);
      log.error(
        { event: 'supervisor.component.stop-failed', component: component.name, error: failure },
        `${component.name} did not stop: ${failure}`,
      );
    }
    return late;
  }
}

/** @returns why it did not stop; undefined when it did. */
function stopWithin(component: Component, limit: Millis): Promise<string | undefined> {
  return within(component.stop(), limit);
}

/** @returns why it did not end well; undefined when it did. */
async function within(work: Promise<unknown>, limit: Millis): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`still busy after ${Math.round(limit)} ms`), limit);
  });
  const ended = work.then(
    () => undefined,
    (error: unknown) => describeError(error),
  );
  const outcome = await Promise.race([ended, expired]);
  clearTimeout(timer);
  return outcome;
}

/**
 * Tells the service manager how the node does, and gives it a sign of life only on evidence: the event loop turns, sources
 * that are due deliver through the whole pipeline, the outbox gets on with its disk. Without evidence the manager ends
 * the process and starts it again.
 */

import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { type Millis, millis, minutes, seconds } from '../core/units.ts';
import type { ServiceManager } from './service-manager.ts';

/** What is looked at of a running node. */
export interface Watched {
  /** Why it hangs; undefined while it goes on. */
  stuck(now: Millis): string | undefined;
  /** What it is ready with; undefined while it comes up. @param waited since it began to start. */
  readyWith(waited: Millis): string | undefined;
  /** One line for a person. */
  statusLine(): string;
  /** Starts parts that hang anew, before all of the node has to be. */
  heal(now: Millis): void;
}

export interface ServiceWatchOptions {
  readonly manager: ServiceManager;
  readonly clock: Clock;
  readonly log: Log;
  /** After how long without a sign of life the manager acts. */
  readonly watchdog: Millis | undefined;
  /** Told why, before the manager ends the process. */
  readonly onStuck?: (why: string) => void;
  /** Told once, after the node was ready for so long that its start was a success. */
  readonly onSteady?: () => void;
}

const NEVER = millis(Number.NEGATIVE_INFINITY);
const COMING_UP = millis(250);
const STEADY = seconds(5);
const STATUS_EVERY = seconds(10);
/** A start or a restart within the process that takes longer hangs. */
const START_LIMIT = minutes(2);
/** The manager counts starts over ten minutes. */
const STEADY_AFTER = minutes(10);

export class ServiceWatch {
  readonly #options: ServiceWatchOptions;
  #node: Watched | undefined;
  /** When this node began to start. */
  #began: Millis;
  #readyAt: Millis | undefined;
  #steady = false;
  #stuck: string | undefined;
  #statusAt = NEVER;
  #saidStuck = false;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
    this.#began = options.clock.mono();
  }

  start(): void {
    this.#next();
  }

  /** @param node that starts now; undefined when the last one has ended. */
  watch(node: Watched | undefined): void {
    this.#node = node;
    this.#began = this.#options.clock.mono();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** One look, as the timer takes it. */
  look(): void {
    const { manager, clock } = this.#options;
    const now = clock.mono();
    this.#node?.heal(now);
    const why = this.#evidence(now);
    this.#note(why);
    if (why === undefined) manager.alive();
    this.#sayReady(now);
    this.#sayStatus(now, why);
    this.#sayWell(now);
  }

  #evidence(now: Millis): string | undefined {
    if (this.#node) return this.#node.stuck(now);
    return now - this.#began > START_LIMIT ? 'the node does not come up' : undefined;
  }

  #note(why: string | undefined): void {
    if ((why === undefined) === (this.#stuck === undefined)) return;
    this.#stuck = why;
    const { log, onStuck } = this.#options;
    if (why === undefined) {
      log.warn({ event: 'service.watchdog.recovered' }, 'the node goes on');
      return;
    }
    log.error({ event: 'service.watchdog.starved', why }, `${why}: the service manager is not told to wait`);
    onStuck?.(why);
  }

  #sayReady(now: Millis): void {
    const { manager, log } = this.#options;
    if (manager.isReady) return;
    const waited = millis(now - this.#began);
    const what = this.#node?.readyWith(waited);
    if (what === undefined) return;
    manager.ready(what);
    if (!manager.isReady) return;
    this.#readyAt = now;
    log.info({ event: 'service.ready', waitedMs: Math.round(waited) }, `ready: ${what}`);
  }

  #sayStatus(now: Millis, stuck: string | undefined): void {
    if (!this.#node) return;
    if ((stuck === undefined) === this.#saidStuck) this.#statusAt = NEVER;
    this.#saidStuck = stuck !== undefined;
    if (now - this.#statusAt < (this.#readyAt === undefined ? seconds(1) : STATUS_EVERY)) return;
    this.#statusAt = now;
    this.#options.manager.status(stuck === undefined ? this.#node.statusLine() : `stuck: ${stuck}`);
  }

  #sayWell(now: Millis): void {
    if (this.#steady || this.#readyAt === undefined || now - this.#readyAt < STEADY_AFTER) return;
    this.#steady = true;
    this.#options.onSteady?.();
  }

  #next(): void {
    if (this.#stopped) return;
    const { watchdog } = this.#options;
    const calm = Math.min(STEADY, watchdog === undefined ? STEADY : watchdog / 4);
    const wait = this.#readyAt === undefined ? Math.min(COMING_UP, calm) : calm;
    // A timer that fires and an immediate that follows: both halves of the event loop turn.
    this.#timer = setTimeout(() => {
      setImmediate(() => {
        if (this.#stopped) return;
        this.look();
        this.#next();
      });
    }, wait);
    // A process that has nothing else to do ends.
    this.#timer.unref();
  }
}

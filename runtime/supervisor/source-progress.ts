/**
 * Evidence that samples come through the whole pipeline. A source that works says something of each of its tags once a
 * period, if only that it could not be read; one that says nothing at all hangs. Pure: time is an argument.
 */

import type { Sample } from '../core/messages.ts';
import { type Millis, millis, seconds } from '../core/units.ts';

/** A source is due so many of its shortest periods after it last spoke… */
const PERIODS = 3;
/** …and no earlier than this: a connection that is being made may take its time. */
const LEAST = seconds(60);

export interface TickingSource {
  readonly name: string;
  /** The shortest of its tags; undefined for one that may rightly fall silent, such as a recording that ends. */
  readonly period: Millis | undefined;
}

export class SourceProgress {
  /** By name, when it last spoke, or was given another chance. */
  readonly #heard = new Map<string, Millis>();
  readonly #limits = new Map<string, Millis>();
  /** When any of them last spoke. */
  #any: Millis;
  #good = false;

  constructor(sources: readonly TickingSource[], now: Millis) {
    this.#any = now;
    for (const { name, period } of sources) {
      if (period === undefined) continue;
      this.#heard.set(name, now);
      this.#limits.set(name, this.limit(period));
    }
  }

  limit(period: Millis): Millis {
    return millis(Math.max(LEAST, PERIODS * period));
  }

  /** Samples that every stage has taken. The hot path. */
  tick(samples: readonly Sample[], now: Millis): void {
    const first = samples[0];
    if (!first) return;
    this.#any = now;
    if (this.#heard.has(first.tag.source)) this.#heard.set(first.tag.source, now);
    if (!this.#good) this.#good = samples.some(({ quality }) => quality === 'good');
  }

  /** Whether a tag was read with good quality since the start. */
  get anyGood(): boolean {
    return this.#good;
  }

  /** Sources that are overdue; each is given another chance from now on. */
  takeSilent(now: Millis): string[] {
    const silent = [...this.#heard].filter(([name, heard]) => now - heard > this.#limits.get(name)!);
    for (const [name] of silent) this.#heard.set(name, now);
    return silent.map(([name]) => name);
  }

  /** Why the pipeline as a whole hangs: nobody spoke, though all were given another chance. Undefined while it goes on. */
  stuck(now: Millis): string | undefined {
    if (this.#limits.size === 0) return undefined;
    const silence = now - this.#any;
    if (silence <= 2 * Math.min(...this.#limits.values())) return undefined;
    return `no source has delivered anything for ${Math.round(silence / 1000)} s`;
  }
}

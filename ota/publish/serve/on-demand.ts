/**
 * Decides when a blob is broadcast that nobody announced: when a wave of a rollout begins, its nodes ask for the same
 * content at about the same time. Their requests then wait for the broadcast, and what it did not bring is answered as ever.
 */

import { type Millis, millis, minutes, seconds } from '../../../runtime/core/units.ts';
import { MOST_CONTENT } from '../../protocol/frames.ts';

export interface OnDemandOptions {
  /** So many nodes that ask for the same blob are worth a broadcast. */
  readonly from: number;
  readonly now: () => Millis;
  /** Bytes; undefined where there is no such blob. */
  readonly lengthOf: (sha256: string) => Promise<number | undefined>;
  readonly broadcast: (sha256: string) => Promise<unknown>;
  readonly onFailed: (error: unknown) => void;
}

/** Who asked longer ago has it, or gave up. */
const WINDOW = seconds(10);
/** Less is answered sooner than it is announced. */
const LEAST_BYTES = 4 * MOST_CONTENT;
/** A node that cannot hear broadcasts is kept waiting for less time than it takes to give up. */
const LONGEST_HOLD = seconds(30);
/** Names on the wire cost nothing: whoever makes them up gets one broadcast in so long. */
const PAUSE = minutes(1);
const MOST_BLOBS = 64;
/** What each node of a wave asks for at once, and a little more. */
const MOST_BUSY = 32;
const SECOND = 1000;

export class OnDemand {
  readonly #options: OnDemandOptions;
  /** By blob and node: when it asked. */
  readonly #asked = new Map<string, Map<string, Millis>>();
  /** By blob: when it was broadcast, or found not to be worth it. */
  readonly #done = new Map<string, Millis>();
  readonly #busy = new Map<string, number>();
  #busySince = millis(0);
  #running: { readonly sha256: string; readonly since: Millis } | undefined;

  constructor(options: OnDemandOptions) {
    this.#options = options;
  }

  /** A node asks for a block. @returns whether it is to ask again later, since a broadcast brings it. */
  asked(node: string, sha256: string): boolean {
    const now = this.#options.now();
    if (this.#running) return this.#running.sha256 === sha256 && now - this.#running.since < LONGEST_HOLD;
    const done = this.#done.get(sha256);
    if (done !== undefined && now - done < PAUSE) return false;
    if (this.#count(node, sha256, now) < this.#options.from) return false;
    this.#running = { sha256, since: now };
    void this.#run(sha256);
    return true;
  }

  /** Whether a node that is to wait is told so: not more often than an honest one asks. */
  mayTell(node: string): boolean {
    const now = this.#options.now();
    if (now - this.#busySince >= SECOND) {
      this.#busySince = now;
      this.#busy.clear();
    }
    const told = this.#busy.get(node) ?? 0;
    this.#busy.set(node, told + 1);
    return told < MOST_BUSY;
  }

  /** Nodes that asked for it lately; more than are needed are not remembered. */
  #count(node: string, sha256: string, now: Millis): number {
    const nodes = this.#asked.get(sha256) ?? new Map<string, Millis>();
    for (const [name, at] of nodes) if (now - at > WINDOW) nodes.delete(name);
    if (nodes.size < this.#options.from) nodes.set(node, now);
    this.#asked.delete(sha256);
    this.#asked.set(sha256, nodes);
    forgetOldest(this.#asked);
    return nodes.size;
  }

  async #run(sha256: string): Promise<void> {
    const { lengthOf, broadcast, onFailed, now } = this.#options;
    try {
      if (((await lengthOf(sha256)) ?? 0) >= LEAST_BYTES) await broadcast(sha256);
    } catch (error) {
      onFailed(error);
    } finally {
      this.#running = undefined;
      this.#asked.delete(sha256);
      this.#done.delete(sha256);
      this.#done.set(sha256, now());
      forgetOldest(this.#done);
    }
  }
}

function forgetOldest(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (map.size > MOST_BLOBS && oldest !== undefined) map.delete(oldest);
}

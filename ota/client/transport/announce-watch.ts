/** Makes of announcements, however many come, a look now and then: a fleet must not ask its hub in one moment. */

import { type Millis, millis, minutes, seconds } from '../../../runtime/core/units.ts';
import { type Announcement, decodeAnnouncement } from '../../protocol/announce.ts';
import type { OtaLink } from '../../protocol/link.ts';
import type { OtaTopics } from '../../protocol/topics.ts';

export interface AnnounceWatchOptions {
  readonly link: OtaLink;
  readonly topics: OtaTopics;
  readonly now: () => Millis;
  /** At once, for each that differs from the one before. */
  readonly onAnnounced?: (announcement: Announcement) => void;
  /** Looks for updates; never rejects, and is not called again before it has ended. */
  readonly check: () => Promise<void>;
  /** The look starts at random within this time (30 s). */
  readonly jitter?: Millis;
  /** Between the starts of two looks (1 min). */
  readonly leastInterval?: Millis;
  readonly random?: () => number;
}

export class AnnounceWatch {
  readonly #options: AnnounceWatchOptions;
  #leave: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  /** Came while a look was under way, which may have missed it. */
  #again = false;
  #lastStart = millis(Number.NEGATIVE_INFINITY);
  #last = '';
  #stopped = false;

  constructor(options: AnnounceWatchOptions) {
    this.#options = options;
  }

  /** @throws DeliveryError `ota-transport` */
  async start(): Promise<void> {
    const { link, topics } = this.#options;
    this.#leave = await link.subscribe(topics.announce, (_topic, payload) => this.#receive(payload));
    if (this.#stopped) this.#leave();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#leave?.();
  }

  #receive(payload: Uint8Array): void {
    if (this.#stopped) return;
    const announcement = decodeAnnouncement(payload);
    if (!announcement) return;
    const text = JSON.stringify(announcement);
    if (text === this.#last) return;
    this.#last = text;
    this.#options.onAnnounced?.(announcement);
    this.#plan();
  }

  #plan(): void {
    const { now, jitter = seconds(30), leastInterval = minutes(1), random = Math.random } = this.#options;
    if (this.#running) {
      this.#again = true;
      return;
    }
    if (this.#timer || this.#stopped) return;
    const earliest = Math.max(0, this.#lastStart + leastInterval - now());
    this.#timer = setTimeout(() => this.#look(), earliest + random() * jitter);
  }

  async #look(): Promise<void> {
    this.#timer = undefined;
    this.#running = true;
    this.#again = false;
    this.#lastStart = this.#options.now();
    try {
      await this.#options.check();
    } finally {
      this.#running = false;
      if (this.#again) this.#plan();
    }
  }
}

/**
 * Messages that are no records: status and replies. The broker's receive maximum counts them like records, so they take
 * their turn: before the records, never above it. One line per connection.
 */

import type { Millis } from '../../core/units.ts';

/** @param done called at the PUBACK, or when the connection ends. */
export type Send = (done: () => void) => void;

export interface ControlLineOptions {
  readonly receiveMaximum: number;
  readonly now: () => Millis;
  /** Records on their way. */
  readonly records: () => number;
  /** There is room for records again. */
  readonly onFreed: () => void;
}

/** A broker that acknowledges nothing must not fill the memory with replies. */
const MAX_WAITING = 64;

export class ControlLine {
  readonly #options: ControlLineOptions;
  readonly #waiting: Send[] = [];
  readonly #flights = new Set<{ readonly sentAt: Millis }>();

  constructor(options: ControlLineOptions) {
    this.#options = options;
  }

  /** Places that records must leave free. */
  get claimed(): number {
    return this.#flights.size + this.#waiting.length;
  }

  /** Since when the oldest one waits for its PUBACK. */
  oldestFlight(): Millis | undefined {
    return this.#flights.values().next().value?.sentAt;
  }

  /** @returns false when too many wait already. */
  send(send: Send): boolean {
    if (this.#waiting.length >= MAX_WAITING) return false;
    this.#waiting.push(send);
    this.flush();
    return true;
  }

  /** Sends what fits; to be called when a record was acknowledged. */
  flush(): void {
    const { receiveMaximum, records, now, onFreed } = this.#options;
    while (this.#flights.size + records() < receiveMaximum) {
      const send = this.#waiting.shift();
      if (!send) return;
      const flight = { sentAt: now() };
      this.#flights.add(flight);
      send(() => {
        this.#flights.delete(flight);
        this.flush();
        onFreed();
      });
    }
  }
}

/** A token bucket for the bytes that a node asks for. Time is an argument. */

export class Pace {
  readonly #rate: number | undefined;
  readonly #burst: number;
  #tokens: number;
  #at: number | undefined;

  /** @param burst bytes that may be asked for at once after a pause; at least one block. */
  constructor(bytesPerSecond: number | undefined, burst: number) {
    this.#rate = bytesPerSecond;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Books the bytes. @returns ms to wait before they may be asked for. */
  take(bytes: number, now: number): number {
    if (this.#rate === undefined) return 0;
    const since = this.#at === undefined ? 0 : now - this.#at;
    this.#at = now;
    this.#tokens = Math.min(this.#burst, this.#tokens + (since * this.#rate) / 1000) - bytes;
    return Math.max(0, (-this.#tokens / this.#rate) * 1000);
  }
}

/** How many live pictures are sent at the same time, over all cameras. */

export class Viewers {
  readonly #most: number;
  #count = 0;
  readonly #onChange: (count: number) => void;

  constructor(most: number, onChange: (count: number) => void) {
    this.#most = most;
    this.#onChange = onChange;
  }

  /** @returns what gives the place back (idempotent); undefined when there is none. */
  enter(): (() => void) | undefined {
    if (this.#count >= this.#most) return undefined;
    this.#onChange(++this.#count);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#onChange(--this.#count);
    };
  }
}

/** First in, first out, at most `capacity` items: the oldest goes when a new one finds no room, and is counted. */
export class BoundedQueue<T> {
  readonly capacity: number;
  readonly #onDrop: (item: T) => void;
  readonly #items: (T | undefined)[];
  #head = 0;
  #length = 0;

  /** @param onDrop called with each item that had to go: count it, nothing is lost silently. */
  constructor(capacity: number, onDrop: (item: T) => void) {
    this.capacity = capacity;
    this.#onDrop = onDrop;
    this.#items = new Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.capacity) this.#onDrop(this.shift() as T);
    this.#items[(this.#head + this.#length) % this.capacity] = item;
    this.#length += 1;
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.capacity;
    this.#length -= 1;
    return item;
  }

  /** Oldest first; the queue stays as it is. */
  *[Symbol.iterator](): Generator<T> {
    for (let i = 0; i < this.#length; i++) yield this.#items[(this.#head + i) % this.capacity] as T;
  }
}

/**
 * Which bytes of an earlier file belong to which of a new one. Weights that were retrained lie where they lay, or moved as
 * a whole: a few equal bytes in a row find the place again, and the bytes around them, equal or not, come along.
 */

/** A piece of the new file, and where it lies in the base; undefined: nothing there resembles it. */
export interface Aligned {
  readonly at: number;
  readonly length: number;
  readonly from: number | undefined;
}

/** Pieces whose place is known from the files' structure: in order of `at`, not overlapping. */
export type Hint = Aligned & { readonly from: number };

const WINDOW = 256;
const SEED = 12;
/** Every so many bytes of the base one seed is kept. */
const STRIDE = 4;
const MOST_TABLE_BITS = 24;
/** Of the bytes of a window, to stay where it is, and to go elsewhere. */
const STAYS = 1 / 8;
const GOES = 1 / 4;

/** @returns pieces that make up the whole of `next`, in order. */
export function align(base: Uint8Array, next: Uint8Array, hints: readonly Hint[]): Aligned[] {
  const finder = new Finder(base, next);
  const pieces: Aligned[] = [];
  const add = (piece: Aligned) => {
    const last = pieces.at(-1);
    if (last && follows(last, piece))
      pieces[pieces.length - 1] = { ...last, length: last.length + piece.length };
    else if (piece.length > 0) pieces.push(piece);
  };
  let at = 0;
  let shift = 0;
  for (const hint of [...hints, { at: next.length, length: 0, from: 0 }]) {
    while (at < hint.at) {
      const length = Math.min(WINDOW, hint.at - at);
      const found = finder.find(at, length, shift);
      add({ at, length, from: found === undefined ? undefined : at + found });
      shift = found ?? shift;
      at += length;
    }
    add(hint);
    if (hint.length > 0) shift = hint.from - hint.at;
    at = hint.at + hint.length;
  }
  return pieces;
}

function follows(last: Aligned, piece: Aligned): boolean {
  if (last.from === undefined || piece.from === undefined) return last.from === piece.from;
  return last.from + last.length === piece.from;
}

class Finder {
  readonly #base: Uint8Array;
  readonly #next: Uint8Array;
  readonly #tableBits: number;
  /** By hash of a seed: where in the base it lies, plus one. */
  #seeds: Uint32Array | undefined;

  constructor(base: Uint8Array, next: Uint8Array) {
    this.#base = base;
    this.#next = next;
    this.#tableBits = Math.min(MOST_TABLE_BITS, Math.ceil(Math.log2(base.length + 2)));
  }

  /** @returns how far behind its place in the new file the window lies in the base; undefined when it is nowhere. */
  find(at: number, length: number, shift: number): number | undefined {
    const stays = this.#alike(at, length, shift);
    if (stays >= GOES * 2) return shift;
    this.#seeds ??= this.#index();
    let best = stays >= STAYS ? { shift, alike: stays } : undefined;
    for (let i = at; i < at + length && i + SEED <= this.#next.length; i++) {
      const place = this.#seeds[this.#hash(this.#next, i)]!;
      if (place === 0 || place - 1 - i === shift || !this.#sameSeed(i, place - 1)) continue;
      const alike = this.#alike(at, length, place - 1 - i);
      if (alike >= GOES && alike > (best?.alike ?? 0)) best = { shift: place - 1 - i, alike };
    }
    return best?.shift;
  }

  /** Different seeds share places in the table, and looking at a whole window costs twenty times this. */
  #sameSeed(at: number, from: number): boolean {
    for (let i = 0; i < SEED; i++) if (this.#next[at + i] !== this.#base[from + i]) return false;
    return true;
  }

  /** Of the window's bytes, how many are the same there. */
  #alike(at: number, length: number, shift: number): number {
    if (at + shift < 0 || at + shift + length > this.#base.length) return 0;
    let same = 0;
    for (let i = at; i < at + length; i++) if (this.#next[i] === this.#base[i + shift]) same += 1;
    return same / length;
  }

  #index(): Uint32Array {
    const seeds = new Uint32Array(2 ** this.#tableBits);
    for (let i = 0; i + SEED <= this.#base.length; i += STRIDE) seeds[this.#hash(this.#base, i)] = i + 1;
    return seeds;
  }

  /** FNV-1a over a seed, folded to the table. */
  #hash(bytes: Uint8Array, at: number): number {
    let value = 0x811c9dc5;
    for (let i = at; i < at + SEED; i++) value = Math.imul(value ^ bytes[i]!, 0x01000193);
    return (value ^ (value >>> 11)) >>> (32 - this.#tableBits);
  }
}

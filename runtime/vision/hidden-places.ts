/**
 * Where what must not be recognised may be, beside where it is found now. A model that misses somebody for a moment must not
 * show them, and neither must one that does not find them again: their last place stays hidden, and grows, until somebody
 * is found there or half a minute went by. Pure.
 */

import { type Box, iou } from '../core/geometry.ts';

/** Every place of the last looks is hidden for so long, milliseconds. */
const HIDDEN_FOR = 1000;
/** Where somebody was seen last who was not found again. */
const LOST_FOR = 30_000;
/** A lost place grows by this share of its size a second, on each side, up to the most. */
const GROWTH = 0.1;
const MOST_GROWTH = 0.5;
/** A place that overlaps a newer one by this much is within what is hidden around that. */
const SAME_PLACE = 0.8;
/** Whoever is found this much where somebody was is taken for them. */
const FOLLOWED = 0.1;
/** At a high rate not every look is kept: hiding costs time. */
const PLACES_EVERY = 100;
/** Lost places at a time; the oldest go first. */
const MOST_LOST = 64;

interface Places {
  readonly at: number;
  readonly boxes: readonly Box[];
}

export class HiddenPlaces {
  /** Of the last looks, oldest first. */
  #recent: Places[] = [];
  #lost: { readonly at: number; readonly box: Box }[] = [];

  /** What was found at this time. @returns what to hide: the boxes, and where others may still be. */
  see(at: number, boxes: readonly Box[]): readonly Box[] {
    const recent = this.#recent.filter((look) => at - look.at <= HIDDEN_FOR);
    this.#lose(at, recent, boxes);
    const [before, last] = recent.slice(-2);
    if (before && last && last.at - before.at < PLACES_EVERY) recent.pop();
    const older = recent
      .flatMap((look) => look.boxes)
      .filter((old) => !boxes.some((box) => iou(old, box) > SAME_PLACE));
    this.#recent = [...recent, { at, boxes }];
    return [...boxes, ...older, ...this.#lost.map((lost) => grown(lost.box, at - lost.at))];
  }

  forget(): void {
    this.#recent = [];
    this.#lost = [];
  }

  /** @param recent looks that are not over yet. */
  #lose(at: number, recent: readonly Places[], boxes: readonly Box[]): void {
    const over = this.#recent.filter((look) => !recent.includes(look));
    const newer = [...recent.flatMap((look) => look.boxes), ...boxes];
    for (const [index, look] of over.entries()) {
      const later = [...over.slice(index + 1).flatMap((one) => one.boxes), ...newer];
      for (const box of look.boxes) if (!isFound(box, later)) this.#lost.push({ at: look.at, box });
    }
    this.#lost = this.#lost
      .filter((lost) => at - lost.at <= LOST_FOR && !isFound(grown(lost.box, at - lost.at), newer))
      .slice(-MOST_LOST);
  }
}

const isFound = (place: Box, boxes: readonly Box[]) => boxes.some((box) => iou(place, box) > FOLLOWED);

/** Within the picture. */
function grown([x, y, width, height]: Box, age: number): Box {
  const share = Math.min(MOST_GROWTH, (Math.max(0, age) / 1000) * GROWTH);
  const [left, top] = [Math.max(0, x - width * share), Math.max(0, y - height * share)];
  return [
    left,
    top,
    Math.min(1, x + width * (1 + share)) - left,
    Math.min(1, y + height * (1 + share)) - top,
  ];
}

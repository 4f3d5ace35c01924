/** Frames of which the node may still want a picture: the newest, and the last ones with something on them. */

import type { CapturedFrame } from '../addon/capture.ts';
import type { Box } from '../core/geometry.ts';
import type { Detection } from '../pipeline/detection/detector.ts';
import { HiddenPlaces } from './hidden-places.ts';

/** The node asks right after it was told: more than the frames of its way there and back are not needed. */
const COPIES = 3;

export interface KeptFrame {
  readonly frame: CapturedFrame;
  /** Where what must not be recognised is on it. */
  readonly hidden: readonly Box[];
}

export class KeptFrames {
  readonly #hiddenLabels: readonly string[];
  /** In the pipeline's memory. */
  #shown: CapturedFrame | undefined;
  /** In their own, oldest first. */
  readonly #copies: KeptFrame[] = [];
  readonly #places = new HiddenPlaces();

  /** @param hiddenLabels classes that must not be recognised. */
  constructor(hiddenLabels: readonly string[]) {
    this.#hiddenLabels = hiddenLabels;
  }

  /** The newest frame; takes it over. */
  show(frame: CapturedFrame): void {
    this.#shown?.close();
    this.#shown = frame;
  }

  /** What was found on the frame. */
  looked(frame: CapturedFrame, found: readonly Detection[]): void {
    const hidden = this.#hides ? this.#placesOn(frame, found) : [];
    if (found.length === 0 && !this.#hides) return;
    this.#copies.push({ frame: frame.copy(), hidden });
    if (this.#copies.length > COPIES) this.#copies.shift()?.frame.close();
  }

  /** A device stays busy while one of its buffers is out; and the next pipeline counts its frames anew. */
  letGo(): void {
    this.#shown?.close();
    this.#shown = undefined;
    this.#places.forget();
    for (const { frame } of this.#copies.splice(0)) frame.close();
  }

  /**
   * The frame of this sequence while it is here, else the newest. Where something is to be hidden, only one that the model
   * looked at: on any newer one persons are elsewhere, and some are there that were not before.
   */
  find(sequence: number | undefined): KeptFrame | undefined {
    const copy = this.#copies.findLast(({ frame }) => frame.sequence === sequence);
    if (copy || this.#hides) return copy ?? this.#copies.at(-1);
    return this.#shown && { frame: this.#shown, hidden: [] };
  }

  get #hides(): boolean {
    return this.#hiddenLabels.length > 0;
  }

  #placesOn({ width, height, capturedAt: at }: CapturedFrame, found: readonly Detection[]): readonly Box[] {
    const boxes = found
      .filter(({ label }) => this.#hiddenLabels.includes(label))
      .map(({ box: [x, y, w, h] }): Box => [x / width, y / height, w / width, h / height]);
    return this.#places.see(at, boxes);
  }
}

/** Frames of which the node may still want a picture: the newest, and the last ones with something on them. */

import type { CapturedFrame } from '../addon/capture.ts';

/** The node asks right after it was told: more than the frames of its way there and back are not needed. */
const COPIES = 3;

export class KeptFrames {
  /** In the pipeline's memory. */
  #shown: CapturedFrame | undefined;
  /** In their own, oldest first. */
  readonly #copies: CapturedFrame[] = [];

  /** The newest frame; takes it over. */
  show(frame: CapturedFrame): void {
    this.#shown?.close();
    this.#shown = frame;
  }

  /** A device stays busy while one of its buffers is out; and the next pipeline counts its frames anew. */
  letGo(): void {
    this.#shown?.close();
    this.#shown = undefined;
    for (const copy of this.#copies.splice(0)) copy.close();
  }

  keep(frame: CapturedFrame): void {
    this.#copies.push(frame.copy());
    if (this.#copies.length > COPIES) this.#copies.shift()?.close();
  }

  /** The frame of this sequence while it is here, else the newest. */
  find(sequence: number | undefined): CapturedFrame | undefined {
    return this.#copies.findLast((frame) => frame.sequence === sequence) ?? this.#shown;
  }
}

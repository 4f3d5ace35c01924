/** Frames of which the node may still want a picture: the newest, and the last ones with something on them. */

import type { CapturedFrame } from '../addon/capture.ts';
import type { Box } from '../core/geometry.ts';
import type { Detection } from '../pipeline/detection/detector.ts';

/** The node asks right after it was told: more than the frames of its way there and back are not needed. */
const COPIES = 3;

export interface KeptFrame {
  readonly frame: CapturedFrame;
  /** Where what must not be recognised is on it; undefined while no model has looked at any frame. */
  readonly hidden: readonly Box[] | undefined;
}

export class KeptFrames {
  readonly #hiddenLabels: readonly string[];
  /** In the pipeline's memory. */
  #shown: CapturedFrame | undefined;
  /** In their own, oldest first. */
  readonly #copies: KeptFrame[] = [];
  /** Of the last frame that was looked at. */
  #hidden: readonly Box[] | undefined;

  /** @param hiddenLabels classes that must not be recognised. */
  constructor(hiddenLabels: readonly string[]) {
    this.#hiddenLabels = hiddenLabels;
  }

  /** The newest frame; takes it over. */
  show(frame: CapturedFrame): void {
    this.#shown?.close();
    this.#shown = frame;
  }

  /** What was found on the shown frame. */
  looked(frame: CapturedFrame, found: readonly Detection[]): void {
    const { width, height } = frame;
    this.#hidden = found
      .filter(({ label }) => this.#hiddenLabels.includes(label))
      .map(({ box: [x, y, w, h] }) => [x / width, y / height, w / width, h / height]);
    if (found.length === 0) return;
    this.#copies.push({ frame: frame.copy(), hidden: this.#hidden });
    if (this.#copies.length > COPIES) this.#copies.shift()?.frame.close();
  }

  /** A device stays busy while one of its buffers is out; and the next pipeline counts its frames anew. */
  letGo(): void {
    this.#shown?.close();
    this.#shown = undefined;
    for (const { frame } of this.#copies.splice(0)) frame.close();
  }

  /**
   * The frame of this sequence while it is here, else the newest. Where something is to be hidden, only a frame that the
   * model looked at, or whose places are those of the look just before.
   */
  find(sequence: number | undefined): KeptFrame | undefined {
    const copy = this.#copies.findLast(({ frame }) => frame.sequence === sequence);
    if (copy) return copy;
    if (!this.#shown || (this.#hiddenLabels.length > 0 && !this.#hidden)) return undefined;
    return { frame: this.#shown, hidden: this.#hidden };
  }
}

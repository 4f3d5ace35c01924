/** A frame as a JPEG for people: persons or faces made unrecognisable, what was found drawn on it, its size bounded. */

import type { Annotations } from '../core/annotations.ts';
import type { Box } from '../core/geometry.ts';
import { binding, translated } from './binding.ts';
import type { CapturedFrame } from './capture.ts';
import type { Frame } from './vision.ts';

export type { Annotations, Colour } from '../core/annotations.ts';

export interface PictureOptions {
  /** 1 … 100, 80 when left out: what is tried first; and the worst (30) for the sake of `mostBytes`. */
  readonly quality?: number;
  readonly leastQuality?: number;
  /** Longest side, pixels: larger pictures are scaled down. */
  readonly most?: number;
  /** A JPEG that is larger is made again, at lower quality and then with shorter sides. */
  readonly mostBytes?: number;
  /** Made unrecognisable before anything else is done with the picture. */
  readonly hidden?: readonly Box[];
  /** By which share of their size the hidden boxes grow on every side, 0 … 1; 0 when left out. */
  readonly enlarge?: number;
  readonly annotations?: Annotations;
}

export interface DrawnPicture {
  /** JPEG. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** At which it fitted. */
  readonly quality: number;
}

export interface DrawBinding {
  drawPicture(frame: Frame | CapturedFrame, options: PictureOptions): Promise<DrawnPicture>;
}

/**
 * Works on a copy, on a thread of the pool: the frame is only read, and may be closed at once.
 * @throws (rejects) InputError `bad-argument` naming the option, or when nothing fits into `mostBytes`; ModelError
 * `out-of-memory`
 */
export async function drawPicture(
  frame: Frame | CapturedFrame,
  options: PictureOptions,
): Promise<DrawnPicture> {
  try {
    return await binding().drawPicture(frame, options);
  } catch (error) {
    throw translated(error);
  }
}

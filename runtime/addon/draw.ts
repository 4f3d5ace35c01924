/** A frame as a JPEG for people: persons or faces made unrecognisable, what was found drawn on it, its size bounded. */

import type { Box, Point } from '../core/geometry.ts';
import { binding, translated } from './binding.ts';
import type { CapturedFrame } from './capture.ts';
import type { Frame } from './vision.ts';

/** Red, green, blue; 0 … 255. */
export type Colour = readonly [red: number, green: number, blue: number];

/** All places are shares of the picture (core/geometry.ts); texts show as far as they are in ISO 8859-1. */
export interface Annotations {
  readonly boxes?: readonly {
    readonly box: Box;
    readonly label: string;
    readonly colour: Colour;
    /** Not seen at this moment. */
    readonly dashed?: boolean;
  }[];
  readonly zones?: readonly {
    readonly polygon: readonly Point[];
    readonly name: string;
    readonly colour: Colour;
    /** Striped instead of tinted. */
    readonly hatched?: boolean;
  }[];
  /** With arrows to the sides towards which a crossing counts, as seen from the line's first end to its second. */
  readonly tripwires?: readonly {
    readonly line: readonly [Point, Point];
    readonly name: string;
    readonly colour: Colour;
    readonly toRight?: boolean;
    readonly toLeft?: boolean;
  }[];
  /** Along the lower edge. */
  readonly line?: string;
}

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

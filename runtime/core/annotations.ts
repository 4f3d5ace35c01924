/** What is drawn on a picture for people. */

import type { Box, Point } from './geometry.ts';

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

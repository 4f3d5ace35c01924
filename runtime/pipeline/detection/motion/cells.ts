/** Which cells of a small grid belong to which part of the picture. */

import type { DetectionConfig } from '../../../config/schema/zones.ts';
import { inPolygon, type Point } from '../../../core/geometry.ts';
import { WHOLE_PICTURE } from '../zones/area.ts';

export interface Cells {
  readonly name: string;
  /** Indices into the grid, row by row. */
  readonly cells: Uint32Array;
}

/**
 * The cells of each including zone, less those of excluding ones; of the whole picture where there is no zone, or a tripwire,
 * whose crossing needs the way to it. A person moves above the feet, so a zone reaches up by this part of the picture.
 */
const ABOVE = 0.1;

export function cellsOf(
  { zones, tripwires }: Pick<DetectionConfig, 'zones' | 'tripwires'>,
  width: number,
  height: number,
): Cells[] {
  const of = (mode: 'include' | 'exclude') => zones.filter((zone) => zone.mode === mode);
  const excluding = of('exclude');
  const indices = (holds: (point: Point) => boolean): Uint32Array => {
    const found: number[] = [];
    for (let index = 0; index < width * height; index++) {
      const point: Point = [((index % width) + 0.5) / width, (Math.floor(index / width) + 0.5) / height];
      if (holds(point) && !excluding.some(({ polygon }) => inPolygon(point, polygon))) found.push(index);
    }
    return Uint32Array.from(found);
  };
  const areas = of('include').map(({ name, polygon }) => ({
    name,
    cells: indices(([x, y]) => inPolygon([x, y], polygon) || inPolygon([x, Math.min(y + ABOVE, 1)], polygon)),
  }));
  if (areas.length > 0 && tripwires.length === 0) return areas.filter(({ cells }) => cells.length > 0);
  return [...areas, { name: WHOLE_PICTURE, cells: indices(() => true) }].filter(
    ({ cells }) => cells.length > 0,
  );
}

/** Average precision of one class, as PASCAL VOC defines it since 2010: the area below precision made to fall with recall. */

/** x, y, width, height. */
export type Box = readonly [x: number, y: number, width: number, height: number];

export interface ScoredBox {
  readonly box: Box;
  readonly score: number;
}

/** One picture: the boxes that are there, and those that were found. */
export interface Judged {
  readonly truth: readonly Box[];
  readonly found: readonly ScoredBox[];
}

export function iou(a: Box, b: Box): number {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (a[2] * a[3] + b[2] * b[3] - shared);
}

/**
 * @param least of intersection over union for a hit; each true box is hit once, by the best found one.
 * @returns 0 … 1; NaN when no picture has a box.
 */
export function averagePrecision(pictures: readonly Judged[], least = 0.5): number {
  const total = pictures.reduce((sum, { truth }) => sum + truth.length, 0);
  const hits = pictures.flatMap((picture) => hitsOf(picture, least)).sort((a, b) => b.score - a.score);
  const precision: number[] = [];
  const recall: number[] = [];
  let right = 0;
  hits.forEach(({ hit }, index) => {
    right += hit ? 1 : 0;
    precision.push(right / (index + 1));
    recall.push(right / total);
  });
  for (let i = precision.length - 2; i >= 0; i--) precision[i] = Math.max(precision[i]!, precision[i + 1]!);
  return total === 0
    ? Number.NaN
    : precision.reduce((area, value, i) => area + value * (recall[i]! - (recall[i - 1] ?? 0)), 0);
}

function hitsOf({ truth, found }: Judged, least: number): { score: number; hit: boolean }[] {
  const free = new Set(truth);
  return found
    .toSorted((a, b) => b.score - a.score)
    .map(({ box, score }) => {
      const best = [...free].reduce<Box | undefined>(
        (before, one) => (before && iou(before, box) >= iou(one, box) ? before : one),
        undefined,
      );
      const hit = best !== undefined && iou(best, box) >= least;
      if (hit) free.delete(best);
      return { score, hit };
    });
}

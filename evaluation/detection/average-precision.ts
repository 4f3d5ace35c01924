/** Average precision of one class, as PASCAL VOC defines it since 2010 and as COCO does. */

import { type Box, iou } from '../../runtime/core/geometry.ts';

export { type Box, iou };

export interface ScoredBox {
  readonly box: Box;
  readonly score: number;
}

/** One picture: the boxes that are there, and those that were found. */
export interface Judged {
  readonly truth: readonly Box[];
  readonly found: readonly ScoredBox[];
}

/** Precision made to fall with recall, at each found box from the best down. */
interface Curve {
  readonly precision: readonly number[];
  readonly recall: readonly number[];
}

function curveOf(pictures: readonly Judged[], least: number): Curve | undefined {
  const total = pictures.reduce((sum, { truth }) => sum + truth.length, 0);
  if (total === 0) return undefined;
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
  return { precision, recall };
}

/**
 * The area below the curve (VOC 2010).
 * @param least of intersection over union for a hit; each true box is hit once, by the best found one.
 * @returns 0 … 1; NaN when no picture has a box.
 */
export function averagePrecision(pictures: readonly Judged[], least = 0.5): number {
  const curve = curveOf(pictures, least);
  if (!curve) return Number.NaN;
  const { precision, recall } = curve;
  return precision.reduce((area, value, i) => area + value * (recall[i]! - (recall[i - 1] ?? 0)), 0);
}

/** The mean of the curve at recalls 0, 0.01 … 1 (COCO), a hit taken as above. @returns NaN when no picture has a box. */
export function cocoPrecision(pictures: readonly Judged[], least: number): number {
  const curve = curveOf(pictures, least);
  if (!curve) return Number.NaN;
  const { precision, recall } = curve;
  let sum = 0;
  for (let percent = 0; percent <= 100; percent++) {
    const at = recall.findIndex((value) => value >= percent / 100);
    sum += at < 0 ? 0 : precision[at]!;
  }
  return sum / 101;
}

const COCO_OVERLAPS = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];

/** COCO's main figure: the mean over overlaps of 0.5, 0.55 … 0.95. */
export function cocoMean(pictures: readonly Judged[]): number {
  return COCO_OVERLAPS.reduce((sum, least) => sum + cocoPrecision(pictures, least), 0) / COCO_OVERLAPS.length;
}

/** What a fixed threshold makes of it. NaN where there is nothing to divide by. */
export function atThreshold(pictures: readonly Judged[], score: number, least = 0.5) {
  let [found, right, truth] = [0, 0, 0];
  for (const picture of pictures) {
    const hits = hitsOf({ ...picture, found: picture.found.filter((one) => one.score >= score) }, least);
    found += hits.length;
    right += hits.filter(({ hit }) => hit).length;
    truth += picture.truth.length;
  }
  return { precision: right / found, recall: right / truth };
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

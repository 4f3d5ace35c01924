/** Pictures with person boxes, and how well a detector finds them. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodePicture, type Frame } from '../../runtime/addon/vision.ts';
import type { Detection } from '../../runtime/pipeline/detection/detector.ts';
import { readAnnotations } from './annotations.ts';
import { averagePrecision, type Box } from './average-precision.ts';

export interface PersonPicture {
  readonly file: string;
  readonly frame: Frame;
  readonly persons: readonly Box[];
}

/** @param folder with annotations.json and the folder `images`. */
export function personPictures(folder: string): PersonPicture[] {
  return readAnnotations(join(folder, 'annotations.json')).map(({ file, boxes }) => ({
    file,
    frame: { format: 'rgb', ...decodePicture(readFileSync(join(folder, 'images', file))) },
    persons: boxes.get('person') ?? [],
  }));
}

/** @returns the average precision at an overlap of 0.5. */
export async function personAp50(
  pictures: readonly PersonPicture[],
  detect: (frame: Frame) => Promise<readonly Detection[]>,
): Promise<number> {
  const judged = [];
  for (const { frame, persons } of pictures) {
    const found = (await detect(frame)).filter(({ label }) => label === 'person');
    judged.push({ truth: persons, found });
  }
  return averagePrecision(judged);
}

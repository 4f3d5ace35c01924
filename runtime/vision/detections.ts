/** What a model found, as the node is told: boxes as shares of the picture. */

import type { CapturedFrame } from '../addon/capture.ts';
import { millis } from '../core/units.ts';
import type { Detection } from '../pipeline/detection/detector.ts';
import type { FrameTiming, FromVision } from '../sources/camera/messages.ts';

export function looked(
  camera: string,
  { sequence, capturedAt, width, height }: CapturedFrame,
  found: readonly Detection[],
  timing: FrameTiming,
): FromVision {
  const objects = found.map(({ index, label, score, box: [x, y, w, h] }) => ({
    index,
    label,
    score,
    box: [x / width, y / height, w / width, h / height] as const,
  }));
  return {
    type: 'detections',
    camera,
    sequence,
    capturedAt: millis(capturedAt),
    width,
    height,
    objects,
    timing,
  };
}

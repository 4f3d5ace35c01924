/** Which detections count at all: classes and sizes; and how a detector's pixels become parts of the picture. */

import type { DetectionManifest } from '../../../ota/bundle/manifest.ts';
import type { LoadedManifest } from '../../../ota/bundle/read-manifest.ts';
import type { DetectionConfig } from '../../config/schema/zones.ts';
import type { Detection } from './detector.ts';
import type { Observation } from './observation.ts';

export function boxFilter({ labels, size }: Pick<DetectionConfig, 'labels' | 'size'>) {
  const wanted = new Set(labels);
  return ({ label, box: [, , width, height] }: Observation): boolean =>
    wanted.has(label) &&
    width >= size.minWidth &&
    width <= size.maxWidth &&
    height >= size.minHeight &&
    height <= size.maxHeight;
}

/** @param width, height of the picture in pixels. */
export function normalised(detections: readonly Detection[], width: number, height: number): Observation[] {
  return detections.map(({ label, score, box: [x, y, w, h] }) => ({
    label,
    score,
    box: [x / width, y / height, w / width, h / height],
  }));
}

/**
 * The model as the tracker wants it asked: doubtful detections continue tracks, so the detector must let them through.
 * @param lowScore `tracker.lowScore` of the configuration.
 */
export function withDoubtful(
  { manifest, folder }: LoadedManifest<DetectionManifest>,
  lowScore: number,
): LoadedManifest<DetectionManifest> {
  const { thresholds } = manifest;
  return {
    manifest: { ...manifest, thresholds: { ...thresholds, score: thresholds.score * lowScore } },
    folder,
  };
}

import type { Manifest } from './manifest.ts';

/** Names of the outputs that are decoded, in the order in which the native decoder expects them. */
export function outputNames(decoding: Manifest['decoding']): string[] {
  if (decoding.head === 'ssd') return [decoding.boxes, decoding.scores];
  if (decoding.head !== 'yunet') return [decoding.output];
  return decoding.levels.flatMap((level) => [level.classes, level.objectness, level.boxes, level.landmarks]);
}

/** The files of a model that one backend could run, the best first: what gives way to what when a board cannot keep up. */

import type { Manifest } from '../../../ota/bundle/manifest.ts';
import { smallerOf } from '../../../ota/bundle/read-manifest.ts';

export interface Variant {
  /** Its precision; of a smaller model its name, too. */
  readonly name: string;
  /** Of this variant: what it wants to see, and what its outputs mean. */
  readonly manifest: Manifest;
  readonly artifact: Manifest['artifacts'][number];
  /** A smaller model, for which the golden vectors say nothing. */
  readonly smaller: boolean;
}

interface ArtifactKind {
  readonly backend: string;
  readonly precision: string;
}

/** By falling accuracy and time. */
const PRECISIONS = ['float32', 'float16', 'int8'];

/** All that may look in place of the model, each faster than the one before; the first is the model itself. */
export function variantsOf(manifest: Manifest, backend: string, precision: string): readonly Variant[] {
  const own = precisionsOf(manifest.artifacts, backend, precision);
  if (own.length === 0) return [];
  const smaller = smallerOf(manifest).flatMap((model) =>
    precisionsOf(model.manifest.artifacts, backend, precision).map((artifact) => ({
      name: `${model.name} ${artifact.precision}`,
      manifest: model.manifest,
      artifact,
      smaller: true,
    })),
  );
  const whole = own.map((artifact) => ({ name: artifact.precision, manifest, artifact, smaller: false }));
  return [...whole, ...smaller];
}

/** @param precision that the machine prefers. @returns that file, else the backend's first; behind it those of faster precisions. */
export function precisionsOf<T extends ArtifactKind>(
  artifacts: readonly T[],
  backend: string,
  precision: string,
): readonly T[] {
  const own = artifacts.filter((artifact) => artifact.backend === backend);
  const best = own.find((artifact) => artifact.precision === precision) ?? own[0];
  if (!best) return [];
  const rank = (artifact: ArtifactKind) => PRECISIONS.indexOf(artifact.precision);
  const faster = PRECISIONS.slice(rank(best) + 1).flatMap(
    (one) => own.find((each) => each.precision === one) ?? [],
  );
  return [best, ...faster];
}

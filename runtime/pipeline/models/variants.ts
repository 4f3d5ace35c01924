/** The files of a model that one backend could run, the best first: what gives way to what when a board cannot keep up. */

interface ArtifactKind {
  readonly backend: string;
  readonly precision: string;
}

/** By falling accuracy and time. */
const PRECISIONS = ['float32', 'float16', 'int8'];

/** @param precision that the machine prefers. @returns that file, else the backend's first; behind it those of faster precisions. */
export function variantsOf<T extends ArtifactKind>(
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

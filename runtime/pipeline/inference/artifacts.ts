/** The files of a model that a machine would run. */

import { join } from 'node:path';
import type { Manifest } from '../../../ota/bundle/manifest.ts';
import type { LoadedManifest } from '../../../ota/bundle/read-manifest.ts';
import type { BackendName } from './session.ts';

export interface ModelFile {
  readonly path: string;
  /** Hexadecimal SHA-256, as the manifest says. */
  readonly sha256: string;
}

/** One file for each backend: of the preferred precision where there is one. */
export function modelFiles(
  { manifest, folder }: LoadedManifest<Manifest>,
  precision: string,
): Partial<Record<BackendName, ModelFile>> {
  const rank = (one: string) => (one === precision ? 0 : 1);
  const files: Partial<Record<BackendName, ModelFile>> = {};
  for (const { backend, path, sha256 } of [...manifest.artifacts].sort(
    (a, b) => rank(a.precision) - rank(b.precision),
  )) {
    files[backend] ??= { path: join(folder, path), sha256 };
  }
  return files;
}

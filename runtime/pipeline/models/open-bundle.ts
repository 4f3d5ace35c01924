/** From a bundle in the store to a session: which of its artifacts this node runs, and how it is loaded. */

import { readFileSync } from 'node:fs';
import type { Manifest } from '../../../ota/bundle/manifest.ts';
import { MANIFEST_FILE } from '../../../ota/bundle/read-bundle.ts';
import { parseManifest, smallerOf } from '../../../ota/bundle/read-manifest.ts';
import type { InstalledBundle } from '../../../ota/client/host.ts';
import { ModelError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Bytes } from '../../core/units.ts';
import type { Choice } from '../inference/choose-backend.ts';
import type { BackendName, SessionOptions } from '../inference/session.ts';
import { loadFile } from './load-file.ts';
import { precisionsOf, type Variant, variantsOf } from './variants.ts';

/** What a device profile and the machine say of running models. */
export interface ModelMachine {
  readonly backends: readonly BackendName[];
  readonly precision: 'float32' | 'float16' | 'int8';
  readonly session: SessionOptions;
  /** For engines that are built here; left out on boards without an NVIDIA GPU. */
  readonly tensorrt?: {
    readonly folder: string;
    readonly maxBatch: number;
    readonly workspaceBytes?: Bytes;
  };
}

export interface BundleChoice {
  readonly artifact: string;
  /** That one, and of a detection model the faster ones that may take its place. */
  readonly variants: readonly Variant[];
  readonly backend: BackendName;
  readonly needs: readonly string[];
}

/** @throws InputError `manifest-invalid`, `manifest-newer` */
export function manifestOf(bundle: Pick<InstalledBundle, 'name' | 'release' | 'file'>): Manifest {
  const text = readFileSync(bundle.file(MANIFEST_FILE), 'utf8');
  return parseManifest(text, `${MANIFEST_FILE} of ${bundle.name} ${bundle.release}`);
}

/** For each backend the file of the machine's precision, else its first. */
export function artifactsOf(
  { artifacts }: Pick<Manifest, 'artifacts'>,
  machine: Pick<ModelMachine, 'backends' | 'precision'>,
): Partial<Record<BackendName, string>> {
  const found: Partial<Record<BackendName, string>> = {};
  for (const backend of machine.backends) {
    const [best] = precisionsOf(artifacts, backend, machine.precision);
    if (best) found[backend] = best.path;
  }
  return found;
}

/**
 * The first backend of the machine's order that has a file and is not known to be missing here.
 * @throws ModelError `bundle-no-backend` with the reason of each; as `manifestOf`.
 */
export function chooseArtifact(
  bundle: InstalledBundle,
  machine: ModelMachine,
  unavailable: ReadonlyMap<BackendName, string>,
): BundleChoice {
  const manifest = manifestOf(bundle);
  const paths = artifactsOf(manifest, machine);
  const reasons: string[] = [];
  for (const backend of machine.backends) {
    const artifact = paths[backend];
    const missing = unavailable.get(backend);
    if (artifact !== undefined && missing === undefined) {
      const all = variantsOf(manifest, backend, machine.precision);
      const variants = manifest.task === 'detection' ? all : all.slice(0, 1);
      return { artifact, variants, backend, needs: needsOf(bundle, manifest, variants) };
    }
    reasons.push(`${backend}: ${artifact === undefined ? 'the bundle has no file for it' : missing}`);
  }
  throw new ModelError(
    'bundle-no-backend',
    `${bundle.name} ${bundle.release} has nothing that runs on this node: ${reasons.join('; ')}`,
    { facts: { bundle: bundle.name, release: bundle.release } },
  );
}

/** All that is no artifact, and the artifacts that were chosen. */
function needsOf({ bundle }: InstalledBundle, manifest: Manifest, chosen: readonly Variant[]): string[] {
  const models = [manifest, ...smallerOf(manifest).map((smaller) => smaller.manifest)];
  const artifacts = new Set(models.flatMap((model) => model.artifacts.map(({ path }) => path)));
  for (const { artifact } of chosen) artifacts.delete(artifact.path);
  return bundle.files.map(({ path }) => path).filter((path) => !artifacts.has(path));
}

/**
 * Opens the artifact of `chooseArtifact`, and no other: what was checked is what serves.
 * @throws ModelError `no-backend` whose facts hold the reason.
 */
export async function openArtifact(
  model: string,
  choice: { readonly backend: BackendName; readonly path: string },
  machine: ModelMachine,
  log: Log,
): Promise<Choice> {
  const { openModel } = await import('../inference/choose-backend.ts');
  return openModel({
    model,
    order: [choice.backend],
    artifacts: { [choice.backend]: choice.path },
    unavailable: new Map(),
    session: machine.session,
    log,
    load: (artifact, options) => loadFile(artifact, options, machine, log),
  });
}

/** Loads the models that look at cameras' frames; cameras of one process share them. */

import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { DetectionManifest } from '../../ota/bundle/manifest.ts';
import { inlined, type LoadedManifest, loadManifest } from '../../ota/bundle/read-manifest.ts';
import { describeError, ModelError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { Detector } from '../pipeline/detection/detector.ts';
import { withDoubtful } from '../pipeline/detection/filters.ts';
import { openModel, unavailableBackends } from '../pipeline/inference/choose-backend.ts';
import type { BackendName } from '../pipeline/inference/session.ts';
import { loadFile } from '../pipeline/models/load-file.ts';
import type { ModelMachine } from '../pipeline/models/open-bundle.ts';
import { variantsOf } from '../pipeline/models/variants.ts';
import type { BundleFiles, ModelFacts, ModelJob } from '../sources/camera/messages.ts';

export interface LoadedModel {
  readonly detector: Detector;
  readonly facts: ModelFacts;
  /** All that the model has on the backend that was chosen, the best first; `facts.variant` is one of them. */
  readonly variants: readonly string[];
}

interface Held {
  readonly loading: Promise<LoadedModel>;
  users: number;
}

type Artifact = DetectionManifest['artifacts'][number];

const MANIFEST = 'manifest.json';

export class Models {
  readonly #log: Log;
  readonly #held = new Map<string, Held>();
  readonly #keys = new WeakMap<LoadedModel, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * To be let go of when nothing looks with it any more.
   * @param variant index into the model's variants. @throws InputError `manifest-invalid`, `manifest-newer`; ModelError
   * `no-backend`, `bad-model`, `model-digest`. A failed load may be tried again.
   */
  load(job: ModelJob, variant = 0): Promise<LoadedModel> {
    const key = JSON.stringify([job, variant]);
    const known = this.#held.get(key);
    if (known) {
      known.users += 1;
      return known.loading;
    }
    const loading = this.#load(job, variant);
    this.#held.set(key, { loading, users: 1 });
    loading.then(
      (model) => this.#keys.set(model, key),
      () => this.#held.delete(key),
    );
    return loading;
  }

  /** Closed once nobody uses it: after its last call. */
  async letGo(model: LoadedModel): Promise<void> {
    const key = this.#keys.get(model);
    const held = key === undefined ? undefined : this.#held.get(key);
    if (!held || --held.users > 0) return;
    this.#held.delete(key!);
    const { name, version } = model.facts.identity;
    try {
      await model.detector.close();
    } catch (error) {
      const facts = { event: 'model.close.failed', model: name, error: describeError(error) };
      this.#log.error(facts, `${name} ${version} could not be closed`);
    }
  }

  async #load(job: ModelJob, variant: number): Promise<LoadedModel> {
    const loaded = detectionManifest(job);
    const { name, version } = loaded.manifest;
    const of = (backend: string) => variantsOf(loaded.manifest, backend, job.precision);
    const backends = job.backends as readonly BackendName[];
    const files = Object.fromEntries(
      backends.flatMap((backend) => {
        const found = of(backend)[variant];
        return found ? [[backend, fileOf(job, loaded, found.artifact)]] : [];
      }),
    );
    const machine = machineOf(job);
    const { session, chosen } = await openModel({
      model: `${name} ${version}`,
      order: backends,
      artifacts: files,
      unavailable: await unavailableBackends(),
      session: machine.session,
      log: this.#log,
      load: async (file, options) => {
        if (job.bundle) await requireDigest(file.path, of(file.backend!)[variant]!.artifact.sha256);
        return loadFile(file, options, machine, this.#log);
      },
    });
    const { artifact, manifest, name: variantName } = of(chosen)[variant]!;
    const own = inPlace(job, { ...loaded, manifest: manifest as DetectionManifest });
    const identity = { name, version, digest: `sha256:${artifact.sha256}` };
    const bundle = job.bundle?.digest;
    return {
      detector: new Detector(session, withDoubtful(own, job.lowScore)),
      facts: {
        identity,
        threshold: own.manifest.thresholds.score,
        backend: chosen,
        variant: variantName,
        ...(bundle === undefined ? {} : { bundle }),
      },
      variants: of(chosen).map((one) => one.name),
    };
  }
}

function machineOf(job: ModelJob): ModelMachine {
  const { backends, precision, threads, memoryLimitBytes, affinity, bundle } = job;
  return {
    backends: backends as readonly BackendName[],
    precision: precision as ModelMachine['precision'],
    session: {
      threads,
      ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
      ...(affinity ? { affinity } : {}),
    },
    ...(bundle?.tensorrt ? { tensorrt: bundle.tensorrt as NonNullable<ModelMachine['tensorrt']> } : {}),
  };
}

function detectionManifest({ manifest: path }: ModelJob): LoadedManifest<DetectionManifest> {
  const inside = join(path, MANIFEST);
  const loaded = loadManifest(existsSync(inside) ? inside : path);
  if (loaded.manifest.task === 'detection') return loaded as LoadedManifest<DetectionManifest>;
  throw new ModelError(
    'bad-model',
    `${path}: a camera takes a detection model, this one is for ${loaded.manifest.task}`,
  );
}

/** The files of a bundle do not lie beside its manifest. */
function inPlace({ bundle }: ModelJob, loaded: LoadedManifest<DetectionManifest>) {
  if (!bundle) return loaded;
  return { ...loaded, manifest: inlined(loaded.manifest, inBundle(bundle)) as DetectionManifest };
}

const fileOf = ({ bundle }: ModelJob, { folder }: LoadedManifest, { path }: Artifact) =>
  bundle ? inBundle(bundle)(path) : join(folder, path);

const inBundle =
  ({ files }: BundleFiles) =>
  (path: string): string => {
    const found = files[path];
    if (found !== undefined) return found;
    throw new ModelError('bad-model', `the bundle's file '${path}' is not on this node`);
  };

/** What was verified is what looks: the file may have been damaged since. */
async function requireDigest(path: string, expected: string): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const found = hash.digest('hex');
  if (found === expected) return;
  throw new ModelError(
    'model-digest',
    `${path} has the SHA-256 ${found}, the bundle names ${expected}: it is damaged, or another file`,
  );
}

/** Loads the model that looks at a camera's frames; cameras of one process share it. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DetectionManifest } from '../../ota/bundle/manifest.ts';
import { type LoadedManifest, loadManifest } from '../../ota/bundle/read-manifest.ts';
import { ModelError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { Detector } from '../pipeline/detection/detector.ts';
import { withDoubtful } from '../pipeline/detection/filters.ts';
import { modelFiles } from '../pipeline/inference/artifacts.ts';
import { openModel, unavailableBackends } from '../pipeline/inference/choose-backend.ts';
import type { BackendName } from '../pipeline/inference/session.ts';
import type { ModelFacts, ModelJob } from '../sources/camera/messages.ts';

export interface LoadedModel {
  readonly detector: Detector;
  readonly facts: ModelFacts;
}

const MANIFEST = 'manifest.json';

export class Models {
  readonly #log: Log;
  readonly #loaded = new Map<string, Promise<LoadedModel>>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** @throws InputError `manifest-invalid`, `manifest-newer`; ModelError `no-backend`, `bad-model`. A failed load may be tried again. */
  load(job: ModelJob): Promise<LoadedModel> {
    const key = JSON.stringify(job);
    const known = this.#loaded.get(key);
    if (known) return known;
    const loading = this.#load(job);
    this.#loaded.set(key, loading);
    loading.catch(() => this.#loaded.delete(key));
    return loading;
  }

  async #load(job: ModelJob): Promise<LoadedModel> {
    const loaded = detectionManifest(job.manifest);
    const { name, version, thresholds } = loaded.manifest;
    const files = modelFiles(loaded, job.precision);
    const artifacts = Object.fromEntries(Object.entries(files).map(([backend, { path }]) => [backend, path]));
    const { session, chosen } = await openModel({
      model: `${name} ${version}`,
      order: job.backends as readonly BackendName[],
      artifacts,
      unavailable: await unavailableBackends(),
      session: { threads: job.threads, ...withoutUndefined(job) },
      log: this.#log,
    });
    const identity = { name, version, digest: `sha256:${files[chosen]!.sha256}` };
    return {
      detector: new Detector(session, withDoubtful(loaded, job.lowScore)),
      facts: { identity, threshold: thresholds.score, backend: chosen },
    };
  }
}

function withoutUndefined({ memoryLimitBytes, affinity }: ModelJob) {
  return {
    ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
    ...(affinity ? { affinity } : {}),
  };
}

function detectionManifest(path: string): LoadedManifest<DetectionManifest> {
  const inside = join(path, MANIFEST);
  const loaded = loadManifest(existsSync(inside) ? inside : path);
  if (loaded.manifest.task === 'detection') return loaded as LoadedManifest<DetectionManifest>;
  throw new ModelError(
    'bad-model',
    `${path}: a camera takes a detection model, this one is for ${loaded.manifest.task}`,
  );
}

/** Cameras whose model comes as a signed bundle: each is a user of the bundle's place, and its looks are what a trial measures. */

import type { CameraConfig } from '../config/schema/camera.ts';
import { ModelError } from '../core/errors.ts';
import type { Models } from '../pipeline/models/models.ts';
import type { RemoteModel, RemoteSlot, RemoteUser } from '../pipeline/models/remote-slot.ts';
import type { CameraGroup } from '../sources/camera/group.ts';
import type { FrameDetections, ModelFacts, ModelJob } from '../sources/camera/messages.ts';

/** As `vision-…` health says it until the first release serves. */
const WAITING = (bundle: string) => `no release of the bundle '${bundle}' serves yet: nothing is looked for`;

export class CameraModels {
  readonly #slots = new Map<string, RemoteSlot>();

  /** @param group of a camera. */
  constructor(
    cameras: readonly CameraConfig[],
    models: Models | undefined,
    group: (camera: string) => CameraGroup,
  ) {
    for (const camera of cameras) {
      const bundle = camera.model?.bundle;
      if (bundle === undefined) continue;
      group(camera.name).clearModel(camera.name, WAITING(bundle));
      if (!models) continue;
      const slot = models.remote(bundle);
      slot.join(userOf(camera, group(camera.name)));
      this.#slots.set(camera.name, slot);
    }
  }

  looked({ camera, timing, objects }: FrameDetections, model: ModelFacts): void {
    if (model.bundle === undefined) return;
    const scores = objects.map(({ score }) => score).filter((score) => score > model.threshold);
    this.#slots.get(camera)?.looked(model.bundle, timing.detect, scores);
  }

  missed(camera: string, { bundle }: ModelFacts, why: string): void {
    if (bundle !== undefined) this.#slots.get(camera)?.missed(bundle, why);
  }

  /** The process of the camera, once for each model that looked in it. */
  ended(camera: string, { bundle }: ModelFacts, why: string): void {
    if (bundle !== undefined) this.#slots.get(camera)?.ended(bundle, why);
  }
}

function userOf(camera: CameraConfig, group: CameraGroup): RemoteUser {
  const { name } = camera;
  return {
    check: (model) => checkModel(camera, model),
    serve: (model) => group.serveModel(name, jobFor(camera, model)),
    clear: (reason) => group.clearModel(name, reason),
    resident: () => group.resident(),
    oldestCall: () => group.lookingFor(name),
  };
}

function checkModel({ name, detection }: CameraConfig, { manifest }: RemoteModel): void {
  if (manifest.task !== 'detection')
    throw new ModelError(
      'model-task',
      `camera '${name}' looks for things in pictures: it takes models of the task detection, not ${manifest.task}`,
    );
  const { labels } = manifest;
  if (!Array.isArray(labels) || detection.labels.some((label) => labels.includes(label))) return;
  throw new ModelError(
    'model-labels',
    `camera '${name}' looks for ${detection.labels.join(', ')}; the model finds ${brief(labels)}`,
  );
}

const brief = (labels: readonly string[]) =>
  labels.length > 5 ? `${labels.slice(0, 5).join(', ')} and ${labels.length - 5} more` : labels.join(', ');

function jobFor({ model, detection }: CameraConfig, served: RemoteModel): ModelJob {
  const { release, digest, backend, files, machine } = served;
  const { session, tensorrt, precision } = machine;
  return {
    manifest: files['manifest.json']!,
    bundle: { release, digest, files, ...(tensorrt ? { tensorrt } : {}) },
    lowScore: detection.tracker.lowScore,
    backends: [backend],
    precision,
    threads: model?.threads ?? session.threads ?? 1,
    ...(session.memoryLimitBytes === undefined ? {} : { memoryLimitBytes: session.memoryLimitBytes }),
    ...(session.affinity ? { affinity: session.affinity } : {}),
  };
}

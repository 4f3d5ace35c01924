/** Joins what cameras need: a vision process for each group, scenes that make events of what is found. */

import { join } from 'node:path';
import { readBoardFacts } from '../config/device-profile/facts.ts';
import { sessionLimits } from '../config/device-profile/session-limits.ts';
import type { RunnableConfig } from '../config/last-known-good.ts';
import type { CameraConfig } from '../config/schema/camera.ts';
import { readSecret } from '../config/secret.ts';
import type { CameraView } from '../core/camera-view.ts';
import type { Clock } from '../core/clock.ts';
import { type Component, HEALTHY } from '../core/component.ts';
import { DeviceError } from '../core/errors.ts';
import type { FileSystem } from '../core/file-system.ts';
import type { Log } from '../core/log.ts';
import type { Accept } from '../core/messages.ts';
import type { Registry } from '../core/prometheus.ts';
import type { Models } from '../pipeline/models/models.ts';
import { CameraGroup } from '../sources/camera/group.ts';
import type { CapturedPicture, PictureWish } from '../sources/camera/messages.ts';
import { CameraModels } from './camera-models.ts';
import { CameraScenes } from './scenes.ts';
import { Snapshots } from './snapshots.ts';
import { LiveView } from './view.ts';

export interface CamerasParts {
  readonly running: RunnableConfig;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
  readonly accept: Accept;
  /** Unique per start of the node. */
  readonly idPrefix: string;
  /** Of signed bundles; left out where none come. */
  readonly models?: Models | undefined;
  /** Where pictures of events go; for tests. */
  readonly fs?: FileSystem;
}

export interface Cameras {
  /** In the order they start. */
  readonly components: readonly Component[];
  readonly scenes: CameraScenes;
  /** For the live view, in the order of the configuration. */
  readonly views: readonly CameraView[];
  /** Of each `detection` alone may differ from what they run with. */
  configure(cameras: readonly CameraConfig[]): void;
  /** @throws (rejects) DeviceError `no-picture`, retryable. */
  picture(camera: string, wish: PictureWish): Promise<CapturedPicture>;
}

export function createCameras(parts: CamerasParts): Cameras {
  const { running, accept, clock, log } = parts;
  const { cameras } = running.config;
  const groups = new Map<string, CameraGroup>();
  const scenes = new CameraScenes({
    ...parts,
    cameras,
    onBusy: (camera, busy) => groups.get(camera)?.busy(camera, busy),
    onEvent: (event, stamp) => {
      views.get(event.camera)?.event(event, stamp);
      snapshots.event(event);
    },
    onUpdate: (camera, update) => {
      views.get(camera)?.update(update);
      snapshots.see(camera, update);
    },
  });
  const limits = sessionLimits(running.device.profile, readBoardFacts());
  for (const [group, members] of grouped(cameras)) {
    const made = new CameraGroup({
      ...parts,
      group,
      cameras: members,
      profile: running.device.profile,
      limits,
      directory: join(parts.dataDir, 'cameras'),
      readSecret,
      onDetections: (frame, model) => {
        models.looked(frame, model);
        scenes.see(frame, model);
      },
      onMissed: (camera, model, why) => models.missed(camera, model, why),
      onEnded: (camera, model, why) => models.ended(camera, model, why),
      // The outbox counts and reports what it refuses.
      onEvent: (body) =>
        void accept({ ...clock.stamp(), class: 'health', topic: 'events/camera', body }).catch(() => {}),
    });
    for (const { name } of members) groups.set(name, made);
  }
  const models = new CameraModels(cameras, parts.models, (camera) => groups.get(camera)!);
  const picture = (camera: string, wish: PictureWish) =>
    groups.get(camera)?.picture(camera, wish) ?? Promise.reject(unknown(camera));
  const snapshots = new Snapshots({
    ...parts,
    cameras,
    limits: running.config.snapshots,
    picture,
    onKept: (camera, event, snapshot) => {
      scenes.keepSnapshot(camera, event, snapshot);
      views.get(camera)?.pictured(event);
    },
  });
  const health = (camera: string) => groups.get(camera)?.health().parts?.[camera] ?? HEALTHY;
  const views = new Map(
    cameras.map((camera) => {
      const { name } = camera;
      const asked = { picture: (wish: PictureWish) => picture(name, wish), health: () => health(name) };
      const kept = (event: string) => snapshots.read(name, event);
      const earlier = () => snapshots.earlier(name);
      return [name, new LiveView({ camera, clock, kept, earlier, ...asked })];
    }),
  );
  log.info({ event: 'cameras.joined', cameras: cameras.length }, `${cameras.length} cameras are watched`);
  return {
    components: [scenes, snapshots, ...new Set(groups.values())],
    scenes,
    views: [...views.values()],
    configure: (changed) => {
      for (const camera of changed) {
        scenes.configure(camera.name, camera.detection);
        groups.get(camera.name)?.configure(camera);
        views.get(camera.name)?.configure(camera);
      }
    },
    picture,
  };
}

/** By the process that they share; a camera without a group has one of its own, under its own name. */
function grouped(cameras: readonly CameraConfig[]): Map<string, CameraConfig[]> {
  const groups = new Map<string, CameraConfig[]>();
  for (const camera of cameras) {
    const group = camera.group ?? camera.name;
    groups.set(group, [...(groups.get(group) ?? []), camera]);
  }
  return groups;
}

function unknown(camera: string): DeviceError {
  return new DeviceError('no-picture', `there is no camera '${camera}'`);
}

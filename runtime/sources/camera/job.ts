/** What a vision process is asked to do for a camera, from the configuration, the board and the files there are. */

import { join } from 'node:path';
import type { DeviceProfile } from '../../config/device-profile/schema.ts';
import type { SessionLimits } from '../../config/device-profile/session-limits.ts';
import type { CameraConfig } from '../../config/schema/camera.ts';
import { describeError } from '../../core/errors.ts';
import { describePipeline } from './description.ts';
import type { CameraJob, LookingJob, ModelJob } from './messages.ts';
import { linkPictures } from './picture-folder.ts';

export interface JobParts {
  readonly profile: DeviceProfile;
  readonly limits: SessionLimits;
  readonly directory: string;
  readonly readSecret: (reference: string) => string;
}

export interface RefusedCamera {
  readonly camera: string;
  readonly why: string;
}

export interface CameraJobs {
  readonly jobs: readonly CameraJob[];
  readonly refused: readonly RefusedCamera[];
}

/** Whole, too, where faces are to be hidden and cannot be found. */
const PERSONS = ['person'];
/** Of the face model's threshold: rather hide what is no face than show one. */
const DOUBTFUL_FACES = 0.5;

/** A camera that cannot be asked for as configured is refused; the others of its process run. */
export function jobOf(camera: CameraConfig, parts: JobParts): CameraJob | RefusedCamera {
  try {
    return tryJob(camera, parts);
  } catch (error) {
    return { camera: camera.name, why: describeError(error) };
  }
}

function tryJob(camera: CameraConfig, { profile, limits, directory, readSecret }: JobParts): CameraJob {
  const { name, source, model, detection, privacy } = camera;
  const secret = source.type === 'rtsp' && source.passwordFile ? readSecret(source.passwordFile) : '';
  const pictures =
    source.type === 'file' && camera.pipeline === undefined
      ? linkPictures(source.file, join(directory, 'pictures', name))
      : undefined;
  return {
    camera: name,
    ...describePipeline({ camera, profile, password: secret, pictures }),
    secret,
    hidden: privacy.blur === 'none' ? [] : PERSONS,
    ...(privacy.blur === 'faces' ? { faces: facesJob(privacy.faceModel, profile, limits) } : {}),
    endless: source.type !== 'file',
    ...(model?.manifest === undefined
      ? {}
      : {
          model: {
            ...modelJob(model.manifest, model.threads, profile, limits),
            lowScore: detection.tracker.lowScore,
          },
        }),
    ...lookingJob(camera, profile),
  };
}

/** When the model looks; may change while the camera runs. */
export function lookingJob({ detection }: CameraConfig, { thermal }: DeviceProfile): LookingJob {
  const { motion, zones, tripwires, rate } = detection;
  return {
    rate: { config: rate, thermal: thermal.zones, tegrastats: thermal.tegrastats },
    motion: motion.enabled ? { motion, zones, tripwires } : undefined,
  };
}

function facesJob(
  manifest: string | undefined,
  profile: DeviceProfile,
  limits: SessionLimits,
): NonNullable<CameraJob['faces']> {
  if (manifest === undefined) return {};
  return { model: { ...modelJob(manifest, undefined, profile, limits), lowScore: DOUBTFUL_FACES } };
}

function modelJob(
  manifest: string,
  threads: number | undefined,
  { models }: DeviceProfile,
  limits: SessionLimits,
): Omit<ModelJob, 'lowScore'> {
  return {
    manifest,
    backends: models.backends,
    precision: models.precision,
    ...limits,
    ...(threads ? { threads } : {}),
  };
}

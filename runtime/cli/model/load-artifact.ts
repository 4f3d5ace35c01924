/** Loads a model's file as the node does: for TensorRT an ONNX file becomes an engine first, which is kept. */

import { homedir } from 'node:os';
import { extname, join } from 'node:path';
import type { DeviceProfile } from '../../config/device-profile/schema.ts';
import { InputError } from '../../core/errors.ts';
import { createLog } from '../../core/log.ts';
import { bytes, minutes } from '../../core/units.ts';
import { type Artifact, loadSession } from '../../pipeline/inference/load-session.ts';
import type { Session, SessionOptions } from '../../pipeline/inference/session.ts';

const GIB = 1024 ** 3;
/** Engines of a few models; a build is a matter of minutes that nobody wants twice. */
const CACHE_BYTES = bytes(4 * GIB);
const BUILD_LIMITS = { memory: bytes(8 * GIB), keepAvailable: bytes(GIB / 4), time: minutes(30) };
/** What is tried in turn: a model that is not quantised itself cannot be run as int8 without samples. */
const PRECISIONS = { float32: ['fp32'], float16: ['fp16'], int8: ['int8', 'fp16'] } as const;

/** @throws as loadSession; for an engine that is built as TensorrtEngines.open. */
export async function loadArtifact(
  artifact: Artifact,
  options: SessionOptions,
  { models }: DeviceProfile,
): Promise<Session> {
  if (artifact.backend !== 'tensorrt' || extname(artifact.path).toLowerCase() !== '.onnx')
    return loadSession(artifact, options);
  const { TensorrtEngines } = await import('../../pipeline/inference/tensorrt/engines.ts');
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const log = createLog('silent');
  const folder = join(cache, 'vigie', 'tensorrt');
  const engines = new TensorrtEngines({ folder, budget: CACHE_BYTES, limits: BUILD_LIMITS, log });
  const { maxBatch, tensorrt } = models;
  const load = (path: string) => loadSession({ path, backend: 'tensorrt' }, options);
  const open = (precision: 'fp32' | 'fp16' | 'int8') => {
    const workspace = tensorrt && { workspaceBytes: tensorrt.workspace };
    return engines.open(artifact.path, { precision, maxBatch, ...workspace }, load);
  };
  const [first, second] = PRECISIONS[models.precision];
  try {
    return await open(first);
  } catch (error) {
    if (!second || !(error instanceof InputError)) throw error;
    return await open(second);
  }
}

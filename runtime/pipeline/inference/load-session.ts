/** From a model file to a session: which backend runs it is told, or seen from the file. */

import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { InputError } from '../../core/errors.ts';
import type { BackendName, Session, SessionOptions } from './session.ts';

export interface Artifact {
  readonly path: string;
  /** Left out: by the file. */
  readonly backend?: BackendName;
}

const BY_EXTENSION: Readonly<Record<string, BackendName>> = {
  '.xnn': 'xnnpack',
  '.engine': 'tensorrt',
  '.onnx': 'onnxruntime',
};
const PLAN_MAGIC = 'VIGIEXNN';

/**
 * @throws InputError `model-missing`, `model-kind` (the file says nothing of its backend), `bad-argument`; ModelError
 * `addon-missing`, `backend-unavailable`, `bad-model`, `model-newer`, `model-memory`, `model-unsupported`, `out-of-memory`
 */
export async function loadSession(artifact: Artifact, options: SessionOptions = {}): Promise<Session> {
  const { path } = artifact;
  const seen = await backendOf(path);
  const backend = artifact.backend ?? seen;
  if (backend === 'onnxruntime') {
    const { OnnxRuntimeSession } = await import('./onnxruntime.ts');
    return OnnxRuntimeSession.load(path, options);
  }
  if (backend === 'xnnpack' || backend === 'tensorrt') {
    const { NativeBackendSession } = await import('./native.ts');
    return NativeBackendSession.load(backend, path, options);
  }
  throw new InputError(
    'model-kind',
    `${path} is neither a plan (.xnn), an ONNX model (.onnx) nor a TensorRT engine (.engine): name its backend`,
  );
}

/** Undefined when the file does not tell. @throws InputError `model-missing` */
async function backendOf(path: string): Promise<BackendName | undefined> {
  const magic = Buffer.alloc(PLAN_MAGIC.length);
  try {
    const file = await open(path, 'r');
    try {
      await file.read(magic);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new InputError('model-missing', `the model ${path} cannot be read`, { cause });
  }
  return magic.toString('latin1') === PLAN_MAGIC ? 'xnnpack' : BY_EXTENSION[extname(path).toLowerCase()];
}

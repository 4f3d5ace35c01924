/** Loads a file of a bundle: as trees where it is nothing else, as an engine for TensorRT, else as it is. */

import { readFile, stat } from 'node:fs/promises';
import { InputError, ModelError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { bytes, minutes } from '../../core/units.ts';
import type { Artifact } from '../inference/load-session.ts';
import { loadSession } from '../inference/load-session.ts';
import type { Session, SessionOptions } from '../inference/session.ts';
import type { ModelMachine } from './open-bundle.ts';
import { TreeSession } from './tree-session.ts';

const GIB = 1024 ** 3;
const ENGINES_BYTES = bytes(4 * GIB);
export const BUILD_LIMITS = { memory: bytes(8 * GIB), keepAvailable: bytes(GIB / 4), time: minutes(30) };
/** What is tried in turn: a model that is not quantised itself cannot be run as int8 without samples. */
const PRECISIONS = { float32: ['fp32'], float16: ['fp16'], int8: ['int8', 'fp16'] } as const;
/** Larger ones are networks: not worth a look. */
const MOST_TREE_BYTES = 64 * 1024 * 1024;

/** @throws as `loadSession`, `TensorrtEngines.open`. */
export async function loadFile(
  artifact: Artifact,
  options: SessionOptions,
  machine: ModelMachine,
  log: Log,
): Promise<Session> {
  if (artifact.backend === 'onnxruntime') {
    return (await treesOf(artifact.path)) ?? (await loadSession(artifact, options));
  }
  if (artifact.backend !== 'tensorrt' || !machine.tensorrt) return loadSession(artifact, options);
  const { TensorrtEngines } = await import('../inference/tensorrt/engines.ts');
  const { folder, maxBatch, workspaceBytes } = machine.tensorrt;
  const engines = new TensorrtEngines({ folder, budget: ENGINES_BYTES, limits: BUILD_LIMITS, log });
  const workspace = workspaceBytes === undefined ? {} : { workspaceBytes };
  const load = (path: string) => loadSession({ path, backend: 'tensorrt' }, options);
  const open = (precision: 'fp32' | 'fp16' | 'int8') =>
    engines.open(artifact.path, { precision, maxBatch, ...workspace }, load);
  const [first, second] = PRECISIONS[machine.precision];
  try {
    return await open(first);
  } catch (error) {
    if (!second || !(error instanceof InputError)) throw error;
    return await open(second);
  }
}

/** The addon scores trees without ONNX Runtime's 60 MB, and explains them. Undefined for all else: ONNX Runtime says what is wrong. */
async function treesOf(path: string): Promise<TreeSession | undefined> {
  if ((await stat(path)).size > MOST_TREE_BYTES) return undefined;
  const { loadOnnxTrees } = await import('../../addon/onnx-trees.ts');
  try {
    return new TreeSession(path, await loadOnnxTrees(await readFile(path)));
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}

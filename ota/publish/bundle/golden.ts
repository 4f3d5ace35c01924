/** Golden vectors: what the model, run by ONNX Runtime here, answers to given or made-up inputs. */

import { readFileSync } from 'node:fs';
import { InputError, ModelError } from '../../../runtime/core/errors.ts';
import { loadSession } from '../../../runtime/pipeline/inference/load-session.ts';
import type { BackendName, Tensors } from '../../../runtime/pipeline/inference/session.ts';
import { compareVectors, type Difference } from '../../bundle/compare-vectors.ts';
import type { Manifest } from '../../bundle/manifest.ts';
import { fileAt } from '../../bundle/read-bundle.ts';
import { readVectors, type VectorCase } from '../../bundle/vectors.ts';
import { type Range, randomInputs } from '../../model/random-inputs.ts';
import { type BuiltBundle, manifestOf } from './built.ts';

export interface GoldenOptions {
  readonly manifest: Manifest;
  /** Where an artifact's file lies, by its path in the bundle. */
  readonly artifact: (path: string) => string;
  /** Left out: made up. */
  readonly inputs?: readonly Tensors[];
  /** How many sets of inputs to make up. */
  readonly samples: number;
  readonly tolerance: number;
  /** Artifacts that this machine cannot run, and why: nobody compared them. */
  readonly onSkipped: (path: string, why: string) => void;
}

/** Any number: the same bundle comes out of the same files. */
const SEED = 1;

/**
 * Runs the reference, then everything else that runs here, and holds it to the tolerance.
 * @throws InputError `ota-no-reference` (no ONNX model among the artifacts); ModelError `ota-vectors-differ`; what loading
 *   and running throw.
 */
export async function goldenVectors(options: GoldenOptions): Promise<VectorCase[]> {
  const { manifest, artifact, tolerance, onSkipped } = options;
  const reference = referenceOf(manifest);
  const inputs = options.inputs ?? madeUpInputs(manifest, options.samples);
  const outputs = await answers(artifact(reference.path), 'onnxruntime', inputs);
  const cases = inputs.map((one, at) => ({ inputs: one, outputs: outputs[at]! }));
  for (const { path, backend } of manifest.artifacts) {
    if (path === reference.path) continue;
    if (backend === 'tensorrt') {
      onSkipped(path, ON_BOARD);
      continue;
    }
    const difference = compareVectors(cases, await answers(artifact(path), backend, inputs), tolerance);
    if (difference) throw differs(path, `${reference.path} does`, difference);
  }
  return cases;
}

const ON_BOARD = 'its engine is built on the board';

function differs(path: string, than: string, { at, output, text }: Difference): ModelError {
  const advice =
    'Nodes would refuse it: build with a higher --tolerance if that is good enough, or leave it out';
  const message = `${path} answers otherwise than ${than}: case ${at}, output '${output}': ${text}. ${advice}`;
  return new ModelError('ota-vectors-differ', message, { facts: { path, case: at, output } });
}

export interface RanArtifact {
  readonly path: string;
  readonly backend: BackendName;
  /** Why it was not run. */
  readonly why?: string;
}

/**
 * Runs a built bundle's golden vectors with all of its artifacts that run here.
 * @throws ModelError `ota-vectors-differ`; InputError `ota-no-selftest`; what loading and running throw.
 */
export async function runVectors(built: BuiltBundle): Promise<RanArtifact[]> {
  const { bundle, blob } = built;
  const at = (path: string) => blob(fileAt(bundle, path).sha256);
  const { selftest, name, release } = bundle;
  if (!selftest) throw new InputError('ota-no-selftest', `${name} ${release} has no golden vectors to run`);
  const cases = readVectors(readFileSync(at(selftest.vectors)));
  const ran: RanArtifact[] = [];
  for (const { path, backend } of manifestOf(built).artifacts) {
    if (backend === 'tensorrt') {
      ran.push({ path, backend, why: ON_BOARD });
      continue;
    }
    const outputs = await answers(
      at(path),
      backend,
      cases.map(({ inputs }) => inputs),
    );
    const difference = compareVectors(cases, outputs, selftest.tolerance);
    if (difference) throw differs(path, 'the golden vectors say', difference);
    ran.push({ path, backend });
  }
  return ran;
}

/** The most exact of the ONNX models; TensorRT's artifacts are such, too. */
function referenceOf({ artifacts }: Manifest): Manifest['artifacts'][number] {
  const models = artifacts.filter(({ backend }) => backend !== 'xnnpack');
  const reference = models.find(({ precision }) => precision === 'float32') ?? models[0];
  if (reference) return reference;
  throw new InputError(
    'ota-no-reference',
    'none of the artifacts is an ONNX model, so that ONNX Runtime cannot say what is right: list one, or build with --no-selftest',
  );
}

function madeUpInputs(manifest: Manifest, samples: number): Tensors[] {
  // A batch is free in many models; one is enough to tell right from wrong.
  const infos = manifest.inputs.map((info) => ({
    ...info,
    shape: info.shape.map((size) => Math.max(1, size)),
  }));
  const ranges = manifest.task === 'anomaly' ? {} : { [infos[0]!.name]: pixelRange(manifest.preprocessing) };
  return Array.from({ length: samples }, (_, at) => randomInputs(infos, ranges, SEED + at));
}

/** What pixels from 0 to 255 come to. */
function pixelRange({ mean, divisor }: { mean: readonly number[]; divisor: readonly number[] }): Range {
  const edges = mean.flatMap((one, channel) => [0, 255].map((pixel) => (pixel - one) / divisor[channel]!));
  return [Math.min(...edges), Math.max(...edges)];
}

async function answers(path: string, backend: BackendName, inputs: readonly Tensors[]): Promise<Tensors[]> {
  const session = await loadSession({ path, backend });
  try {
    const outputs: Tensors[] = [];
    for (const one of inputs) outputs.push(await session.infer(one));
    return outputs;
  } finally {
    await session.close();
  }
}

/** A manifest for a lone ONNX file: its contract comes from the model, what it means from a few words on the command line. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { InputError } from '../../../runtime/core/errors.ts';
import { loadSession } from '../../../runtime/pipeline/inference/load-session.ts';
import type { SessionFacts } from '../../../runtime/pipeline/inference/session.ts';
import { MANIFEST_SCHEMA } from '../../bundle/limits.ts';
import { type Manifest, manifestSchema } from '../../bundle/manifest.ts';

export interface LoneModel {
  /** Path of an .onnx file. */
  readonly model: string;
  readonly name: string;
  readonly version: string;
  readonly precision: 'float32' | 'float16' | 'int8';
  readonly task: 'anomaly' | 'classification';
  /** A score above it is an anomaly; a class counts from it on. */
  readonly threshold: number;
  /** Which one holds the score or the classes; needed where there are several. */
  readonly output?: string;
  /** Of the classes; left out: as many as the output has, without names. */
  readonly labels?: readonly string[];
  /** Further files that hold the same model, beside `model`. */
  readonly plans?: readonly string[];
}

/** @throws InputError `ota-manifest-needed`, `manifest-invalid`; what loading the model throws. */
export async function makeManifest(lone: LoneModel): Promise<Manifest> {
  const session = await loadSession({ path: lone.model, backend: 'onnxruntime' });
  const facts = session.describe();
  await session.close();
  const output = outputOf(facts, lone);
  const tensors = (infos: SessionFacts['inputs']) =>
    infos.map(({ name, type, shape }) => ({ name, type, shape }));
  const manifest = {
    schema: MANIFEST_SCHEMA,
    name: lone.name,
    version: lone.version,
    task: lone.task,
    inputs: tensors(facts.inputs),
    outputs: tensors(facts.outputs),
    ...(lone.task === 'anomaly' ? {} : picture(lone, facts, output)),
    decoding:
      lone.task === 'anomaly'
        ? { head: 'score', output: output.name }
        : { head: 'classification', output: output.name },
    thresholds: { score: lone.threshold },
    artifacts: [
      artifact('onnxruntime', lone.precision, lone.model),
      ...(lone.plans ?? []).map((plan) => artifact('xnnpack', lone.precision, plan)),
    ],
  };
  const { data, error } = manifestSchema.safeParse(manifest);
  if (data) return data;
  const [issue] = error.issues;
  const text = `${lone.model} needs a manifest of its own (docs/manifest.md): ${issue?.path.join('.')}: ${issue?.message}`;
  throw new InputError('ota-manifest-needed', text, { facts: { model: lone.model } });
}

function artifact(backend: 'onnxruntime' | 'xnnpack', precision: LoneModel['precision'], path: string) {
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
  return { backend, precision, path: basename(path), sha256 };
}

function outputOf({ outputs }: SessionFacts, { output, model }: LoneModel): SessionFacts['outputs'][number] {
  const chosen = output === undefined ? outputs : outputs.filter(({ name }) => name === output);
  if (chosen.length === 1) return chosen[0]!;
  const names = outputs.map(({ name }) => name).join(', ');
  throw new InputError('ota-manifest-needed', `say with --output which output of ${model} counts: ${names}`);
}

/** The usual preparation of pictures: RGB from 0 to 1. Any other needs a manifest. */
function picture(lone: LoneModel, { inputs }: SessionFacts, output: SessionFacts['outputs'][number]) {
  const layout = inputs[0]?.shape[3] === 3 ? 'nhwc' : 'nchw';
  const classes = output.shape.reduce((product, size) => product * Math.max(1, size), 1);
  return {
    preprocessing: { resize: 'stretch', order: 'rgb', divisor: [255, 255, 255], layout },
    labels: lone.labels ?? { count: classes },
  };
}

/** `vigie model run`: what a model says to a picture, a CSV file or tensors. */

import { parseArgs } from 'node:util';
import type { ClassificationManifest, DetectionManifest, Manifest } from '../../../ota/bundle/manifest.ts';
import type { LoadedManifest } from '../../../ota/bundle/read-manifest.ts';
import type { Frame } from '../../addon/vision.ts';
import { InputError, UsageError } from '../../core/errors.ts';
import type { Tensors } from '../../pipeline/inference/session.ts';
import type { ModelAction } from '../model.ts';
import { isPicture, readFeeds, readInput } from './inputs.ts';
import { type OpenedModel, open, parseBackend } from './open.ts';
import { type Answer, type Result, resultJson, resultsText } from './results.ts';
import { type NamedShapes, parseShapes, wholeNumber } from './shapes.ts';
import { toNumbers } from './tensors.ts';

export const run: ModelAction = {
  help: `Usage: vigie model run MODEL INPUT… [--manifest FILE] [--backend NAME] [--threads N]
                       [--profile NAME|FILE] [--shape INPUT=1x3x416x416]… [--json]

MODEL is an ONNX model, a plan (.xnn) or a manifest, whose best file for this board is taken.
INPUT is
  photo.jpg, .png, .ppm pictures; the manifest says how they are prepared and decoded
  rows.csv              numbers; each row is one input, or one column is one window
  x.npy, x.json, x.bin  tensors; INPUT=FILE where the model has several. .bin (.raw, .f32) holds
                        the elements, little-endian; .json lists, or an object of inputs

Without a manifest the outputs are printed as tensors. With one: detections, classes or a score.
The manifest is looked for beside the model: NAME.manifest.json, else one that names the model.

Options:
  --manifest FILE  what the model wants to see and what its outputs mean (docs/models.md)
  --backend NAME   xnnpack (an ONNX model is compiled for it first), tensorrt or onnxruntime;
                   without it the first of the device profile that can run the model
  --threads N      processor threads (default: the device profile's)
  --profile …      device profile to run under (default: the board's)
  --shape …        shape of an input that the model leaves free
  --json           print { model, backend, passedOver, results: [{ input, ms, … }] }

Exit status: 0 it ran, 1 the model or an input cannot be used, 2 the command line was not understood.

Examples:
  vigie model run yolox_nano.xnn photo.jpg
  vigie model run forest.onnx rows.csv --json
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        manifest: { type: 'string' },
        backend: { type: 'string' },
        threads: { type: 'string' },
        profile: { type: 'string' },
        shape: { type: 'string', multiple: true },
        json: { type: 'boolean' },
      },
    });
    const [file, ...inputs] = positionals;
    if (file === undefined) throw new UsageError('usage', 'name a model and what to run it on');
    if (inputs.length === 0)
      throw new UsageError('usage', `name what to run ${file} on: a picture, a CSV file, tensors`);
    const { manifest, profile } = values;
    const backend = parseBackend(values.backend);
    const threads = values.threads === undefined ? undefined : wholeNumber('threads', values.threads, 0, 256);
    const shapes = parseShapes(values.shape);
    const model = await open({ file, manifest, profile, backend, threads, shapes });
    try {
      const results = await answers(model, inputs, shapes);
      process.stdout.write(values.json ? json(file, model, results) : resultsText(results));
      if (!values.json) process.stderr.write(summary(model, results));
      return 0;
    } finally {
      await model.close();
    }
  },
};

async function answers(
  model: OpenedModel,
  inputs: readonly string[],
  shapes: NamedShapes,
): Promise<Result[]> {
  if (inputs.some(isPicture)) return pictures(model, inputs);
  const results: Result[] = [];
  for (const { from, inputs: tensors } of readFeeds(inputs, model.session.describe().inputs, shapes)) {
    const began = performance.now();
    const outputs = await model.session.infer(tensors);
    results.push({ input: from, ms: since(began), answer: meaning(outputs, model.manifest?.manifest) });
  }
  return results;
}

async function pictures(model: OpenedModel, files: readonly string[]): Promise<Result[]> {
  const other = files.find((file) => !isPicture(file));
  if (other !== undefined)
    throw new UsageError('usage', `${other} is no picture, the others are: run them apart`);
  const look = await looker(model);
  const { decodePicture } = await import('../../addon/vision.ts');
  const results: Result[] = [];
  for (const input of files) {
    const picture = decodePicture(readInput(input));
    const began = performance.now();
    const answer = await look({ format: 'rgb', ...picture });
    results.push({ input, ms: since(began), answer });
  }
  return results;
}

type Look = (frame: Frame) => Promise<Answer>;

async function looker({ session, manifest }: OpenedModel): Promise<Look> {
  const { Classifier, Detector } = await import('../../pipeline/detection/detector.ts');
  if (manifest?.manifest.task === 'detection') {
    const detector = new Detector(session, manifest as LoadedManifest<DetectionManifest>);
    return async (frame) => ({
      task: 'detection',
      detections: (await detector.detect(frame)).map(({ index, ...rest }) => rest),
    });
  }
  if (manifest?.manifest.task === 'classification') {
    const classifier = new Classifier(session, manifest as LoadedManifest<ClassificationManifest>);
    return async (frame) => ({
      task: 'classification',
      classes: (await classifier.classify(frame)).map(({ index, ...rest }) => rest),
    });
  }
  const why = manifest ? `its manifest is for ${manifest.manifest.task}` : 'it has no manifest';
  throw new InputError(
    'manifest-missing',
    `the model cannot look at pictures: ${why}. Put NAME.manifest.json beside it, or name one with --manifest: docs/models.md shows how to write it`,
  );
}

function meaning(outputs: Tensors, manifest: Manifest | undefined): Answer {
  if (manifest?.task !== 'anomaly') return { task: 'tensors', outputs };
  const { output } = manifest.decoding;
  const tensor = outputs[output];
  const names = Object.keys(outputs).join(', ');
  if (!tensor)
    throw new InputError('manifest-invalid', `the manifest names output '${output}', the model has ${names}`);
  const [score] = toNumbers(tensor);
  if (score === undefined) throw new InputError('manifest-invalid', `output '${output}' is empty`);
  return { task: 'anomaly', score, anomaly: score > manifest.thresholds.score };
}

const NO_PLAN = 'there is no plan for it; vigie model compile makes one';

const since = (began: number) => Number((performance.now() - began).toFixed(3));

function json(file: string, { backend, passedOver }: OpenedModel, results: readonly Result[]): string {
  return `${JSON.stringify({ model: file, backend, passedOver, results: results.map(resultJson) })}\n`;
}

function summary({ backend, passedOver }: OpenedModel, results: readonly Result[]): string {
  const total = results.reduce((sum, { ms }) => sum + ms, 0);
  const others = passedOver.map(
    ({ backend: other, code, reason }) =>
      `not on ${other}: ${other === 'xnnpack' && code === 'no-artifact' ? NO_PLAN : reason}\n`,
  );
  return `${results.length} on ${backend} in ${total.toFixed(1)} ms\n${others.join('')}`;
}

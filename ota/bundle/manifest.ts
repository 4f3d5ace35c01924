/**
 * The schema of manifest.json, which says what a model wants to see, what its outputs mean and which files hold it. The
 * workstation checks manifests with it; the node reads them with read-manifest.ts, which does without this library.
 */

import { z } from 'zod';
import { TENSOR_TYPES } from '../../runtime/core/tensor.ts';
import { classificationDecoding, detectionDecoding, scoreDecoding } from './decoding.ts';
import { described, relativePath } from './fields.ts';
import { DEFAULTS, MANIFEST_SCHEMA, MOST_CLASSES, MOST_VARIANTS } from './limits.ts';
import { outputNames } from './output-names.ts';

const tensor = z.strictObject({
  name: described(z.string().min(1).max(256), 'As in the model.'),
  type: described(z.enum(TENSOR_TYPES), 'Of its elements, as in ONNX.'),
  shape: described(
    z.array(z.union([z.int().min(1), z.literal(-1)])).max(8),
    'Sizes of its dimensions; -1 for one that is free.',
  ),
});

const triple = z.tuple([z.number(), z.number(), z.number()]);

const preprocessing = z.strictObject({
  resize: described(
    z.enum(['stretch', 'letterbox-center', 'letterbox-top-left']),
    "stretch: to the model's size whatever the shape. letterbox: keeps the shape and pads the rest, around the picture or right of and below it.",
  ),
  filter: described(
    z.enum(['bilinear', 'area']).default(DEFAULTS.preprocessing.filter),
    'bilinear: between the four nearest pixels. area: where a picture becomes smaller, the mean of all that a pixel covers.',
  ),
  pad: described(
    z.number().min(0).max(255).default(DEFAULTS.preprocessing.pad),
    'Brightness of the padding, before mean and divisor.',
  ),
  order: described(z.enum(['rgb', 'bgr']), "Of the model's colour channels."),
  mean: described(
    triple.default([...DEFAULTS.preprocessing.mean]),
    "value = (pixel - mean) / divisor, in the model's order of channels; pixels are 0 … 255.",
  ),
  divisor: described(triple.default([...DEFAULTS.preprocessing.divisor]), 'See mean.'),
  layout: described(z.enum(['nchw', 'nhwc']), 'Channels first or last; must fit the shape of the input.'),
});

const artifact = z.strictObject({
  backend: described(
    z.enum(['onnxruntime', 'xnnpack', 'tensorrt']),
    'What runs the file: an ONNX model, a plan, an ONNX model to build an engine from.',
  ),
  precision: described(z.enum(['float32', 'float16', 'int8']), "Of the model's arithmetic."),
  path: described(relativePath, 'Beside the manifest.'),
  sha256: described(z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits'), 'Of the file.'),
});

const labels = z.union([
  z.array(z.string().min(1).max(200)).min(1).max(MOST_CLASSES),
  z.strictObject({ path: described(relativePath, 'UTF-8 text, one label per line.') }),
  z.strictObject({
    count: described(z.int().min(1).max(MOST_CLASSES), 'Without names: classes are called by their number.'),
  }),
]);

const common = {
  schema: described(z.literal(MANIFEST_SCHEMA), 'Version of this format.'),
  name: described(
    z
      .string()
      .regex(
        /^[a-z0-9][a-z0-9.-]{0,63}$/,
        "expected 1 to 64 of a-z, 0-9, '.', '-', starting with a letter or digit",
      ),
    'Of the model; the same in all its versions.',
  ),
  version: described(
    z.string().regex(/^\d+\.\d+\.\d+$/, "expected three numbers, such as '1.0.0'"),
    'Of the model.',
  ),
  license: described(z.string().min(1).max(100).optional(), "SPDX identifier of the weights' licence."),
  inputs: described(z.array(tensor).min(1).max(64), "The model's inputs."),
  outputs: described(z.array(tensor).min(1).max(256), "The model's outputs."),
  artifacts: described(
    z.array(artifact).min(1).max(64),
    'The files that hold the model, by backend and precision.',
  ),
};

const score = z.number().min(0).max(1);

const detectionThresholds = z.strictObject({
  score: described(score.positive(), 'A box counts above it.'),
  iou: described(score, 'Of two boxes that overlap by more than this, the better one stays.'),
});

const variant = z.strictObject({
  name: described(
    z.string().regex(/^[a-z0-9][a-z0-9.-]{0,31}$/, "expected 1 to 32 of a-z, 0-9, '.', '-'"),
    'Names it in events.',
  ),
  inputs: common.inputs,
  outputs: common.outputs,
  artifacts: common.artifacts,
  preprocessing: described(
    preprocessing.optional(),
    'Left out: as of the model itself; so are the next two.',
  ),
  decoding: detectionDecoding.optional(),
  thresholds: detectionThresholds.optional(),
});

const detection = z.strictObject({
  ...common,
  task: z.literal('detection'),
  preprocessing,
  decoding: detectionDecoding,
  thresholds: detectionThresholds,
  variants: described(
    z.array(variant).min(1).max(MOST_VARIANTS).optional(),
    'Smaller models for the same classes, each faster than the one before: a camera takes one when its board is hot or the model too slow.',
  ),
  labels: described(labels, 'Names of the classes, by index, without a background.'),
});

const classification = z.strictObject({
  ...common,
  task: z.literal('classification'),
  preprocessing,
  decoding: classificationDecoding,
  thresholds: z.strictObject({ score: described(score, 'A class counts from it on.') }),
  labels: described(labels, 'Names of the classes, by index.'),
});

const anomaly = z.strictObject({
  ...common,
  task: z.literal('anomaly'),
  decoding: scoreDecoding,
  thresholds: z.strictObject({ score: described(z.number(), 'Above it is an anomaly.') }),
});

export const manifestSchema = z
  .discriminatedUnion('task', [detection, classification, anomaly])
  .superRefine((manifest, context) => {
    for (const { path, message } of contradictions(manifest))
      context.addIssue({ code: 'custom', path, message });
    if (manifest.task !== 'detection') return;
    for (const [index, { name: _, ...own }] of (manifest.variants ?? []).entries()) {
      for (const { path, message } of contradictions({ ...manifest, ...withoutUndefined(own) }))
        context.addIssue({ code: 'custom', path: ['variants', index, ...path], message });
    }
  });

const withoutUndefined = <T extends object>(given: T) =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };

export type Manifest = z.output<typeof manifestSchema>;
export type PictureManifest = Extract<Manifest, { task: 'detection' | 'classification' }>;
export type DetectionManifest = Extract<Manifest, { task: 'detection' }>;
export type ClassificationManifest = Extract<Manifest, { task: 'classification' }>;
export type Labels = z.output<typeof labels>;

interface Contradiction {
  readonly path: (string | number)[];
  readonly message: string;
}

function* contradictions(
  manifest: z.output<typeof detection | typeof classification | typeof anomaly>,
): Generator<Contradiction> {
  const outputs = new Set(manifest.outputs.map((output) => output.name));
  for (const name of outputNames(manifest.decoding)) {
    if (!outputs.has(name)) {
      yield { path: ['decoding'], message: `'${name}' is none of the outputs: ${[...outputs].join(', ')}` };
    }
  }
  if (manifest.task === 'anomaly') return;
  const shape = manifest.inputs[0]!.shape;
  const channels = manifest.preprocessing.layout === 'nchw' ? 1 : 3;
  const sized = shape.length === 4 && shape[channels] === 3 && shape.slice(1).every((size) => size > 0);
  if (manifest.inputs.length !== 1 || !sized) {
    const expected = channels === 1 ? '[1, 3, height, width]' : '[1, height, width, 3]';
    yield {
      path: ['inputs'],
      message: `expected one picture as ${expected}, as preprocessing.layout says; found ${JSON.stringify(shape)}`,
    };
  }
  if (manifest.preprocessing.divisor.includes(0)) {
    yield { path: ['preprocessing', 'divisor'], message: 'a divisor is 0' };
  }
}

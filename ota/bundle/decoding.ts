/** Decoding: how a model writes what it found into its outputs. */

import { z } from 'zod';
import { described, relativePath } from './fields.ts';
import { DEFAULTS, MOST_ANCHORS } from './limits.ts';

const defaults = DEFAULTS.decoding;
const output = described(z.string().min(1), 'Name of the output.');
const strides = described(
  z.array(z.int().min(1).max(1024)).min(1).max(8),
  "Pixels of the model's picture per cell of each grid, in the order of the rows.",
);
const activation = described(
  z.enum(['none', 'sigmoid']).default('none'),
  'What makes probabilities of the stored scores.',
);
const power = z.number().min(0).max(10);
const formula = 'score = objectness ^ objectnessPower * class ^ classPower.';
const powers = (fallback: { objectnessPower: number; classPower: number }) => ({
  objectnessPower: described(power.default(fallback.objectnessPower), formula),
  classPower: described(power.default(fallback.classPower), formula),
});

const boxes = {
  nms: described(
    z.enum(['per-class', 'class-agnostic']).default(DEFAULTS.detection.nms),
    'Whether boxes of other classes count as overlapping.',
  ),
  most: described(
    z.int().min(1).max(1000).default(DEFAULTS.detection.most),
    'Detections per picture, the best.',
  ),
};

const yolox = z
  .strictObject({
    head: z.literal('yolox'),
    output,
    strides,
    activation,
    ...powers(defaults.yolox),
    ...boxes,
  })
  .describe(
    '[1, cells, 5 + classes]: offset in the cell, logarithm of the size in cells, objectness, classes.',
  );

const yolov5 = z
  .strictObject({ head: z.literal('yolov5'), output, activation, ...powers(defaults.yolov5), ...boxes })
  .describe('[1, any, 5 + classes]: centre and size in pixels, objectness, classes.');

const yolov8 = z
  .strictObject({ head: z.literal('yolov8'), output, activation, ...boxes })
  .describe(
    'Also of YOLO11. [1, 4 + classes, any]: rows of centre and size in pixels, then a row per class.',
  );

const nanodet = z
  .strictObject({
    head: z.literal('nanodet'),
    output,
    strides,
    bins: described(z.int().min(1).max(256), 'Of the distribution of a distance: reg_max + 1.'),
    gridOffset: described(
      z.number().min(0).max(1).default(defaults.nanodet.gridOffset),
      'Where in its cell a box is anchored: 0 for NanoDet-Plus, 0.5 for the first NanoDet.',
    ),
    activation,
    ...boxes,
  })
  .describe('[1, cells, classes + 4 * bins]: classes, then distances to left, top, right and bottom edge.');

const fastestdet = z
  .strictObject({
    head: z.literal('fastestdet'),
    output,
    stride: described(z.int().min(1).max(1024), "Pixels of the model's picture per cell."),
    ...powers(defaults.fastestdet),
    ...boxes,
  })
  .describe('[1, 5 + classes, rows, columns]: objectness, offset (tanh), size (sigmoid), classes.');

const anchor = z.tuple([z.number(), z.number(), z.number(), z.number()]);

const ssd = z
  .strictObject({
    head: z.literal('ssd'),
    boxes: described(z.string().min(1), 'Name of the output [1, anchors, 4].'),
    scores: described(z.string().min(1), 'Name of the output [1, anchors, background and classes].'),
    anchors: described(
      z.union([
        z.array(anchor).min(1).max(MOST_ANCHORS),
        z.strictObject({ path: described(relativePath, 'A JSON file with the list.') }),
      ]),
      'Centre x, centre y, width, height of each, as shares of the picture.',
    ),
    variances: described(
      z.tuple([z.number().positive(), z.number().positive()]).default([...defaults.ssd.variances]),
      'What offsets and logarithms of sizes are multiplied by.',
    ),
    order: described(z.enum(['xywh', 'yxhw']).default(defaults.ssd.order), 'Of the four numbers of a box.'),
    activation: described(
      z.enum(['none', 'sigmoid', 'softmax']),
      'What makes probabilities of the stored scores.',
    ),
    background: described(z.boolean().default(defaults.ssd.background), 'Whether class 0 is the background.'),
    ...boxes,
  })
  .describe('Boxes relative to anchors.');

const yunet = z
  .strictObject({
    head: z.literal('yunet'),
    levels: z
      .array(
        z.strictObject({
          stride: described(z.int().min(1).max(1024), "Pixels of the model's picture per cell."),
          classes: described(z.string().min(1), 'Name of the output [1, cells, 1].'),
          objectness: described(z.string().min(1), 'Name of the output [1, cells, 1].'),
          boxes: described(z.string().min(1), 'Name of the output [1, cells, 4].'),
          landmarks: described(z.string().min(1), 'Name of the output [1, cells, 10].'),
        }),
      )
      .min(1)
      .max(8),
    ...powers(defaults.yunet),
    ...boxes,
  })
  .describe('Faces with five landmarks.');

export const detectionDecoding = z.discriminatedUnion('head', [
  yolox,
  yolov5,
  yolov8,
  nanodet,
  fastestdet,
  ssd,
  yunet,
]);

export const classificationDecoding = z.strictObject({
  head: z.literal('classification'),
  output,
  activation: described(
    z.enum(['none', 'sigmoid', 'softmax']).default('none'),
    'softmax where the model gives logits, sigmoid where classes do not exclude each other.',
  ),
  top: described(
    z.int().min(1).max(1000).default(defaults.classification.top),
    'How many classes, the best.',
  ),
});

export const scoreDecoding = z.strictObject({ head: z.literal('score'), output });

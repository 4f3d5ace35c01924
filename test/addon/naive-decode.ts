/** Decoding as the models' authors publish it, written down plainly; every cell and every class is looked at. */

import type { DetectionDecoding, OutputTensor } from '../../runtime/addon/vision.ts';

/** Corners, in pixels of the model's picture. */
export interface Corners {
  readonly box: readonly [left: number, top: number, right: number, bottom: number];
  readonly score: number;
  readonly index: number;
}

type Options = Required<DetectionDecoding> & { readonly width: number; readonly height: number };

const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));

function best(scores: readonly number[]): { index: number; value: number } {
  const value = Math.max(...scores);
  return { index: scores.indexOf(value), value };
}

function centred(x: number, y: number, width: number, height: number): Corners['box'] {
  return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
}

function* cells({ strides, width, height }: Options) {
  for (const [level, stride] of strides.entries()) {
    for (let y = 0; y < Math.ceil(height / stride); y++) {
      for (let x = 0; x < Math.ceil(width / stride); x++) {
        yield { x, y, stride, level, cell: y * Math.ceil(width / stride) + x };
      }
    }
  }
}

function rowsOf({ data, shape }: OutputTensor): number[][] {
  const width = shape.at(-1)!;
  return Array.from({ length: data.length / width }, (_, i) => [
    ...data.subarray(i * width, (i + 1) * width),
  ]);
}

const probability = (value: number, { activation }: Options) =>
  activation === 'sigmoid' ? sigmoid(value) : value;

const scored = (objectness: number, value: number, options: Options) =>
  probability(objectness, options) ** options.objectnessPower *
  probability(value, options) ** options.classPower;

function yolox([output]: readonly OutputTensor[], options: Options): Corners[] {
  const rows = rowsOf(output!);
  return [...cells(options)].map(({ x, y, stride }, i) => {
    const [dx, dy, w, h, objectness, ...classes] = rows[i] as [
      number,
      number,
      number,
      number,
      number,
      ...number[],
    ];
    const { index, value } = best(classes);
    const box = centred((dx + x) * stride, (dy + y) * stride, Math.exp(w) * stride, Math.exp(h) * stride);
    return { box, score: scored(objectness, value, options), index };
  });
}

function yolov5([output]: readonly OutputTensor[], options: Options): Corners[] {
  return rowsOf(output!).map((row) => {
    const [x, y, w, h, objectness, ...classes] = row as [number, number, number, number, number, ...number[]];
    const { index, value } = best(classes);
    return { box: centred(x, y, w, h), score: scored(objectness, value, options), index };
  });
}

function yolov8([output]: readonly OutputTensor[], options: Options): Corners[] {
  const rows = rowsOf(output!);
  return rows[0]!.map((_, i) => {
    const [x, y, w, h, ...classes] = rows.map((row) => row[i]!) as [
      number,
      number,
      number,
      number,
      ...number[],
    ];
    const { index, value } = best(classes);
    return { box: centred(x, y, w, h), score: probability(value, options), index };
  });
}

function nanodet([output]: readonly OutputTensor[], options: Options): Corners[] {
  const rows = rowsOf(output!);
  return [...cells(options)].map(({ x, y, stride }, i) => {
    const { index, value } = best(rows[i]!.slice(0, options.classes));
    const [left, top, right, bottom] = [0, 1, 2, 3].map((side) => {
      const from = options.classes + side * options.bins;
      const weights = rows[i]!.slice(from, from + options.bins).map(Math.exp);
      const total = weights.reduce((a, b) => a + b, 0);
      return (weights.reduce((sum, weight, bin) => sum + weight * bin, 0) / total) * stride;
    }) as [number, number, number, number];
    const [cx, cy] = [(x + options.gridOffset) * stride, (y + options.gridOffset) * stride];
    return { box: [cx - left, cy - top, cx + right, cy + bottom], score: probability(value, options), index };
  });
}

function fastestdet([output]: readonly OutputTensor[], options: Options): Corners[] {
  const [, channels, rows, columns] = output!.shape as [number, number, number, number];
  return [...cells(options)].map(({ x, y, cell }) => {
    const [objectness, dx, dy, w, h, ...classes] = Array.from(
      { length: channels },
      (_, c) => output!.data[c * rows * columns + cell]!,
    ) as [number, number, number, number, number, ...number[]];
    const { index, value } = best(classes);
    const box = centred(
      ((x + Math.tanh(dx)) / columns) * options.width,
      ((y + Math.tanh(dy)) / rows) * options.height,
      sigmoid(w) * options.width,
      sigmoid(h) * options.height,
    );
    return { box, score: scored(objectness, value, options), index };
  });
}

function ssd([boxes, scores]: readonly OutputTensor[], options: Options): Corners[] {
  const offsets = rowsOf(boxes!);
  return rowsOf(scores!).map((row, i) => {
    const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
    const probabilities = row.map((value) =>
      options.activation === 'softmax' ? Math.exp(value) / total : probability(value, options),
    );
    const { index, value } = best(options.background ? probabilities.slice(1) : probabilities);
    const [a, b, c, d] = offsets[i] as [number, number, number, number];
    const [x, y, w, h] = options.verticalFirst ? [b, a, d, c] : [a, b, c, d];
    const [cx, cy, aw, ah] = options.anchors.subarray(4 * i) as unknown as [number, number, number, number];
    const [near, size] = options.variances as [number, number];
    const box = centred(
      (x * near * aw + cx) * options.width,
      (y * near * ah + cy) * options.height,
      Math.exp(w * size) * aw * options.width,
      Math.exp(h * size) * ah * options.height,
    );
    return { box, score: value, index };
  });
}

function yunet(outputs: readonly OutputTensor[], options: Options): Corners[] {
  return [...cells(options)].map(({ x, y, stride, level, cell }) => {
    const [classes, objectness, boxes] = outputs.slice(4 * level) as [
      OutputTensor,
      OutputTensor,
      OutputTensor,
    ];
    const [dx, dy, w, h] = boxes.data.subarray(4 * cell) as unknown as [number, number, number, number];
    const box = centred((x + dx) * stride, (y + dy) * stride, Math.exp(w) * stride, Math.exp(h) * stride);
    return { box, score: scored(objectness.data[cell]!, classes.data[cell]!, options), index: 0 };
  });
}

const HEADS = { yolox, yolov5, yolov8, nanodet, fastestdet, ssd, yunet };

function overlap(a: Corners['box'], b: Corners['box']): number {
  const area = ([l, t, r, d]: Corners['box']) => Math.max(0, r - l) * Math.max(0, d - t);
  const shared = area([
    Math.max(a[0], b[0]),
    Math.max(a[1], b[1]),
    Math.min(a[2], b[2]),
    Math.min(a[3], b[3]),
  ]);
  return shared === 0 ? 0 : shared / (area(a) + area(b) - shared);
}

/** Boxes above the threshold that no better one hides, best first, in the model's picture and not cut at its edges. */
export function naiveDecode(outputs: readonly OutputTensor[], options: Options): Corners[] {
  const kept: Corners[] = [];
  const above = HEADS[options.head](outputs, options).filter(({ score }) => score > options.threshold);
  for (const one of above.sort((a, b) => b.score - a.score)) {
    const hidden = kept.some(
      (other) =>
        (options.classAgnostic || other.index === one.index) && overlap(other.box, one.box) > options.iou,
    );
    if (!hidden) kept.push(one);
  }
  return kept.slice(0, options.most);
}

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Detection,
  type DetectionDecoding,
  type DetectionHead,
  type OutputTensor,
  type PreprocessOptions,
  Vision,
} from '../../runtime/addon/vision.ts';
import { ModelError } from '../../runtime/core/errors.ts';
import { naiveDecode } from './naive-decode.ts';
import { randomSource } from './support.ts';

const [WIDTH, HEIGHT] = [40, 24];

const preprocess: PreprocessOptions = {
  resize: 'stretch',
  filter: 'bilinear',
  width: WIDTH,
  height: HEIGHT,
  pad: 0,
  order: 'rgb',
  mean: [0, 0, 0],
  divisor: [1, 1, 1],
  type: 'float32',
  layout: 'nchw',
};

const cellsOf = (strides: readonly number[]) =>
  strides.map((stride) => Math.ceil(WIDTH / stride) * Math.ceil(HEIGHT / stride));

/** Shapes of the outputs that a head writes. */
const SHAPES: Readonly<Record<DetectionHead, (options: DetectionDecoding) => number[][]>> = {
  yolox: ({ strides, classes }) => [[1, cellsOf(strides!).reduce((a, b) => a + b), 5 + classes]],
  yolov5: ({ classes }) => [[1, 37, 5 + classes]],
  yolov8: ({ classes }) => [[1, 4 + classes, 300]],
  nanodet: ({ strides, classes, bins }) => [
    [1, cellsOf(strides!).reduce((a, b) => a + b), classes + 4 * bins!],
  ],
  fastestdet: ({ strides, classes }) => [
    [1, 5 + classes, Math.ceil(HEIGHT / strides![0]!), Math.ceil(WIDTH / strides![0]!)],
  ],
  ssd: ({ anchors, classes, background }) => [
    [1, anchors!.length / 4, 4],
    [1, anchors!.length / 4, classes + (background ? 1 : 0)],
  ],
  yunet: ({ strides }) =>
    cellsOf(strides!).flatMap((cells) => [1, 1, 4, 10].map((width) => [1, cells, width])),
};

const HEADS = Object.keys(SHAPES) as DetectionHead[];

function optionsOf(head: DetectionHead, seed: number, change: Partial<DetectionDecoding> = {}) {
  const random = randomSource(seed);
  const strides = head === 'fastestdet' ? [8] : [4, 8, 16];
  const hasObjectness = !['yolov8', 'nanodet', 'ssd'].includes(head);
  return {
    head,
    outputs: Array.from({ length: head === 'yunet' ? 12 : head === 'ssd' ? 2 : 1 }, (_, i) => `o${i}`),
    classes: head === 'yunet' ? 1 : 1 + Math.floor(random() * 6),
    threshold: 0.3 + 0.5 * random(),
    iou: 0.2 + 0.5 * random(),
    classAgnostic: random() < 0.5,
    most: 1000,
    activation: 'none',
    objectnessPower: [1, 0.6, 0.5][Math.floor(random() * 3)]!,
    classPower: hasObjectness ? [1, 0.4, 0.5][Math.floor(random() * 3)]! : 1,
    strides,
    bins: 5,
    gridOffset: random() < 0.5 ? 0 : 0.5,
    anchors: Float32Array.from({ length: 4 * 50 }, () => 0.1 + 0.8 * random()),
    variances: [0.1, 0.2],
    verticalFirst: random() < 0.5,
    background: random() < 0.5,
    ...change,
  } satisfies Required<DetectionDecoding>;
}

function tensors(options: DetectionDecoding, value: () => number): OutputTensor[] {
  return SHAPES[options.head](options).map((shape) => {
    const length = shape.reduce((a, b) => a * b, 1);
    return { shape, data: Float32Array.from({ length }, value) };
  });
}

/** Score columns and box columns alike: heads take logarithms, shares and pixels from the same range here. */
function randomTensors(options: DetectionDecoding, seed: number): OutputTensor[] {
  const random = randomSource(seed);
  const pixels = options.head === 'yolov5' || options.head === 'yolov8';
  const outputs = tensors(options, random);
  if (!pixels) return outputs;
  const [{ data, shape }] = outputs as [OutputTensor];
  const columns = options.head === 'yolov8' ? shape[2]! : 1;
  data.forEach((value, i) => {
    const part = columns > 1 ? Math.floor(i / columns) : i % shape[2]!;
    if (part < 4) data[i] = value * 20;
  });
  return outputs;
}

function decoded(options: DetectionDecoding, outputs: readonly OutputTensor[]): Detection[] {
  return new Vision(preprocess, options).decode(outputs, WIDTH, HEIGHT);
}

/** Cut at the picture's edges; nothing where nothing is left. */
function cut([left, top, right, bottom]: readonly [number, number, number, number]): number[] | undefined {
  const x = (value: number) => Math.min(Math.max(value, 0), WIDTH);
  const y = (value: number) => Math.min(Math.max(value, 0), HEIGHT);
  const box = [x(left), y(top), x(right) - x(left), y(bottom) - y(top)];
  return box[2]! > 0 && box[3]! > 0 ? box : undefined;
}

for (const head of HEADS) {
  test(`${head}: boxes, scores and classes are those of the definition`, () => {
    const activation =
      head === 'ssd' ? (['none', 'sigmoid', 'softmax'] as const) : (['none', 'sigmoid'] as const);
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(...activation), (seed, chosen) => {
        const plain = head === 'fastestdet' || head === 'yunet';
        const options = optionsOf(head, seed, { activation: plain ? 'none' : chosen });
        const outputs = randomTensors(options, seed + 1);
        const expected = naiveDecode(outputs, { ...options, width: WIDTH, height: HEIGHT })
          .map(({ box, ...rest }) => ({ ...rest, box: cut(box) }))
          .filter(({ box }) => box);
        const found = decoded(options, outputs);
        assert.is(found.length, expected.length);
        for (const [i, { box, score, index }] of found.entries()) {
          const wanted = expected[i]!;
          assert.ok(Math.abs(score - wanted.score) < 1e-5, `score ${score} instead of ${wanted.score}`);
          assert.is(index, wanted.index);
          box.forEach((value, k) => {
            assert.ok(Math.abs(value - wanted.box![k]!) < 1e-3, `${box} instead of ${wanted.box}`);
          });
        }
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  test(`${head}: any bits in the outputs give finite boxes within the picture, or none`, () => {
    const random = randomSource(9);
    const odd = [Number.NaN, Infinity, -Infinity, 3.4e38, -3.4e38, 1e-45, 0, 1, 88, -88];
    for (let run = 0; run < 100; run++) {
      const options = optionsOf(head, run, { activation: 'none', most: 20 });
      const share = random();
      const outputs = tensors(options, () =>
        random() < share ? odd[Math.floor(random() * odd.length)]! : random(),
      );
      const found = decoded(options, outputs);
      assert.ok(found.length <= 20);
      for (const { box, score, index, landmarks = [] } of found) {
        assert.ok([...box, score, ...landmarks].every(Number.isFinite));
        assert.ok(score <= 1 && index < options.classes);
        assert.ok(
          box[0] >= 0 && box[1] >= 0 && box[0] + box[2] <= WIDTH + 1e-3 && box[1] + box[3] <= HEIGHT + 1e-3,
        );
      }
    }
  });

  test(`${head}: outputs of another shape are refused by name of both`, () => {
    const options = optionsOf(head, 1);
    const right = tensors(options, () => 0.5);
    const broken = (change: (tensor: OutputTensor) => OutputTensor) => {
      const outputs = right.with(-1, change(right.at(-1)!));
      assert.throws(
        () => decoded(options, outputs),
        (error: unknown) =>
          error instanceof ModelError && error.code === 'bad-model' && /expects \[1,/.test(error.message),
      );
    };
    broken(({ data, shape }) => ({ data: data.subarray(1), shape }));
    broken(({ data, shape }) => ({ data, shape: shape.slice(1) }));
    broken(({ shape }) => ({ data: new Float32Array(), shape: shape.map(() => 0) }));
    broken(({ data, shape }) => ({ data, shape: [shape[0]!, ...shape.slice(1).map((size) => size + 1)] }));
  });
}

test('boxes come back to the picture through either letterbox', () => {
  for (const [resize, left, top] of [
    ['letterbox-top-left', 0, 0],
    ['letterbox-center', 8, 0],
  ] as const) {
    const model = { ...preprocess, resize };
    const options = optionsOf('yolov5', 1, { classes: 1, threshold: 0.5, objectnessPower: 1, classPower: 1 });
    // A picture of 100 x 100 is 24 x 24 in the model's 40 x 24.
    const row = Float32Array.of(left + 12, top + 6, 12, 6, 1, 0.9);
    const [found] = new Vision(model, options).decode([{ data: row, shape: [1, 1, 6] }], 100, 100);
    assert.equal(
      found!.box.map((value) => Math.round(value * 100) / 100),
      [25, 12.5, 50, 25],
    );
  }
});

test('landmarks come with the faces that have them', () => {
  const options = optionsOf('yunet', 1, {
    threshold: 0.5,
    strides: [8],
    objectnessPower: 0.5,
    classPower: 0.5,
  });
  const outputs = tensors({ ...options, strides: [8] }, () => 0);
  const cell = 6; // column 1 of row 1
  outputs[0]!.data[cell] = 0.9;
  outputs[1]!.data[cell] = 0.9;
  outputs[3]!.data.set([0, 0.5, 1, 1.5, 2, 2, 0.25, 0.25, -1, -1], 10 * cell);
  const [face] = new Vision(preprocess, { ...options, outputs: ['a', 'b', 'c', 'd'] }).decode(
    outputs,
    WIDTH,
    HEIGHT,
  );
  assert.equal(face!.landmarks, [8, 12, 16, 20, 24, 24, 10, 10, 0, 0]);
});

test('a classifier gives its best classes as probabilities', () => {
  const make = (activation: 'none' | 'softmax' | 'sigmoid', threshold = 0) =>
    new Vision(preprocess, {
      head: 'classification',
      outputs: ['o'],
      classes: 4,
      activation,
      most: 2,
      threshold,
    });
  const output = (...values: number[]) => [{ data: Float32Array.from(values), shape: [1, values.length] }];
  const rounded = (found: readonly { index: number; score: number }[]) =>
    found.map(({ index, score }) => [index, Math.round(score * 1e4) / 1e4]);
  assert.equal(rounded(make('none').decode(output(0.1, 0.7, 0.2, 0), 9, 9)), [
    [1, 0.7],
    [2, 0.2],
  ]);
  assert.equal(rounded(make('softmax').decode(output(1000, 999, 0, 0), 9, 9)), [
    [0, 0.7311],
    [1, 0.2689],
  ]);
  assert.equal(rounded(make('sigmoid', 0.5).decode(output(0, -1, 2, -9), 9, 9)), [
    [2, 0.8808],
    [0, 0.5],
  ]);
  assert.equal(make('none').decode(output(Number.NaN, Number.NaN, Infinity, Number.NaN), 9, 9), []);
  assert.throws(() => make('none').decode(output(1, 2, 3), 9, 9), /3 values: the manifest has 4 classes/);
});

test.run();

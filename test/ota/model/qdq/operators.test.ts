/** Operators with int8 kernels between Q and DQ: within one step of the output. */

import { test } from 'uvu';
import type { Weights } from '../../../support/qdq-writer.ts';
import { type Build, cases } from '../../../support/quantised-cases.ts';

const X = [1, 8, 6, 6];

interface ConvCase {
  readonly weights: Weights;
  readonly attributes?: Record<string, number | readonly number[]>;
  readonly output: readonly number[];
  readonly input?: readonly number[];
  readonly op?: string;
}

function convolution({ weights, attributes = {}, output, input = X, op = 'Conv' }: ConvCase): Build {
  return (writer) => {
    const inputScale = writer.between(0.01, 0.02);
    const x = writer.input('x', input, inputScale);
    const { name, scales } = writer.weights('w', weights);
    const channels = output[1]!;
    const bias = writer.bias('b', inputScale, channels, scales);
    writer.op(op, [x, name, bias], 'y', attributes);
    const scale = writer.between(0.05, 0.1);
    writer.output('y', output, scale, writer.zeroPoint());
    return scale;
  };
}

const dense = [16, 8, 3, 3];
const same = { pads: [1, 1, 1, 1] };
cases(
  'Conv',
  convolution({ weights: { type: 'int8', shape: dense, axis: 0 }, attributes: same, output: [1, 16, 6, 6] }),
);
cases('Conv with one scale', convolution({ weights: { type: 'int8', shape: dense }, output: [1, 16, 4, 4] }));
cases(
  'Conv with uint8 weights about 128',
  convolution({ weights: { type: 'uint8', shape: dense, zeroPoint: 128 }, output: [1, 16, 4, 4] }),
  { least: 0.7 },
);
cases(
  'depthwise Conv with strides and pads on two sides',
  convolution({
    weights: { type: 'int8', shape: [8, 1, 3, 3], axis: 0 },
    attributes: { group: 8, strides: [2, 2], pads: [0, 0, 1, 1] },
    output: [1, 8, 3, 3],
  }),
);
const odd: [pads: readonly number[], kernel: readonly number[], width: number, columns: number][] = [
  [[1, 1, 1, 1], [3, 3], 12, 6],
  [[0, 0, 1, 1], [3, 3], 12, 6],
  [[2, 2, 2, 2], [5, 5], 12, 6],
  [[1, 1, 1, 2], [3, 4], 10, 5],
  [[0, 1, 0, 0], [3, 3], 10, 5],
];
for (const [pads, [height, width], columns, wide] of odd) {
  cases(
    `Conv of three channels whose ${height}x${width} windows begin at odd columns, padded by ${pads.join(', ')}`,
    convolution({
      weights: { type: 'int8', shape: [8, 3, height!, width!], axis: 0 },
      attributes: { strides: [2, 2], pads },
      input: [1, 3, 12, columns],
      output: [1, 8, Math.floor((12 + pads[0]! + pads[2]! - height!) / 2) + 1, wide],
    }),
  );
}
cases(
  'ConvTranspose',
  convolution({
    weights: { type: 'int8', shape: [8, 4, 2, 2] },
    attributes: { strides: [2, 2] },
    output: [1, 4, 12, 12],
    op: 'ConvTranspose',
  }),
);

cases('Gemm', (writer) => {
  const inputScale = writer.between(0.01, 0.02);
  const x = writer.input('x', [3, 24], inputScale);
  const { name, scales } = writer.weights('w', { type: 'int8', shape: [10, 24], axis: 0 });
  writer.op('Gemm', [x, name, writer.bias('b', inputScale, 10, scales)], 'y', { transB: 1 });
  const scale = writer.between(0.05, 0.1);
  writer.output('y', [3, 10], scale, writer.zeroPoint());
  return scale;
});

cases('MatMul', (writer) => {
  const x = writer.input('x', [3, 24]);
  const { name } = writer.weights('w', { type: 'int8', shape: [24, 10] });
  writer.op('MatMul', [x, name], 'y');
  const scale = writer.between(0.05, 0.1);
  writer.output('y', [3, 10], scale, writer.zeroPoint());
  return scale;
});

for (const op of ['Add', 'Sub', 'Mul']) {
  cases(op, (writer) => {
    writer.op(op, [writer.input('a', X), writer.input('b', X)], 'y');
    const scale = writer.between(0.02, 0.04);
    writer.output('y', X, scale, writer.zeroPoint());
    return scale;
  });
}

cases(
  'SiLU added to another tensor',
  (writer) => {
    const x = writer.input('x', X);
    writer.op('Sigmoid', [x], 's');
    writer.op('Mul', [x, 's'], 'm');
    writer.op('Add', ['m', writer.input('z', X)], 'y');
    const scale = writer.between(0.02, 0.04);
    writer.output('y', X, scale, writer.zeroPoint());
    return scale;
  },
  { least: 0.98, inFloat: true },
);

cases('Relu behind Conv', (writer) => {
  const x = writer.input('x', X);
  const { name } = writer.weights('w', { type: 'int8', shape: [16, 8, 1, 1], axis: 0 });
  writer.op('Conv', [x, name], 'c');
  writer.op('Relu', ['c'], 'y');
  const scale = writer.between(0.02, 0.04);
  writer.output('y', [1, 16, 6, 6], scale, writer.zeroPoint());
  return scale;
});

cases(
  'Concat of different scales, MaxPool and Clip',
  (writer) => {
    const a = writer.input('a', X);
    const b = writer.input('b', X);
    writer.op('Concat', [a, b], 'c', { axis: 1 });
    writer.op('MaxPool', ['c'], 'm', { kernel_shape: [2, 2], strides: [2, 2] });
    writer.op('Clip', ['m', writer.floats('low', [], [-0.7]), writer.floats('high', [], [1.1])], 'y');
    const scale = writer.between(0.01, 0.03);
    writer.output('y', [1, 16, 3, 3], scale, writer.zeroPoint());
    return scale;
  },
  { least: 0.98 },
);

cases(
  'GlobalAveragePool',
  (writer) => {
    writer.op('GlobalAveragePool', [writer.input('x', X)], 'y');
    const scale = writer.between(0.01, 0.02);
    writer.output('y', [1, 8, 1, 1], scale, writer.zeroPoint());
    return scale;
  },
  { least: 0.6 },
);

cases('AveragePool', (writer) => {
  writer.op('AveragePool', [writer.input('x', X)], 'y', { kernel_shape: [3, 3], strides: [1, 1] });
  const scale = writer.between(0.01, 0.02);
  writer.output('y', [1, 8, 4, 4], scale, writer.zeroPoint());
  return scale;
});

cases(
  'Pad, Transpose, Slice and Reshape',
  (writer) => {
    const x = writer.input('x', X);
    writer.op('Pad', [x, writer.integers('pads', [0, 0, 1, 1, 0, 0, 0, 2])], 'p');
    writer.op('Transpose', ['p'], 't', { perm: [0, 2, 3, 1] });
    writer.op(
      'Slice',
      ['t', writer.integers('from', [1]), writer.integers('to', [5]), writer.integers('axes', [1])],
      's',
    );
    writer.op('Reshape', ['s', writer.integers('shape', [1, 4, 72])], 'y');
    const scale = writer.between(0.01, 0.02);
    writer.output('y', [1, 4, 72], scale, writer.zeroPoint());
    return scale;
  },
  { least: 0.98 },
);

test.run();

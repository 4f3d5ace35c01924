import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { constant, info, node, onnxModel } from '../../../support/onnx-writer.ts';
import { type Case, compare, compareModel, compiled, refusals, samples } from './against-ort.ts';

const small = fc.integer({ min: 1, max: 3 });
const side = fc.integer({ min: 6, max: 11 });
const sides = (rank: number, most = 2) =>
  fc.array(fc.integer({ min: 0, max: most }), { minLength: 2 * rank, maxLength: 2 * rank });
const each = (rank: number, of: fc.Arbitrary<number>) => fc.array(of, { minLength: rank, maxLength: rank });
const padding = (rank: number) =>
  fc.oneof(
    sides(rank).map((pads) => ({ pads })),
    fc.constantFrom('SAME_UPPER', 'SAME_LOWER', 'VALID').map((auto_pad) => ({ auto_pad })),
  );

function convolutions(rank: number): fc.Arbitrary<Case> {
  return fc
    .record({
      groups: fc.constantFrom(1, 2, 4),
      perGroup: fc.tuple(small, small),
      kernel: each(rank, small),
      size: each(rank, side),
      strides: each(rank, fc.integer({ min: 1, max: 2 })),
      dilations: each(rank, fc.integer({ min: 1, max: 2 })),
      pad: padding(rank),
      bias: fc.boolean(),
      behind: fc.constantFrom([], [['Relu']], [['Relu'], ['Sigmoid']]),
    })
    .map(({ groups, perGroup: [i, o], kernel, size, strides, dilations, pad, bias, behind }) => ({
      op: 'Conv',
      operands: [
        [1, groups * i, ...size],
        { random: [groups * o, i, ...kernel] },
        ...(bias ? [{ random: [groups * o] }] : []),
      ],
      // ONNX Runtime refuses automatic padding with dilation.
      attributes: { group: groups, strides, ...('auto_pad' in pad ? {} : { dilations }), ...pad },
      behind: behind as Case['behind'],
    }));
}

test('convolutions of pictures and signals, grouped, depthwise, dilated, padded', async () => {
  await compare(samples(convolutions(2)));
  await compare(samples(convolutions(1)), { opset: 11 });
});

test('a filter per channel runs as a depthwise convolution', async () => {
  const { plan } = await compiled([
    { op: 'Conv', operands: [[1, 8, 9, 9], { random: [8, 1, 3, 3] }], attributes: { group: 8 } },
  ]);
  assert.equal(
    plan.nodes.filter(({ op }) => op !== 'transpose').map(({ op }) => op),
    ['depthwiseConvolution2d'],
  );
});

test('transposed convolutions', async () => {
  const of = (rank: number) =>
    fc
      .record({
        groups: fc.constantFrom(1, 2),
        perGroup: fc.tuple(small, small),
        kernel: each(rank, fc.integer({ min: 2, max: 4 })),
        size: each(rank, fc.integer({ min: 3, max: 6 })),
        strides: each(rank, fc.integer({ min: 1, max: 3 })),
        dilations: each(rank, fc.integer({ min: 1, max: 2 })),
        extra: fc.constantFrom(0, 1),
        pad: sides(rank, 1).map((pads) => ({ pads })),
      })
      .map(({ groups, perGroup: [i, o], kernel, size, strides, dilations, extra, pad }) => ({
        op: 'ConvTranspose',
        operands: [
          [1, groups * i, ...size],
          { random: [groups * i, o, ...kernel] },
          { random: [groups * o] },
        ],
        attributes: {
          group: groups,
          strides,
          dilations,
          output_padding: strides.map((stride, a) => (extra < Math.max(stride, dilations[a]!) ? extra : 0)),
          ...pad,
        },
      }));
  assert.ok((await compare(samples(of(2)), { mayRefuse: true })) > 20);
  assert.ok((await compare(samples(of(1)), { mayRefuse: true })) > 20);
  await compare([
    {
      op: 'ConvTranspose',
      operands: [[1, 2, 3, 3], { random: [2, 2, 3, 3] }],
      attributes: { auto_pad: 'SAME_UPPER', strides: [2, 2] },
    },
    {
      op: 'ConvTranspose',
      operands: [[1, 2, 3, 3], { random: [2, 2, 3, 3] }],
      attributes: { output_shape: [7, 8], strides: [2, 2] },
    },
  ]);
});

function pools(op: string, rank: number): fc.Arbitrary<Case> {
  return fc
    .record({
      kernel: each(rank, fc.integer({ min: 2, max: 4 })),
      size: each(rank, side),
      strides: each(rank, fc.integer({ min: 1, max: 3 })),
      dilations: op === 'MaxPool' ? each(rank, fc.integer({ min: 1, max: 2 })) : fc.constant(undefined),
      pad: fc.oneof(
        sides(rank, 1).map((pads) => ({ pads })),
        fc.constant({ auto_pad: 'SAME_UPPER' }),
      ),
      ceil: fc.constantFrom(0, 1),
      included: fc.constantFrom(0, 1),
    })
    .map(({ kernel, size, strides, dilations, pad, ceil, included }) => ({
      op,
      operands: [[1, 3, ...size]],
      attributes: {
        kernel_shape: kernel,
        strides,
        ...pad,
        ...(dilations && !('auto_pad' in pad) && { dilations }),
        ...('auto_pad' in pad ? {} : { ceil_mode: ceil }),
        ...(op === 'AveragePool' && { count_include_pad: included }),
      },
    }));
}

test('pools, with padding that counts and that does not, and windows that end outside', async () => {
  for (const op of ['MaxPool', 'AveragePool']) {
    assert.ok((await compare(samples(pools(op, 2)), { mayRefuse: true, opset: 19 })) > 20, op);
    assert.ok((await compare(samples(pools(op, 1)), { mayRefuse: true, opset: 19 })) > 15, op);
  }
});

test('a convolution of few channels with an even kernel reads columns in pairs', async () => {
  const conv: Case = {
    op: 'Conv',
    operands: [[1, 3, 8, 12], { random: [4, 3, 6, 4] }, { random: [4] }],
    attributes: { strides: [2, 2], pads: [2, 2, 2, 0] },
  };
  await compare([conv]);
  const { plan } = await compiled([conv]);
  const found = plan.nodes.find(({ op }) => op === 'convolution2d');
  assert.equal(found?.op === 'convolution2d' && found.kernel, [6, 2]);
});

/** The quarters of a picture, joined in the given order, and a convolution. */
function focus(order: readonly number[]): Parameters<typeof onnxModel>[0] {
  const ints = (name: string, ...values: number[]) => constant(name, 'int64', [values.length], values);
  const quarters = order.map((quarter) => {
    const [y, x] = [quarter % 2, Math.floor(quarter / 2)];
    return node('Slice', ['x', `${y}${x}`, 'ends', 'axes', 'steps'], [`q${quarter}`]);
  });
  return {
    inputs: [info('x', 'float32', [1, 2, 6, 8])],
    outputs: [info('y', 'float32')],
    initializers: [
      ...[0, 1].flatMap((y) => [0, 1].map((x) => ints(`${y}${x}`, y, x))),
      ints('ends', 2 ** 31, 2 ** 31),
      ints('axes', 2, 3),
      ints('steps', 2, 2),
      constant(
        'w',
        'float32',
        [3, 8, 3, 3],
        Array.from({ length: 216 }, (_, i) => Math.sin(i)),
      ),
    ],
    nodes: [
      ...quarters,
      node(
        'Concat',
        order.map((quarter) => `q${quarter}`),
        ['joined'],
        { axis: 1 },
      ),
      node('Conv', ['joined', 'w'], ['y'], { pads: [1, 1, 1, 1] }),
    ],
  };
}

test('the focus of YOLOX becomes one convolution of the picture, whatever the order of its quarters', async () => {
  for (const order of [
    [0, 1, 2, 3],
    [2, 0, 3, 1],
  ]) {
    const data = Float32Array.from({ length: 96 }, (_, i) => Math.cos(i));
    const model = { bytes: onnxModel(focus(order)), feeds: [{ name: 'x', shape: [1, 2, 6, 8], data }] };
    const { report } = await compareModel(model);
    assert.equal(report.operators, { convolution2d: 1, transpose: 1, reshape: 1 });
  }
});

test('global pools', async () => {
  const shapes = [
    [1, 5, 7, 3],
    [2, 3, 4, 4],
    [1, 4, 9],
  ];
  await compare(
    ['GlobalAveragePool', 'GlobalMaxPool'].flatMap((op) =>
      shapes.map((shape) => ({ op, operands: [shape] })),
    ),
  );
});

test('what XNNPACK has no convolution for is named with node, operator and reason', async () => {
  const [three, weights] = await refusals([
    { op: 'Conv', operands: [[1, 2, 4, 4, 4], { random: [2, 2, 3, 3, 3] }] },
    {
      op: 'Conv',
      operands: [
        [1, 2, 4, 4],
        [2, 2, 3, 3],
      ],
    },
  ]);
  assert.is(three!.node, 'case-0');
  assert.is(three!.op, 'Conv');
  assert.match(three!.reason, /5 dimensions/);
  assert.equal({ ...weights, reason: '' }, { node: 'case-1', op: 'Conv', reason: '' });
  assert.match(weights!.reason, /weights are computed at run time/);
});

test.run();

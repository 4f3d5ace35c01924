import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { float } from '../../../support/onnx-writer.ts';
import { type Case, compare, compiled, samples } from './against-ort.ts';

/** In front of an operator: makes its input lie NHWC. */
const POOL = ['MaxPool', { kernel_shape: [2, 2], strides: [2, 2] }] as const;

test('nearest neighbours by whole factors, up and down', async () => {
  const cases = fc
    .record({
      factor: fc.tuple(fc.constantFrom(0.5, 1, 2, 3, 4), fc.constantFrom(0.5, 1, 2, 5)),
      coordinate_transformation_mode: fc.constantFrom(
        'asymmetric',
        'half_pixel',
        'align_corners',
        'pytorch_half_pixel',
      ),
      nearest_mode: fc.constantFrom('floor', 'round_prefer_floor', 'round_prefer_ceil', 'ceil'),
      bySizes: fc.boolean(),
      pool: fc.boolean(),
    })
    .map(
      ({ factor: [y, x], coordinate_transformation_mode, nearest_mode, bySizes, pool }): Case => ({
        op: 'Resize',
        operands: [
          pool ? [1, 3, 8, 12] : [1, 3, 4, 6],
          undefined,
          ...(bySizes ? [undefined, { integers: [1, 3, 4 * y, 6 * x] }] : [{ floats: [1, 1, y, x] }]),
        ],
        attributes: { mode: 'nearest', coordinate_transformation_mode, nearest_mode },
        before: pool ? [POOL] : [],
      }),
    );
  assert.ok((await compare(samples(cases, 80), { mayRefuse: true })) > 30);
  await compare([{ op: 'Upsample', operands: [[1, 2, 3, 3], { floats: [1, 1, 2, 2] }] }], { opset: 9 });
  await compare([{ op: 'Resize', operands: [[1, 2, 3, 3], { floats: [1, 1, 3, 2] }] }], { opset: 10 });
});

test('bilinear, where XNNPACK places pixels as ONNX does', async () => {
  const cases = fc
    .record({
      size: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
      coordinate_transformation_mode: fc.constantFrom(
        'asymmetric',
        'half_pixel',
        'align_corners',
        'pytorch_half_pixel',
      ),
    })
    .map(
      ({ size: [y, x], coordinate_transformation_mode }): Case => ({
        op: 'Resize',
        operands: [[1, 3, 4, 5], undefined, undefined, { integers: [1, 3, y, x] }],
        attributes: { mode: 'linear', coordinate_transformation_mode },
      }),
    );
  assert.ok((await compare(samples(cases), { mayRefuse: true, tolerance: 1e-5 })) > 20);
  const byScales: Case = {
    op: 'Resize',
    operands: [[1, 3, 4, 5], undefined, { floats: [1, 1, 2, 3] }],
    attributes: { mode: 'linear' },
  };
  await compare([byScales], { tolerance: 1e-5 });
});

test('blocks of pixels to channels and back', async () => {
  await compare([
    { op: 'SpaceToDepth', operands: [[1, 3, 6, 8]], attributes: { blocksize: 2 } },
    { op: 'DepthToSpace', operands: [[2, 12, 3, 2]], attributes: { blocksize: 2 } },
    { op: 'DepthToSpace', operands: [[2, 12, 3, 2]], attributes: { blocksize: 2, mode: 'CRD' } },
    {
      op: 'DepthToSpace',
      operands: [[1, 18, 4, 4]],
      attributes: { blocksize: 3, mode: 'CRD' },
      before: [POOL],
    },
  ]);
});

test('padding with a number, the edge or its reflection; negative padding cuts', async () => {
  const cases = fc
    .record({
      pads: fc.array(fc.integer({ min: -1, max: 2 }), { minLength: 4, maxLength: 4 }),
      mode: fc.constantFrom('constant', 'edge', 'reflect'),
      fill: fc.constantFrom(0, 1.5),
      pool: fc.boolean(),
    })
    .map(({ pads: [a, b, c, d], mode, fill, pool }): Case => {
      const sides = [0, 0, a!, b!, 0, 0, c!, d!].map((side) => (mode === 'constant' ? side : Math.abs(side)));
      return {
        op: 'Pad',
        operands: [
          pool ? [1, 2, 8, 10] : [1, 2, 4, 5],
          { integers: sides },
          ...(mode === 'constant' ? [{ floats: [fill], shape: [] }] : []),
        ],
        attributes: { mode },
        before: pool ? [POOL] : [],
      };
    });
  await compare(samples(cases));
});

test('normalisations, folded into a convolution or on their own', async () => {
  const four = [{ random: [4] }, { random: [4] }, { random: [4] }, { floats: [0.5, 1, 2, 3] }];
  await compare(
    [
      { op: 'BatchNormalization', operands: [[1, 4, 3, 5], ...four], attributes: { epsilon: float(1e-3) } },
      { op: 'BatchNormalization', operands: [[2, 4, 6, 6], ...four], before: [POOL], behind: [['Relu']] },
      { op: 'BatchNormalization', operands: [[3, 4], ...four] },
      {
        op: 'InstanceNormalization',
        operands: [[2, 4, 6, 8], { random: [4] }, { random: [4] }],
        before: [POOL],
      },
      { op: 'LayerNormalization', operands: [[2, 3, 8], { random: [8] }, { random: [8] }] },
      { op: 'LayerNormalization', operands: [[2, 3, 8], { random: [3, 8] }], attributes: { axis: 1 } },
    ],
    { tolerance: 1e-5 },
  );
});

test('layers by constant weights, with every attribute of Gemm', async () => {
  const cases = fc
    .record({
      sizes: fc.tuple(...[1, 2, 3].map(() => fc.integer({ min: 1, max: 6 }))),
      transA: fc.constantFrom(0, 1),
      transB: fc.constantFrom(0, 1),
      alpha: fc.constantFrom(1, 0.5),
      beta: fc.constantFrom(1, 0.25),
      bias: fc.constantFrom('none', 'row', 'column', 'whole', 'scalar', 'input'),
      constant: fc.boolean(),
    })
    .map(({ sizes: [m, n, k], transA, transB, alpha, beta, bias, constant }): Case => {
      const b = transB ? [n!, k!] : [k!, n!];
      const c = { none: undefined, row: [n!], column: [m!, 1], whole: [m!, n!], scalar: [], input: [m!, n!] }[
        bias
      ];
      return {
        op: 'Gemm',
        operands: [
          transA ? [k!, m!] : [m!, k!],
          constant ? { random: b } : b,
          ...(c ? [bias === 'input' ? c : { random: c }] : []),
        ],
        attributes: { transA, transB, alpha: float(alpha), beta: float(beta) },
      };
    });
  await compare(samples(cases, 80), { tolerance: 1e-5 });
});

test('products of matrices, in batches and broadcast', async () => {
  const product = (a: number[], b: number[]): Case[] => [
    { op: 'MatMul', operands: [a, b] },
    { op: 'MatMul', operands: [a, { random: b }] },
  ];
  await compare(
    [
      ...product([3, 4], [4, 5]),
      ...product([2, 3, 4], [4, 5]),
      ...product([2, 3, 4], [2, 4, 5]),
      ...product([2, 1, 3, 4], [5, 4, 2]),
      ...product([4], [4, 5]),
      ...product([3, 4], [4]),
      ...product([2, 3, 4], [4]),
      ...product([4], [2, 4, 3]),
      { op: 'MatMul', operands: [[2, 3, 8, 8], { random: [4, 5] }], before: [POOL] },
      {
        op: 'MatMul',
        operands: [
          [2, 8, 6, 4],
          [2, 2, 8, 5],
        ],
        before: [POOL, ['Transpose', { perm: [0, 3, 2, 1] }]],
      },
    ],
    { tolerance: 1e-5 },
  );
});

test('a picture that a layer flattens stays as it lies: the weights are rearranged', async () => {
  const flattened: Case = {
    op: 'Gemm',
    operands: [[2, 3, 8, 4], { random: [24, 5] }, { random: [5] }],
    before: [POOL, ['Flatten']],
  };
  await compare([flattened], { tolerance: 1e-5 });
  const { report } = await compiled([flattened]);
  assert.equal(report.transposes, []);
});

test.run();

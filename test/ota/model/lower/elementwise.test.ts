import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { float } from '../../../support/onnx-writer.ts';
import { type Case, compare, compiled, refusals, samples } from './against-ort.ts';

/** In front of an operator: makes its input lie NHWC. */
const POOL = ['MaxPool', { kernel_shape: [2, 2], strides: [2, 2] }] as const;
const SHAPES = [[1, 3, 4, 4], [2, 5], [7], [2, 3, 4]];

test('operators on one tensor, in either order of axes', async () => {
  const cases = (op: string, attributes = {}): Case[] => [
    ...SHAPES.map((shape) => ({ op, operands: [shape], attributes })),
    { op, operands: [[1, 3, 4, 6]], attributes, before: [POOL] },
  ];
  const plain = [
    'Abs',
    'Ceil',
    'Floor',
    'Identity',
    'Neg',
    'Relu',
    'Sigmoid',
    'Sign',
    'Tanh',
    'Exp',
    'Softplus',
    'Round',
    'Elu',
    'LeakyRelu',
    'HardSigmoid',
    'HardSwish',
  ];
  await compare(
    plain.flatMap((op) => cases(op)),
    { tolerance: 1e-5 },
  );
  await compare(
    [
      ...cases('LeakyRelu', { alpha: 0.3 }),
      ...cases('Elu', { alpha: 0.7 }),
      ...cases('HardSigmoid', { alpha: 0.3, beta: 0.4 }),
      ...['Log', 'Sqrt', 'Reciprocal'].flatMap((op) =>
        SHAPES.map((shape) => ({ op, operands: [{ positive: shape }] })),
      ),
    ],
    { tolerance: 1e-5 },
  );
  await compare([...cases('Gelu'), ...cases('Gelu', { approximate: 'tanh' })], {
    opset: 20,
    tolerance: 1e-5,
  });
});

test('clips by inputs and by attributes, with one bound or none', async () => {
  const bound = (value: number) => ({ floats: [value], shape: [] });
  await compare([
    { op: 'Clip', operands: [[2, 9], bound(-0.5), bound(1)] },
    { op: 'Clip', operands: [[2, 9], undefined, bound(1)] },
    { op: 'Clip', operands: [[2, 9], bound(0.25)] },
    { op: 'Clip', operands: [[2, 9]] },
    { op: 'Clip', operands: [[2, 9], bound(1), bound(-1)] },
  ]);
  await compare([{ op: 'Clip', operands: [[2, 9]], attributes: { min: float(-1), max: float(0.5) } }], {
    opset: 10,
  });
});

/** Two shapes that broadcast to one of up to four axes. */
const broadcasts = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom('both', 'both', 'left', 'right')), {
    minLength: 1,
    maxLength: 4,
  })
  .chain((axes) =>
    fc
      .tuple(
        fc.integer({ min: 0, max: axes.length - 1 }),
        fc.boolean(),
        fc.constantFrom('left', 'right', 'none'),
      )
      .map(([cut, swap, constant]) => {
        const left = axes.map(([size, where]) => (where === 'right' ? 1 : size));
        const right = axes.map(([size, where]) => (where === 'left' ? 1 : size)).slice(cut);
        return { shapes: swap ? [right, left] : [left, right], constant };
      }),
  );

test('two tensors broadcast in every way', async () => {
  for (const op of ['Add', 'Sub', 'Mul', 'Div', 'Min', 'Max']) {
    const cases = samples(broadcasts).map(({ shapes: [a, b], constant }) => ({
      op,
      operands: [
        constant === 'left' ? { random: a! } : op === 'Div' ? { positive: a! } : a!,
        constant === 'right' ? { random: b! } : op === 'Div' ? { positive: b! } : b!,
      ],
    }));
    await compare(cases, { tolerance: 1e-5 });
  }
});

test('broadcasts against pictures that lie NHWC', async () => {
  const others = [[4], [3, 1, 1], [1, 3, 1, 1], [1, 1, 2, 4], [2, 4], [], [1, 3, 2, 4], [1, 1, 1, 4]];
  const cases = (op: string): Case[] =>
    others.flatMap((shape) => [
      { op, operands: [[1, 3, 4, 8], { random: shape }], before: [POOL] },
      { op, operands: [[1, 3, 4, 8], shape], before: [POOL] },
    ]);
  await compare(['Add', 'Sub', 'Mul'].flatMap(cases));
  await compare(
    others
      .slice(0, 6)
      .map((shape) => ({ op: 'PRelu', operands: [[1, 3, 4, 8], { random: shape }], before: [POOL] })),
  );
});

test('several tensors at once', async () => {
  for (const op of ['Sum', 'Min', 'Max', 'Mean']) {
    await compare([
      { op, operands: [[2, 3]] },
      {
        op,
        operands: [
          [2, 3],
          [2, 3],
        ],
      },
      { op, operands: [[3], [2, 3], { random: [1] }] },
      { op, operands: [[2, 3], [2, 1], [1, 3], { random: [2, 3] }] },
    ]);
  }
});

test('powers', async () => {
  const exponent = (value: number) => ({ floats: [value], shape: [] });
  await compare(
    [
      { op: 'Pow', operands: [[2, 5], exponent(2)] },
      { op: 'Pow', operands: [[2, 5], exponent(1)] },
      { op: 'Pow', operands: [[2, 5], exponent(3)] },
      { op: 'Pow', operands: [{ positive: [2, 5] }, exponent(0.5)] },
      { op: 'Pow', operands: [{ positive: [2, 5] }, [2, 5]] },
      { op: 'Pow', operands: [{ positive: [2, 5] }, { floats: [2, 0.5, 1, 3, -1] }] },
    ],
    { tolerance: 1e-5 },
  );
});

test('bounds behind an operator become its own, and HardSwish is recognised', async () => {
  const conv: Case = { op: 'Conv', operands: [[1, 2, 5, 5], { random: [4, 2, 3, 3] }], behind: [['Relu']] };
  const { plan, report } = await compiled([conv]);
  const [first] = plan.nodes;
  assert.is(first?.op === 'convolution2d' && first.min, 0);
  assert.is(report.fused.length, 1);
  const swish = await compiled([{ op: 'HardSwish', operands: [[3, 4]] }]);
  assert.equal(swish.report.operators, { hardswish: 1 });
});

test('types that XNNPACK does not compute with are refused', async () => {
  const [node] = await refusals([{ op: 'Cast', operands: [[3]], attributes: { to: 7 }, type: 'int64' }]);
  assert.match(node!.reason, /float32 to int64/);
});

test.run();

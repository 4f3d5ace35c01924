import fc from 'fast-check';
import { test } from 'uvu';
import { type Case, compare, samples } from './against-ort.ts';

/** In front of an operator: makes its input lie NHWC. */
const POOL = ['MaxPool', { kernel_shape: [2, 2], strides: [2, 2] }] as const;
/** Behind an operator: reads its output as NHWC. */
const PICTURE = ['GlobalMaxPool'] as const;

test('transpositions of every kind, and chains of them', async () => {
  const permuted = (rank: number) =>
    fc.shuffledSubarray([...Array(rank).keys()], { minLength: rank, maxLength: rank });
  const cases = fc.record({ before: permuted(4), after: permuted(4), pool: fc.boolean() }).map(
    ({ before, after, pool }): Case => ({
      op: 'Transpose',
      operands: [[2, 3, 4, 6]],
      attributes: { perm: before },
      before: pool ? [POOL] : [],
      behind: [['Sigmoid'], ['Transpose', { perm: after }]],
    }),
  );
  await compare(samples(cases));
  await compare([
    { op: 'Transpose', operands: [[2, 3, 4]] },
    { op: 'Transpose', operands: [[2, 1, 3, 2, 5]], attributes: { perm: [4, 1, 0, 2, 3] } },
  ]);
});

test('reshapes of what lies NHWC and what does not', async () => {
  const targets = [
    [1, 48],
    [4, 12],
    [1, 4, 12],
    [48],
    [1, 2, 2, 3, 4],
    [2, 2, 3, 4],
    [3, 4, 4, 1],
    [1, 4, 3, 4, 1],
    [12, 4],
    [2, 24],
    [1, 3, 4, 4],
    [1, 4, 1, 3, 4],
    [2, 2, 12],
  ];
  await compare(
    targets.flatMap((integers) => [
      { op: 'Reshape', operands: [[1, 4, 3, 4], { integers }] },
      { op: 'Reshape', operands: [[1, 4, 6, 8], { integers }], before: [POOL] },
      { op: 'Reshape', operands: [[1, 4, 6, 8], { integers }], before: [POOL], behind: [['Sigmoid']] },
    ]),
  );
  await compare([
    ...[0, 1, 2, 3, -1].map(
      (axis): Case => ({ op: 'Flatten', operands: [[2, 3, 4, 8]], attributes: { axis }, before: [POOL] }),
    ),
    { op: 'Squeeze', operands: [[1, 3, 1, 4], { integers: [0, 2] }] },
    { op: 'Unsqueeze', operands: [[3, 4], { integers: [0, 3] }] },
    { op: 'Unsqueeze', operands: [[1, 3, 4, 4], { integers: [2] }], before: [POOL] },
  ]);
});

test('a shuffle of channels moves the channels alone', async () => {
  const shuffle: Case = {
    op: 'Reshape',
    operands: [[1, 8, 8, 6], { integers: [1, 2, 4, 4, 3] }],
    before: [POOL],
    behind: [
      ['Transpose', { perm: [0, 2, 1, 3, 4] }],
      ['Flatten', { axis: 1 }],
    ],
  };
  await compare([shuffle]);
});

test('joins of many, of pictures and of constants', async () => {
  const concat = (axis: number, ...operands: Case['operands']): Case => ({
    op: 'Concat',
    operands,
    attributes: { axis },
  });
  await compare([
    concat(1, [1, 2, 3], [1, 4, 3]),
    concat(-1, [2, 2], [2, 1], [2, 5]),
    concat(0, ...Array.from({ length: 7 }, () => [1, 3])),
    concat(1, ...Array.from({ length: 23 }, (_, i) => [2, 1 + (i % 3)])),
    concat(1, [1, 2, 2, 2], { random: [1, 3, 2, 2] }),
    { ...concat(1, [1, 2, 4, 6], [1, 3, 2, 3]), before: [POOL] },
    { ...concat(2, [1, 2, 4, 6], [1, 2, 5, 3]), before: [POOL], behind: [PICTURE] },
  ]);
});

test('splits, even and uneven', async () => {
  const split = (outputs: number, shape: number[], axis: number, sizes?: number[]): Case => ({
    op: 'Split',
    operands: [shape, ...(sizes ? [{ integers: sizes }] : [])],
    attributes: { axis },
    outputs,
  });
  await compare([
    split(2, [1, 6, 3], 1),
    split(3, [1, 6, 3], 1),
    split(6, [1, 6, 3], 1),
    split(2, [1, 6, 3], 1, [2, 4]),
    split(3, [4, 6], -1, [1, 2, 3]),
    { ...split(2, [1, 6, 4, 4], 1), before: [POOL] },
    { ...split(2, [1, 6, 4, 4], 3), before: [POOL] },
  ]);
});

test('slices with steps, from either end', async () => {
  const axis = fc.record({
    start: fc.integer({ min: -9, max: 8 }),
    length: fc.integer({ min: 1, max: 12 }),
    step: fc.integer({ min: 1, max: 3 }),
  });
  const cases = fc
    .record({
      axes: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
      cut: fc.array(axis, { minLength: 4, maxLength: 4 }),
      pool: fc.boolean(),
    })
    .map(({ axes, cut, pool }): Case => {
      const size = [2, 3, 8, 9];
      const used = axes.map((a) => {
        const { start, length, step } = cut[a]!;
        const from = Math.min(size[a]! - 1, Math.max(0, start < 0 ? start + size[a]! : start));
        return { from: start < 0 && from > 0 ? from - size[a]! : from, to: from + length, step };
      });
      const whole = pool ? [2, 3, 16, 18] : size;
      return {
        op: 'Slice',
        operands: [
          whole,
          { integers: used.map(({ from }) => from) },
          { integers: used.map(({ to }) => to) },
          { integers: axes },
          { integers: used.map(({ step }) => step) },
        ],
        before: pool ? [POOL] : [],
      };
    });
  await compare(samples(cases));
});

test('gathers of one index and of neighbours', async () => {
  const gather = (shape: number[], axis: number, integers: number[], rank = 1): Case => ({
    op: 'Gather',
    operands: [shape, { integers, shape: rank === 0 ? [] : [integers.length] }],
    attributes: { axis },
  });
  await compare([
    gather([4, 5], 0, [2], 0),
    gather([4, 5], 1, [-1], 0),
    gather([4, 5, 3], 1, [1, 2, 3]),
    { ...gather([1, 4, 6, 6], 1, [3], 0), before: [POOL] },
    { ...gather([1, 4, 6, 6], 1, [1, 2]), before: [POOL] },
  ]);
});

test('softmax along any axis, before and since opset 13', async () => {
  const cases = [0, 1, 2, 3, -1].flatMap((axis): Case[] => [
    { op: 'Softmax', operands: [[2, 3, 4, 5]], attributes: { axis } },
    { op: 'Softmax', operands: [[2, 3, 8, 10]], attributes: { axis }, before: [POOL] },
    { op: 'Softmax', operands: [[1, 3, 1, 5]], attributes: { axis } },
  ]);
  await compare([...cases, { op: 'Softmax', operands: [[4, 6]] }]);
  await compare([...cases, { op: 'Softmax', operands: [[4, 6]] }], { opset: 11 });
});

test('reductions with axes kept and dropped', async () => {
  const axes = [[0], [1], [2, 3], [1, 3], [0, 1, 2, 3], [-1]];
  const cases = axes.flatMap((list) =>
    [0, 1].flatMap((keepdims): Case[] => [
      { op: 'ReduceMean', operands: [[2, 3, 4, 6]], attributes: { axes: list, keepdims } },
      { op: 'ReduceMean', operands: [[2, 3, 4, 6]], attributes: { axes: list, keepdims }, before: [POOL] },
      {
        op: 'ReduceSum',
        operands: [[2, 3, 4, 6], { integers: list }],
        attributes: { keepdims },
        before: [POOL],
      },
    ]),
  );
  await compare([...cases, { op: 'ReduceMean', operands: [[2, 3]] }]);
});

test('repeats by Expand and Tile', async () => {
  await compare([
    { op: 'Expand', operands: [[3, 1], { integers: [2, 3, 4] }] },
    { op: 'Expand', operands: [[1, 3, 2, 2], { integers: [2, 1, 2, 2] }], before: [POOL] },
    { op: 'Tile', operands: [[2, 3], { integers: [2, 7] }] },
    { op: 'Tile', operands: [[1, 3, 4, 4], { integers: [1, 2, 1, 3] }], before: [POOL] },
  ]);
});

test.run();

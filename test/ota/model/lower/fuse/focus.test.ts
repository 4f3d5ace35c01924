import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { constant, info, node, onnxModel } from '../../../../support/onnx-writer.ts';
import { random, sideBySide } from '../../../../support/side-by-side.ts';

const CORNERS = [
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
] as const;

interface Options {
  readonly corners?: readonly (readonly [row: number, column: number])[];
  readonly attributes?: Record<string, number | readonly number[]>;
  readonly output?: readonly number[];
}

/** Every second row, then every second column, four times; joined, then a convolution of 3 × 3. */
function focus({ corners = CORNERS, attributes = {}, output = [1, 5, 4, 6] }: Options = {}): Buffer {
  const next = random(3);
  const slices = corners.flatMap(([row, column], i) => [
    node('Slice', ['x', `from${row}`, 'end', 'rows', 'two'], [`r${i}`]),
    node('Slice', [`r${i}`, `from${column}`, 'end', 'columns', 'two'], [`c${i}`]),
  ]);
  const joined = corners.map((_, i) => `c${i}`);
  const weights = Float32Array.from({ length: 5 * 12 * 9 }, () => next() - 0.5);
  const integer = (name: string, value: number) => constant(name, 'int64', [1], [BigInt(value)]);
  return onnxModel({
    inputs: [info('x', 'float32', [1, 3, 8, 12])],
    outputs: [info('y', 'float32', output)],
    nodes: [
      ...slices,
      node('Concat', joined, ['j'], { axis: 1 }),
      node('Conv', ['j', 'w', 'b'], ['y'], { pads: [1, 1, 1, 1], ...attributes }),
    ],
    initializers: [
      ...[integer('from0', 0), integer('from1', 1), integer('end', 2 ** 40), integer('two', 2)],
      ...[integer('rows', 2), integer('columns', 3)],
      constant('w', 'float32', [5, 12, 3, 3], weights),
      constant('b', 'float32', [5], [1, 2, 3, 4, 5]),
    ],
  });
}

async function folds(model: Buffer): Promise<boolean> {
  const next = random(5);
  const { outputs, plan } = await sideBySide(model, { fill: () => next() - 0.5 });
  const [pair] = outputs;
  for (const [i, one] of pair!.reference.entries()) {
    assert.ok(Math.abs(one - pair!.plan[i]!) < 1e-5, `element ${i}: ${pair!.plan[i]} instead of ${one}`);
  }
  return plan.nodes.every(({ op }) => op === 'reshape' || op === 'convolution2d' || op === 'transpose');
}

test('slices, their join and the convolution become one convolution over pairs of pixels', async () => {
  assert.ok(await folds(focus()));
});

test('the convolution may have strides and pads of its own, and the corners any order', async () => {
  const corners = [CORNERS[3], CORNERS[0], CORNERS[2], CORNERS[1]];
  assert.ok(
    await folds(
      focus({ corners, attributes: { strides: [2, 1], pads: [1, 0, 2, 1] }, output: [1, 5, 3, 5] }),
    ),
  );
});

test('a corner taken twice, or a dilated convolution, stays as it is and gives the same', async () => {
  assert.not(await folds(focus({ corners: [CORNERS[0], CORNERS[0], CORNERS[1], CORNERS[2]] })));
  assert.not(await folds(focus({ attributes: { dilations: [2, 2], pads: [2, 2, 2, 2] } })));
});

test.run();

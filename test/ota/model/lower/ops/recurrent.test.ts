import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compileModel } from '../../../../../ota/model/compile.ts';
import {
  type AttributeValue,
  constant,
  info,
  type Json,
  node,
  onnxModel,
} from '../../../../support/onnx-writer.ts';
import { random, sideBySide } from '../../../../support/side-by-side.ts';

interface Options {
  readonly op: 'LSTM' | 'GRU';
  readonly direction?: 'forward' | 'reverse' | 'bidirectional';
  readonly steps?: number;
  readonly bias?: boolean;
  /** Where the initial state comes from. */
  readonly state?: 'input' | 'constant';
  /** Weights are inputs of the model too. */
  readonly dynamic?: boolean;
  readonly attributes?: Record<string, AttributeValue>;
}

const [BATCH, INPUTS, HIDDEN] = [2, 5, 4];

function recurrent(options: Options): Buffer {
  const { op, direction = 'forward', steps = 3, bias = false, state, dynamic = false } = options;
  const directions = direction === 'bidirectional' ? 2 : 1;
  const rows = (op === 'LSTM' ? 4 : 3) * HIDDEN;
  const next = random(11);
  const inputs: Json[] = [info('x', 'float32', [steps, BATCH, INPUTS])];
  const initializers: Json[] = [];
  const given = (name: string, dims: readonly number[], atRunTime: boolean): string => {
    const size = dims.reduce((product, one) => product * one, 1);
    if (atRunTime) inputs.push(info(name, 'float32', dims));
    else
      initializers.push(
        constant(
          name,
          'float32',
          dims,
          Array.from({ length: size }, () => 2 * next() - 1),
        ),
      );
    return name;
  };
  const stateShape = [directions, BATCH, HIDDEN];
  const stateOf = (name: string) => (state ? given(name, stateShape, state === 'input') : '');
  const names = [
    'x',
    given('w', [directions, rows, INPUTS], dynamic),
    given('r', [directions, rows, HIDDEN], dynamic),
    bias ? given('b', [directions, 2 * rows], dynamic) : '',
    '',
    stateOf('h'),
    ...(op === 'LSTM' ? [stateOf('c')] : []),
  ];
  const outputs = op === 'LSTM' ? ['y', 'yh', 'yc'] : ['y', 'yh'];
  const shapes = outputs.map((name) => (name === 'y' ? [steps, directions, BATCH, HIDDEN] : stateShape));
  return onnxModel({
    inputs,
    initializers,
    outputs: outputs.map((name, i) => info(name, 'float32', shapes[i])),
    nodes: [node(op, names, outputs, { hidden_size: HIDDEN, direction, ...options.attributes })],
  });
}

async function isSame(options: Options): Promise<void> {
  const next = random(13);
  const { outputs } = await sideBySide(recurrent(options), { fill: () => 2 * next() - 1 });
  for (const { name, plan, reference } of outputs) {
    const worst = reference.reduce((most, one, i) => Math.max(most, Math.abs(one - plan[i]!)), 0);
    assert.ok(worst < 1e-5, `${name} of ${JSON.stringify(options)} is ${worst} off`);
  }
}

for (const op of ['LSTM', 'GRU'] as const) {
  test(`${op} runs forwards, backwards and both ways, with and without bias and state`, async () => {
    await isSame({ op });
    await isSame({ op, direction: 'reverse', bias: true, state: 'input' });
    await isSame({ op, direction: 'bidirectional', bias: true, state: 'constant' });
    await isSame({ op, direction: 'bidirectional' });
  });

  test(`${op} takes one step with the state as an input, and weights that are inputs`, async () => {
    await isSame({ op, steps: 1, state: 'input', bias: true });
    await isSame({ op, direction: 'bidirectional', dynamic: true });
    await isSame({ op, dynamic: true, bias: true, state: 'input' });
  });
}

test('GRU resets the state before or after its weights', async () => {
  for (const bias of [false, true]) {
    for (const state of ['input', undefined] as const) {
      const attributes = { linear_before_reset: 1 };
      await isSame({ op: 'GRU', bias, attributes, ...(state && { state }) });
    }
  }
});

test('what is not unrolled is refused with its reason', async () => {
  const refused: [Options, RegExp][] = [
    [{ op: 'LSTM', steps: 65 }, /65 steps/],
    [{ op: 'LSTM', attributes: { clip: 0.5 } }, /clips/],
    [
      { op: 'LSTM', attributes: { activations: ['Sigmoid', 'Relu', 'Tanh'] } },
      /activations are sigmoid, relu, tanh/,
    ],
  ];
  const folder = await mkdtemp(join(tmpdir(), 'vigie-recurrent-'));
  try {
    for (const [options, reason] of refused) {
      const path = join(folder, 'model.onnx');
      await writeFile(path, recurrent(options));
      const error = await compileModel({ path }).then(
        () => undefined,
        (caught: unknown) => caught as Error & { code: string },
      );
      assert.is(error?.code, 'model-unsupported');
      assert.match(error?.message ?? '', reason);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();

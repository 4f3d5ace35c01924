import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadOnnxTrees } from '../../runtime/addon/onnx-trees.ts';
import { ModelError } from '../../runtime/core/errors.ts';
import { sharedPath } from '../support/shared.ts';
import { attributes, encodeModel, floats, ints, operation, scalar, text, texts } from './onnx-builder.ts';

const replaced = (attribute: ReturnType<typeof ints>) => [
  ...attributes().filter((other) => other.name !== attribute.name),
  attribute,
];

async function refusal(bytes: Uint8Array): Promise<string> {
  try {
    await loadOnnxTrees(bytes);
  } catch (error) {
    assert.ok(error instanceof ModelError, String(error));
    return `${error.code}: ${error.message}`;
  }
  return 'loaded';
}

test('branch modes, missing values and sums follow the ONNX definition', async () => {
  const { ensemble, output, covers } = await loadOnnxTrees(encodeModel());
  assert.is(covers, 'leaf-counts');
  assert.is(ensemble.width, 2);
  const cases: [number, number, number][] = [
    [0.5, 0, 201],
    [0.6, 1.9, 110],
    [0.6, 2, 120],
    [0, 1, 201],
    [0, 1.1, 101],
    [Number.NaN, 2, 120], // tracks false: right
    [0.6, Number.NaN, 110], // tracks true in both trees
  ];
  for (const [a, b, expected] of cases) {
    const score = ensemble.score(Float64Array.of(a, b));
    assert.is(score, expected, `${a}, ${b}`);
    assert.is(output(score), score);
  }
  const out = new Float64Array(2);
  const score = ensemble.explain(Float64Array.of(0, 0), out);
  assert.ok(Math.abs(out[0]! + out[1]! + ensemble.expectedValue - score) < 1e-9);
});

test('averages, base values and the linear and power chain are carried out', async () => {
  const averaged = [...attributes(), text('aggregate_function', 'AVERAGE'), floats('base_values', [5])];
  const bytes = encodeModel({
    attribute: averaged,
    after: [
      operation('Identity', ['sum'], 'i'),
      operation('Neg', ['i'], 'n'),
      operation('Div', ['n', 'fifty'], 'd'),
      operation('Sub', ['three', 'd'], 's'),
      operation('Pow', ['four', 's'], 'p'),
      operation('Mul', ['p', 'three'], 'm'),
      operation('Add', ['three', 'm'], 'score'),
    ],
    initializer: [scalar('fifty', 50), scalar('three', 3), scalar('four', 4)],
    output: 'score',
  });
  const { ensemble, output } = await loadOnnxTrees(bytes);
  const sum = 201 / 2 + 5;
  const expected = 3 * 4 ** (3 + sum / 50) + 3;
  const score = ensemble.score(Float64Array.of(0, 0));
  assert.ok(Math.abs(score - 2 * (3 + sum / 50)) < 1e-6);
  assert.ok(Math.abs(output(score) / expected - 1) < 1e-6);
});

test('weights for the explanation come from hit rates where the file has them', async () => {
  const rates = floats('nodes_hitrates', [1, 30, 1, 6, 4, 1, 10, 30]);
  const { ensemble, covers } = await loadOnnxTrees(encodeModel({ attribute: [...attributes(), rates] }));
  assert.is(covers, 'hit-rates');
  assert.ok(Math.abs(ensemble.expectedValue - ((30 + 60 + 80) / 40 + (1000 + 6000) / 40)) < 1e-9);
  const ones = floats('nodes_hitrates', new Array(8).fill(1));
  assert.is((await loadOnnxTrees(encodeModel({ attribute: [...attributes(), ones] }))).covers, 'leaf-counts');
});

test('weights for the explanation are told from path lengths of an isolation forest', async () => {
  const c = (n: number) => 2 * (Math.log(n - 1) + 0.5772156649015329) - (2 * (n - 1)) / n;
  const lengths = floats('target_weights', [1 + c(100), 2, 3, 1 + c(37), 1 + c(66)]);
  const { ensemble, covers } = await loadOnnxTrees(encodeModel({ attribute: replaced(lengths) }));
  assert.is(covers, 'path-lengths');
  const mean = (100 * (1 + c(100)) + 2 + 2 * 3) / 103 + (37 * (1 + c(37)) + 66 * (1 + c(66))) / 103;
  assert.ok(Math.abs(ensemble.expectedValue - mean) < 1e-5);
});

test('ordinary leaf values are not taken for path lengths', async () => {
  for (const values of [
    [20.1, 21.7, 30.2, 19.6, 25.5],
    [1, 2, 2, 1, 1], // whole depths, but of trees of different sizes
    [0, 0, 0, 0, 0],
  ]) {
    const weights = floats('target_weights', values);
    const { covers } = await loadOnnxTrees(encodeModel({ attribute: replaced(weights) }));
    assert.is(covers, 'leaf-counts');
  }
});

test('what is not supported is refused by name', async () => {
  const cases: [Uint8Array, string][] = [
    [encodeModel({ attribute: replaced(text('post_transform', 'LOGISTIC')) }), 'post_transform is LOGISTIC'],
    [
      encodeModel({ attribute: [...attributes(), text('aggregate_function', 'MAX')] }),
      'aggregate_function is MAX',
    ],
    [encodeModel({ attribute: replaced({ name: 'n_targets', i: 3, type: 2 }) }), '3 targets'],
    [encodeModel({ attribute: replaced(ints('target_ids', [0, 0, 0, 0, 1])) }), 'more than one target'],
    [
      encodeModel({ attribute: [...attributes(), floats('nodes_values_as_tensor', [])] }),
      'nodes_values_as_tensor',
    ],
    [
      encodeModel({ attribute: replaced(texts('nodes_modes', attributeModes('BRANCH_EQ'))) }),
      'node 0 has mode BRANCH_EQ',
    ],
    [encodeModel({ after: [operation('Softmax', ['sum'], 'y')], output: 'y' }), 'Softmax (the-softmax)'],
    [encodeModel({ after: [operation('Mul', ['sum', 'sum'], 'y')], output: 'y' }), 'no constant'],
    [encodeModel({ after: [operation('Neg', ['X'], 'y')] }), 'does not follow the trees'],
    [encodeModel({ output: 'elsewhere' }), 'outputs (elsewhere)'],
    [encodeModel({ trees: { input: ['Y'] } }), 'read Y'],
    [encodeModel({ trees: { opType: 'TreeEnsembleClassifier' } }), 'TreeEnsembleClassifier'],
    [encodeModel({ trees: { opType: 'Gemm', domain: '' } }), 'no TreeEnsembleRegressor'],
    [encodeModel({ width: 100_000 }), '100000 columns'],
  ];
  for (const [bytes, message] of cases)
    assert.match(await refusal(bytes), new RegExp(`^unsupported-model: .*${escaped(message)}`));
});

const escaped = (message: string) => message.replace(/[()]/g, '\\$&');

function attributeModes(first: string): string[] {
  return [first, 'LEAF', 'BRANCH_LT', 'LEAF', 'LEAF', 'BRANCH_GT', 'LEAF', 'LEAF'];
}

test('damaged trees are refused, naming what is wrong', async () => {
  const cases: [ReturnType<typeof ints>, string][] = [
    [ints('nodes_treeids', []), 'no nodes'],
    [ints('nodes_nodeids', [0, 1, 2]), 'nodes_nodeids has 3 values instead of 8'],
    [ints('nodes_nodeids', [0, 1, 2, 3, 3, 0, 1, 2]), 'same ids'],
    [ints('nodes_nodeids', [0, 1, 2, 3, -4, 0, 1, 2]), 'ids 0, -4'],
    [ints('nodes_truenodeids', [9, 0, 3, 0, 0, 1, 0, 0]), 'leads to 9'],
    [ints('nodes_truenodeids', [0, 0, 3, 0, 0, 1, 0, 0]), 'no root leads to'],
    [ints('nodes_falsenodeids', [1, 0, 4, 0, 0, 2, 0, 0]), 'one root each'],
    [ints('nodes_featureids', [2, 0, 1, 0, 0, 1, 0, 0]), 'feature 2 of 2'],
    [ints('nodes_featureids', [-1, 0, 1, 0, 0, 1, 0, 0]), 'column -1'],
    [floats('nodes_values', [Number.NaN, 0, 2, 0, 0, 1, 0, 0]), 'not a number'],
    [floats('target_weights', [1, 10, 20, 100, Infinity]), 'not finite'],
    [ints('target_nodeids', [0, 3, 4, 1, 2]), 'belongs to no leaf'],
    [ints('target_ids', [0]), 'target_ids has 1 values instead of 5'],
  ];
  for (const [attribute, message] of cases) {
    const found = await refusal(encodeModel({ attribute: replaced(attribute) }));
    assert.match(found, new RegExp(`^bad-model: .*${message}`), attribute.name as string);
  }
  assert.match(await refusal(Buffer.from('no model')), /^bad-model/);
  assert.match(await refusal(new Uint8Array()), /^bad-model/);
});

test('foreign bytes end in a typed error or in trees that score', async () => {
  const raw = { name: 'k', dims: [1], dataType: 1, rawData: Buffer.from([0, 0, 0, 64]) };
  const after = [operation('Mul', ['sum', 'k'], 'm'), operation('Pow', ['k', 'm'], 'y')];
  const good = encodeModel({ after, initializer: [raw], output: 'y' });
  assert.is(await refusal(good), 'loaded');
  const attempt = async (bytes: Uint8Array) => {
    try {
      const { ensemble } = await loadOnnxTrees(bytes);
      ensemble.explain(new Float64Array(ensemble.width), new Float64Array(ensemble.width));
    } catch (error) {
      assert.ok(error instanceof ModelError, String((error as Error).stack));
    }
  };
  const edit = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 5 }), async (edits) => {
      const copy = Buffer.from(good);
      for (const [at, value] of edits) copy[at] = value;
      await attempt(copy);
    }),
    { numRuns: 1000, seed: 3 },
  );
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), attempt), { numRuns: 300, seed: 3 });
  for (let length = 0; length < good.length; length += 3) await attempt(good.subarray(0, length));
});

test("scikit-learn's isolation forest of the water treatment plant gives its own scores", async () => {
  const model = sharedPath('models/small/iforest_water_treatment.onnx');
  const vectors = sharedPath('models/small/iforest_water_treatment.vectors.json');
  if (!model || !vectors) return;
  const { ensemble, output, covers } = await loadOnnxTrees(readFileSync(model));
  assert.is(covers, 'path-lengths');
  assert.is(ensemble.facts.trees, 100);
  const { cases } = JSON.parse(readFileSync(vectors, 'utf8')) as { cases: { x: number[]; score: number }[] };
  const out = new Float64Array(ensemble.width);
  for (const { x, score } of cases) {
    const raw = ensemble.explain(Float64Array.from(x), out);
    assert.ok(Math.abs(output(raw) - score) < 1e-6);
    assert.ok(Math.abs(out.reduce((a, b) => a + b) + ensemble.expectedValue - raw) < 1e-9);
  }
});

test.run();

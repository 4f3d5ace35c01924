import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type OnnxGraph, type ReadOptions, readModel } from '../../../../ota/model/onnx/read-model.ts';
import { InputError, ModelError } from '../../../../runtime/core/errors.ts';
import {
  constant,
  graph,
  info,
  type ModelParts,
  node,
  onnxModel,
  subgraph,
} from '../../../support/onnx-writer.ts';
import { sharedPath } from '../../../support/shared.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-read-'));
const path = join(folder, 'model.onnx');
test.after(() => rmSync(folder, { recursive: true }));

function read(parts: ModelParts, options?: ReadOptions): Promise<OnnxGraph> {
  writeFileSync(path, onnxModel(parts));
  return readModel(path, options);
}

async function refused(
  parts: ModelParts | Uint8Array,
  options?: ReadOptions,
): Promise<ModelError | InputError> {
  writeFileSync(path, parts instanceof Uint8Array ? parts : onnxModel(parts));
  try {
    await readModel(path, options);
  } catch (error) {
    assert.ok(error instanceof ModelError || error instanceof InputError, String(error));
    assert.ok(error.message.startsWith(`${path}: `), error.message);
    assert.is(error.facts.file, path);
    return error;
  }
  throw new RangeError('it was read');
}

const ops = (result: OnnxGraph) => result.nodes.map(({ op }) => op);
const picture = info('x', 'float32', ['N', 3, 8, 8]);
const weights = constant('w', 'float32', [4, 3, 3, 3], new Float32Array(108).fill(0.25));
const convolution: ModelParts = {
  inputs: [picture],
  outputs: [info('y', 'float32', ['N', 4, 'H', 'W'])],
  nodes: [node('Conv', ['x', 'w'], ['y'], { pads: [1, 1, 1, 1] })],
  initializers: [weights],
};

test('gives shapes to all values, folds constants and fuses batch normalisation', async () => {
  const four = (name: string, value: number) => constant(name, 'float32', [4], [value, value, value, value]);
  const result = await read({
    ...convolution,
    outputs: [info('z', 'float32')],
    nodes: [
      node('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1], strides: [2, 2] }),
      node('BatchNormalization', ['c', 's', 'b', 'm', 'v'], ['n']),
      node('Shape', ['n'], ['shape']),
      node('Concat', ['first', 'rest'], ['target'], { axis: 0 }),
      node('Reshape', ['n', 'target'], ['r']),
      node('Relu', ['r'], ['z'], {}, ''),
    ],
    initializers: [
      ...[weights, four('s', 2), four('b', 1), four('m', 0.5), four('v', 1)],
      constant('first', 'int64', [1], [1]),
      constant('rest', 'int64', [1], [-1]),
    ],
  });
  assert.equal(ops(result), ['Conv', 'Reshape', 'Relu']);
  assert.equal(result.values.get('z')!.shape, [1, 64]);
  assert.equal(result.values.get('x'), { name: 'x', type: 'float32', shape: [1, 3, 8, 8] });
  assert.equal(result.outputs, ['z']);
  assert.is(result.nodes[2]!.name, 'Relu#2');
  assert.equal(result.nodes[0]!.attributes.get('strides'), [2, 2]);
  const target = result.values.get(result.nodes[1]!.inputs[1]!)!;
  assert.equal([...new BigInt64Array(target.data!.buffer)], [1n, -1n]);
  assert.equal(result.notLowerable, []);
  assert.is(result.file.nodes, 6);
  assert.equal(result.file.inputs, [{ name: 'x', shape: ['N', 3, 8, 8] }]);
  assert.match(result.file.sha256, /^[0-9a-f]{64}$/);
});

test('keeps quantised weights quantised', async () => {
  const result = await read({
    ...convolution,
    nodes: [
      node('QuantizeLinear', ['x', 'sx', 'zx'], ['xq']),
      node('DequantizeLinear', ['xq', 'sx', 'zx'], ['xd']),
      node('DequantizeLinear', ['wq', 'sw', 'zw'], ['wd'], { axis: 0 }),
      node('Conv', ['xd', 'wd'], ['c'], { pads: [1, 1, 1, 1] }),
      node('Relu', ['c'], ['r']),
      node('QuantizeLinear', ['r', 'sx', 'zx'], ['yq']),
      node('DequantizeLinear', ['yq', 'sx', 'zx'], ['y']),
    ],
    initializers: [
      constant('sx', 'float32', [], [0.1]),
      constant('zx', 'int8', [], [3]),
      constant('wq', 'int8', [4, 3, 3, 3], new Int8Array(108).fill(7)),
      constant('sw', 'float32', [4], [0.1, 0.2, 0.3, 0.4]),
      constant('zw', 'int8', [4], [0, 0, 0, 0]),
    ],
  });
  const convolutionNode = result.nodes.find(({ op }) => op === 'Conv')!;
  const dequantize = result.nodes.find(({ outputs }) => outputs[0] === convolutionNode.inputs[1])!;
  assert.is(dequantize.op, 'DequantizeLinear');
  assert.is(result.values.get(dequantize.inputs[0]!)!.type, 'int8');
  assert.ok(result.values.get(dequantize.inputs[0]!)!.data);
});

test('takes initialisers that an old export lists as inputs for constants', async () => {
  const old = {
    ...convolution,
    irVersion: 3,
    opset: 7,
    inputs: [picture, info('w', 'float32', [4, 3, 3, 3])],
  };
  const result = await read(old);
  assert.equal(result.inputs, ['x']);
  assert.is(result.opset, 7);
  assert.is(result.values.get('w')!.data!.length, 432);
});

test('binds free dimensions by the caller, through symbols, and only the leading one by itself', async () => {
  const free = { ...convolution, inputs: [info('x', 'float32', ['N', 3, 'H', 'W'])] };
  const result = await read(free, { shapes: { x: [2, 3, 6, 10] } });
  assert.equal(result.values.get('y')!.shape, [2, 4, 6, 10]);
  const error = await refused(free);
  assert.is(error.code, 'shape-free');
  assert.match(error.message, /input `x`.*\[N,3,H,W\].*dimension 2.*--shape x=1,3,…,…/);
  assert.is((await refused(free, { shapes: { z: [1] } })).code, 'shape-unknown-input');
  assert.is((await refused(free, { shapes: { x: [1, 4, 6, 10] } })).code, 'shape-mismatch');
  assert.is((await refused(free, { shapes: { x: [1, 3, 0.5, 10] } })).code, 'shape-mismatch');
  const two = {
    inputs: [info('a', 'float32', ['N', 'K']), info('b', 'float32', ['N', 'K'])],
    outputs: [info('y', 'float32')],
    nodes: [node('Add', ['a', 'b'], ['y'])],
  };
  assert.equal((await read(two, { shapes: { a: [2, 5] } })).values.get('b')!.shape, [2, 5]);
  assert.is((await refused(two, { shapes: { a: [2, 5], b: [2, 4] } })).code, 'shape-mismatch');
  const noRank = { ...two, inputs: [info('a', 'float32'), info('b', 'float32', [1])] };
  assert.match((await refused(noRank)).message, /rank is not known/);
});

test('names the nodes that no backend but ONNX Runtime can run', async () => {
  const branch = (value: number) =>
    subgraph(
      graph({
        outputs: [info(`o${value}`, 'float32')],
        nodes: [node('Mul', ['x', `k${value}`], [`o${value}`])],
        initializers: [constant(`k${value}`, 'float32', [], [value])],
      }),
    );
  const result = await read({
    inputs: [info('x', 'float32', [3]), info('c', 'bool', [])],
    outputs: [info('y', 'float32'), info('z', 'int64')],
    nodes: [
      node('If', ['c'], ['y'], { then_branch: branch(1), else_branch: branch(2) }, 'choose'),
      node('NonZero', ['x'], ['z'], {}, 'find'),
    ],
  });
  assert.equal(
    result.notLowerable.map(({ node: name }) => name),
    ['choose', 'find'],
  );
  assert.match(result.notLowerable[0]!.reason, /subgraph/);
  assert.not(result.values.has('z'));
});

test('refuses versions it does not know', async () => {
  assert.match((await refused({ ...convolution, opset: 6 })).message, /operator set 6; read are 7 to 25/);
  assert.is((await refused({ ...convolution, opset: 26 })).code, 'onnx-opset');
  assert.is((await refused({ ...convolution, model: { opsetImport: [] } })).code, 'onnx-opset');
  assert.is((await refused({ ...convolution, irVersion: 2 })).code, 'onnx-malformed');
  assert.is((await refused(Buffer.from('not a model'))).code, 'onnx-malformed');
  assert.is((await refused(Buffer.alloc(0))).code, 'onnx-malformed');
});

test('refuses files that are none', async () => {
  for (const bad of [join(folder, 'absent.onnx'), folder, '/dev/null']) {
    try {
      await readModel(bad);
      assert.unreachable('it was read');
    } catch (error) {
      assert.instance(error, InputError);
      assert.is((error as InputError).code, 'model-unreadable');
    }
  }
});

test('refuses broken weights by name', async () => {
  const nan = constant(
    'w',
    'float32',
    [4, 3, 3, 3],
    new Float32Array(108).fill(0.25, 0, 50).fill(Number.NaN, 50),
  );
  const error = await refused({ ...convolution, initializers: [nan] });
  assert.is(error.code, 'onnx-non-finite');
  assert.match(error.message, /`w`.*element 50/);
  await read({ ...convolution, initializers: [nan] }, { allowNonFinite: true });
  const sparse = { sparseInitializer: [{ values: { name: 'w' } }] };
  assert.is(
    (
      await refused({
        ...convolution,
        initializers: [],
        more: sparse,
        inputs: [picture, info('w', 'float32', [1])],
      })
    ).code,
    'onnx-sparse',
  );
});

test("passes on what ONNX Runtime has against a model, with the node's name", async () => {
  const wrong = { ...convolution, nodes: [node('NoSuchOperator', ['x', 'w'], ['y'], {}, 'odd')] };
  const error = await refused(wrong);
  assert.is(error.code, 'onnx-refused');
  assert.match(error.message, /NoSuchOperator/);
});

test('outlives an optimiser that takes too much time or memory', async () => {
  assert.is((await refused(convolution, { seconds: 0.02 })).code, 'onnx-optimiser');
  const memory = await refused(convolution, { memoryBytes: 2 ** 27 });
  assert.is(memory.code, 'onnx-optimiser');
  assert.match(memory.message, /at most 134217728 bytes of memory/);
});

const detector = sharedPath('models/yolox-nano/yolox_nano.onnx');
const quantised = sharedPath('models/small/mobilenet_v2_1.0_224_uint8_qdq.onnx');
const face = sharedPath('models/yunet-face/yunet_n_320_320.onnx');
if (detector && quantised && face) {
  test('reads the models at hand', async () => {
    const yolox = await readModel(detector);
    assert.equal(yolox.values.get('output')!.shape, [1, 3549, 85]);
    assert.equal(yolox.notLowerable, []);
    const mobilenet = await readModel(quantised);
    const kept = [...mobilenet.values.values()].filter(
      ({ type, data }) => type === 'uint8' && data && data.length > 1,
    );
    assert.is(kept.length, 53);
    assert.equal((await readModel(face)).inputs, ['input']);
  });
}

test.run();

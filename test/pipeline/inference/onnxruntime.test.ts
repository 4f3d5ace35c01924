/** What is ONNX Runtime's own: files that would abort the process, models that fail at run, odd contracts. */

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ModelError, type VigieError } from '../../../runtime/core/errors.ts';
import { classesOf, probabilitiesOutput } from '../../../runtime/pipeline/inference/classes.ts';
import { loadSession } from '../../../runtime/pipeline/inference/load-session.ts';
import type { Session, SessionOptions, Tensor } from '../../../runtime/pipeline/inference/session.ts';
import {
  constant,
  DATA_TYPES,
  type DataType,
  encode,
  graph,
  info,
  type ModelParts,
  node,
  onnxModel,
} from '../../support/onnx-writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-onnxruntime-'));
test.after(() => rmSync(folder, { recursive: true }));

function saved(name: string, bytes: Uint8Array): string {
  const path = join(folder, `${name}.onnx`);
  writeFileSync(path, bytes);
  return path;
}

async function using<T>(
  path: string,
  work: (session: Session) => Promise<T>,
  options?: SessionOptions,
): Promise<T> {
  const session = await loadSession({ path }, options);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

const floats = (...values: number[]): Tensor => ({
  type: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});

function quantised(type: DataType, parts: ModelParts = {}): Uint8Array {
  return onnxModel({
    opset: 21,
    irVersion: 10,
    inputs: [info('x', 'float32', [4])],
    outputs: [info('y', type, [4])],
    nodes: [node('QuantizeLinear', ['x', 's', 'z'], ['y'])],
    initializers: [constant('s', 'float32', [], [1]), constant('z', type, [], [0])],
    ...parts,
  });
}

test('outputs at which the library aborts the process are refused before', async () => {
  for (const type of ['int4', 'uint4'] as const) {
    const path = saved(type, quantised(type));
    const error = await loadSession({ path }).catch((thrown) => thrown);
    assert.instance(error, ModelError);
    assert.is(error.code, 'model-unsupported');
    assert.match(error.message, new RegExp(`${path}.*output "y" is of type ${type}.*Cast`));
  }
  const inside = quantised('int4', {
    outputs: [info('r', 'float32', [4])],
    nodes: [node('QuantizeLinear', ['x', 's', 'z'], ['y']), node('DequantizeLinear', ['y', 's', 'z'], ['r'])],
  });
  const { r } = await using(saved('inside', inside), (session) =>
    session.infer({ x: floats(1, 2, 3.6, -4) }),
  );
  assert.equal(r!.data, Float32Array.of(1, 2, 4, -4), 'inside the graph they are no harm');
});

test('the library does abort: this is what the refusal is for', async () => {
  const path = saved('aborts', quantised('int4'));
  const code = `const ort = (await import('onnxruntime-node')).default;
    const session = await ort.InferenceSession.create(${JSON.stringify(path)});
    await session.run({ x: new ort.Tensor('float32', new Float32Array(4), [4]) });`;
  const child = promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
    cwd: import.meta.dirname,
  });
  const error = await child.catch((thrown) => thrown);
  assert.ok(error.signal !== null || error.code > 128, 'if this passes, the refusal can go');
});

test('types that the binding lacks are refused, with the other outputs still given', async () => {
  const both = onnxModel({
    inputs: [info('x', 'float32', [2])],
    outputs: [info('text', 'string', [2]), info('y', 'float32', [2])],
    nodes: [node('Cast', ['x'], ['text'], { to: DATA_TYPES.string }), node('Neg', ['x'], ['y'])],
  });
  await using(saved('both', both), async (session) => {
    assert.equal(
      session.describe().outputs.map(({ name }) => name),
      ['y'],
    );
    assert.equal(Object.keys(await session.infer({ x: floats(1, 2) })), ['y']);
  });
  const brain = onnxModel({
    inputs: [info('x', 'float32', [2])],
    outputs: [info('y', 'bfloat16', [2])],
    nodes: [node('Cast', ['x'], ['y'], { to: DATA_TYPES.bfloat16 })],
  });
  assert.is((await loadSession({ path: saved('brain', brain) }).catch((e) => e)).code, 'model-unsupported');
  const text = onnxModel({
    inputs: [info('x', 'string', [2])],
    outputs: [info('y', 'string', [2])],
    nodes: [node('Identity', ['x'], ['y'])],
  });
  const error = await loadSession({ path: saved('text', text) }).catch((thrown) => thrown);
  assert.is(error.code, 'model-unsupported');
  assert.match(error.message, /input "x" is no tensor of numbers/);
});

test('initialisers that are listed as inputs are no required inputs', async () => {
  const old = onnxModel({
    irVersion: 3,
    opset: 8,
    inputs: [info('x', 'float32', [2]), info('b', 'float32', [2])],
    outputs: [info('y', 'float32', [2])],
    nodes: [node('Add', ['x', 'b'], ['y'])],
    initializers: [constant('b', 'float32', [2], [10, 20])],
  });
  await using(saved('ir3', old), async (session) => {
    assert.equal(
      session.describe().inputs.map(({ name }) => name),
      ['x'],
    );
    assert.equal((await session.infer({ x: floats(1, 2) })).y!.data, Float32Array.of(11, 22));
  });
});

test('a model that fails at run says why and leaves the session usable', async () => {
  const reshape = onnxModel({
    inputs: [info('x', 'float32', [4]), info('s', 'int64', [2])],
    outputs: [info('y', 'float32')],
    nodes: [node('Reshape', ['x', 's'], ['y'], {}, 'the-reshape')],
  });
  await using(saved('reshape', reshape), async (session) => {
    const shape = (...sizes: bigint[]): Tensor => ({
      type: 'int64',
      shape: [2],
      data: BigInt64Array.from(sizes),
    });
    const error = await session.infer({ x: floats(1, 2, 3, 4), s: shape(3n, 3n) }).catch((thrown) => thrown);
    assert.instance(error, ModelError);
    assert.is(error.code, 'model-run');
    assert.match(error.message, /reshape\.onnx.*the-reshape/);
    assert.not.match(error.message, /onnxruntime_src/);
    const { y } = await session.infer({ x: floats(1, 2, 3, 4), s: shape(2n, 2n) });
    assert.equal(y!.shape, [2, 2]);
  });
});

test('every type of the contract goes in and out as its bits', async () => {
  const values: Record<string, Tensor['data']> = {
    float32: Float32Array.of(1.5, -2),
    float64: Float64Array.of(1.5, -2),
    float16: Uint16Array.of(0x3e00, 0xc000),
    int8: Int8Array.of(1, -2),
    uint8: Uint8Array.of(1, 200),
    int16: Int16Array.of(1, -200),
    uint16: Uint16Array.of(1, 60000),
    int32: Int32Array.of(1, -2),
    uint32: Uint32Array.of(1, 4e9),
    int64: BigInt64Array.of(1n, -(2n ** 62n)),
    uint64: BigUint64Array.of(1n, 2n ** 63n),
    bool: Uint8Array.of(0, 1),
  };
  const types = Object.keys(values) as (DataType & Tensor['type'])[];
  const model = onnxModel({
    inputs: types.map((type) => info(type, type, ['n'])),
    outputs: types.map((type) => info(`${type}-out`, type, ['n'])),
    nodes: types.map((type) => node('Identity', [type], [`${type}-out`])),
  });
  await using(saved('types', model), async (session) => {
    const inputs = types.map((type) => [type, { type, shape: [2], data: values[type]! }]);
    const outputs = await session.infer(Object.fromEntries(inputs));
    for (const type of types) {
      assert.equal(outputs[`${type}-out`], { type, shape: [2], data: values[type] }, type);
    }
  });
});

test('an input of unknown rank takes any shape, a free dimension any size', async () => {
  const free = (shape?: (number | string)[]) =>
    onnxModel({
      inputs: [info('x', 'float32', shape)],
      outputs: [info('y', 'float32', shape)],
      nodes: [node('Neg', ['x'], ['y'])],
    });
  await using(saved('rank', free()), async (session) => {
    assert.equal((await session.infer({ x: floats(1, 2, 3) })).y!.shape, [3]);
  });
  await using(saved('free', free(['n'])), async (session) => {
    assert.equal(session.describe().inputs[0]!.shape, [-1]);
    assert.equal((await session.infer({ x: floats() })).y!.shape, [0]);
    assert.equal((await session.infer({ x: floats(1, 2, 3) })).y!.shape, [3]);
  });
});

test('a classifier takes its class from the probabilities, whatever its label output is', async () => {
  const classifier = encode('Model', {
    irVersion: 8,
    opsetImport: [
      { domain: '', version: 17 },
      { domain: 'ai.onnx.ml', version: 3 },
    ],
    graph: graph({
      inputs: [info('x', 'float32', ['n', 2])],
      outputs: [info('label', 'string', ['n']), info('probabilities', 'float32', ['n', 2])],
      nodes: [
        {
          ...node('LinearClassifier', ['x'], ['label', 'probabilities'], {
            coefficients: [1, 0.5, -1, -0.5],
            intercepts: [0.5, -0.5],
            classlabels_strings: ['calm', 'fault'],
            post_transform: 'SOFTMAX',
          }),
          domain: 'ai.onnx.ml',
        },
      ],
    }),
  });
  await using(saved('classifier', classifier), async (session) => {
    assert.is(probabilitiesOutput(session.describe())?.name, 'probabilities');
    const x: Tensor = { type: 'float32', shape: [2, 2], data: Float32Array.of(2, 2, -3, -3) };
    const { probabilities } = await session.infer({ x });
    assert.equal(
      classesOf(probabilities!).map(({ index }) => index),
      [0, 1],
    );
  });
});

test('options reach ONNX Runtime, and what it refuses is an error', async () => {
  const path = saved(
    'plain',
    onnxModel({
      inputs: [info('x', 'float32', [2])],
      outputs: [info('y', 'float32', [2])],
      nodes: [node('Neg', ['x'], ['y'])],
    }),
  );
  const all: SessionOptions = {
    threads: 2,
    affinity: [0],
    onnxruntime: {
      executionMode: 'parallel',
      interOpThreads: 2,
      arena: false,
      memoryPattern: false,
      graphOptimization: 'basic',
      settings: { 'session.intra_op.allow_spinning': '0' },
    },
  };
  await using(
    path,
    async (session) => {
      assert.is(session.describe().threads, 2);
      assert.equal((await session.infer({ x: floats(1, 2) })).y!.data, Float32Array.of(-1, -2));
    },
    all,
  );
  const outcome = (options: SessionOptions) =>
    loadSession({ path }, options).catch((error: VigieError) => error.code);
  assert.is(await outcome({ onnxruntime: { interOpThreads: -1 } }), 'bad-argument');
  assert.is(await outcome({ threads: 3, affinity: [-5] }), 'bad-argument');
  assert.is(await outcome({ onnxruntime: { graphOptimization: 'most' as never } }), 'bad-model');
});

test('the backend is seen from the file, or told', async () => {
  const missing = await loadSession({ path: join(folder, 'none.onnx') }).catch((error) => error);
  assert.is(missing.code, 'model-missing');
  const odd = join(folder, 'model.bin');
  writeFileSync(odd, 'who knows');
  assert.is((await loadSession({ path: odd }).catch((error) => error)).code, 'model-kind');
  writeFileSync(odd, 'VIGIEXNN and no more');
  assert.is((await loadSession({ path: odd }).catch((error) => error)).code, 'bad-model');
  assert.is((await loadSession({ path: folder }).catch((error) => error)).code, 'model-missing');
});

test.run();

/** Each thing that can be wrong with a graph or a tensor is refused before ONNX Runtime sees it, and named. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readModel } from '../../../../ota/model/onnx/read-model.ts';
import { ModelError } from '../../../../runtime/core/errors.ts';
import {
  constant,
  DATA_TYPES,
  info,
  type Json,
  type ModelParts,
  node,
  onnxModel,
  subgraph,
  tensor,
} from '../../../support/onnx-writer.ts';

const root = mkdtempSync(join(tmpdir(), 'vigie-bad-'));
const folder = join(root, 'bundle');
mkdirSync(folder);
const path = join(folder, 'model.onnx');
test.after(() => rmSync(root, { recursive: true }));

const x = info('x', 'float32', [2]);
const y = info('y', 'float32', [2]);
const add = node('Add', ['x', 'w'], ['y']);

async function refused(parts: ModelParts, code: string, words: RegExp): Promise<void> {
  writeFileSync(path, onnxModel({ inputs: [x], outputs: [y], ...parts }));
  try {
    await readModel(path);
  } catch (error) {
    assert.instance(error, ModelError);
    assert.match((error as ModelError).message, words);
    assert.is((error as ModelError).code, code);
    return;
  }
  assert.unreachable('it was read');
}

const withWeight = (weight: Json) => ({ nodes: [add], initializers: [{ name: 'w', ...weight }] });

test('names', async () => {
  const w = constant('w', 'float32', [2], [1, 2]);
  const relu = (from: string, to: string, name?: string) => node('Relu', [from], [to], {}, name);
  await refused({ nodes: [add] }, 'onnx-name', /node the-y \(Add\) reads `w`, which nothing defines/);
  await refused({ nodes: [relu('x', 'z')] }, 'onnx-name', /output `y` is produced by no node/);
  await refused({ nodes: [add], initializers: [w, w] }, 'onnx-name', /two of the graph's initialisers.*`w`/);
  await refused({ inputs: [x, x], nodes: [relu('x', 'y')] }, 'onnx-name', /two of the graph's inputs.*`x`/);
  await refused(
    { nodes: [relu('x', 'y', 'a'), relu('x', 'y', 'b')] },
    'onnx-name',
    /node b gives `y`, which a defines/,
  );
  await refused({ nodes: [relu('x', 'x')] }, 'onnx-name', /gives `x`, which an input/);
  await refused({ nodes: [node('', ['x'], ['y'], {}, 'none')] }, 'onnx-name', /none has no operator/);
  await refused(
    { nodes: [relu('x', 'y')], initializers: [constant('', 'int8', [], [1])] },
    'onnx-name',
    /no name/,
  );
});

test('circles', async () => {
  const nodes = [
    node('Add', ['x', 'c'], ['a'], {}, 'first'),
    node('Relu', ['a'], ['b'], {}, 'second'),
    node('Relu', ['b'], ['c'], {}, 'third'),
    node('Relu', ['c'], ['y'], {}, 'last'),
  ];
  await refused(
    { nodes },
    'onnx-cycle',
    /first → second → third → first|second → third → first → second|third → first/,
  );
  await refused({ nodes: [node('Add', ['x', 'y'], ['y'], {}, 'own')] }, 'onnx-cycle', /own → own/);
});

test('dimensions and lengths', async () => {
  const four = new Uint8Array(4);
  const float = { dataType: 1 };
  await refused(
    withWeight({ ...float, dims: [-1], rawData: four }),
    'onnx-tensor',
    /`w`.*\[-1\].*at least 0/,
  );
  const large = [2 ** 31, 2 ** 31, 2 ** 31];
  await refused(withWeight({ ...float, dims: large, rawData: four }), 'onnx-tensor', /more than 2 GiB/);
  const overflow = [2n ** 33n, 2n ** 31n];
  await refused(
    withWeight({ ...float, dims: overflow, rawData: new Uint8Array(0) }),
    'onnx-tensor',
    /more than 2 GiB/,
  );
  await refused(
    withWeight({ ...float, dims: Array(40).fill(1), rawData: four }),
    'onnx-tensor',
    /at most 32/,
  );
  await refused(
    withWeight({ ...float, dims: [2], rawData: four }),
    'onnx-tensor',
    /has 4 bytes.*float32\[2\] takes 8/,
  );
  await refused(
    withWeight({ ...float, dims: [2], floatData: [1, 2, 3] }),
    'onnx-tensor',
    /has 12 bytes.*takes 8/,
  );
  await refused(withWeight({ ...float, dims: [2] }), 'onnx-tensor', /has 0 bytes/);
  await refused(
    withWeight({ dataType: 3, dims: [1], int32Data: [128] }),
    'onnx-tensor',
    /128, which is no int8/,
  );
  const attribute = node(
    'Constant',
    [],
    ['w'],
    { value: tensor({ ...float, dims: [3], rawData: four }) },
    'fixed',
  );
  await refused({ nodes: [attribute, add] }, 'onnx-tensor', /attribute `value` of node fixed has 4 bytes/);
  const inner = { name: 'g', initializer: [{ name: 'i', ...float, dims: [3], rawData: four }] };
  const nested = node('If', ['x'], ['w'], { then_branch: subgraph(inner) }, 'choose');
  await refused({ nodes: [nested, add] }, 'onnx-tensor', /`i` in attribute `then_branch` of node choose/);
});

test('element types', async () => {
  for (const type of ['int4', 'uint4', 'bfloat16', 'string'] as const) {
    const weight = { dataType: DATA_TYPES[type], dims: [2], rawData: new Uint8Array(4) };
    if (type !== 'string')
      await refused(withWeight(weight), 'onnx-type', new RegExp(`\`w\`.*type ${type}; read are`));
    const input = { inputs: [info('x', type, [2])], nodes: [node('Cast', ['x'], ['y'], { to: 1 })] };
    await refused(input, 'onnx-type', new RegExp(`input \`x\` has element type ${type}`));
  }
  await refused(withWeight({ dims: [0] }), 'onnx-type', /number 0/);
  await refused(withWeight({ dataType: 99, dims: [0] }), 'onnx-type', /number 99/);
  await refused({ inputs: [{ name: 'x' }], nodes: [node('Relu', ['x'], ['y'])] }, 'onnx-type', /input `x`/);
});

test('external data outside of the model or its file', async () => {
  const outside = join(root, 'secret.bin');
  writeFileSync(outside, Buffer.alloc(64, 1));
  symlinkSync(outside, join(folder, 'link.bin'));
  symlinkSync(root, join(folder, 'up'));
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'weights.bin'), Buffer.alloc(12));
  const at = (location: string, more: Record<string, string> = {}) => {
    const entries = Object.entries({ location, ...more }).map(([key, value]) => ({ key, value }));
    return withWeight({ dataType: 1, dims: [2], externalData: entries, dataLocation: 1 });
  };
  const code = 'onnx-external-data';
  for (const location of [
    '../secret.bin',
    'sub/../../secret.bin',
    outside,
    '',
    'a\\..\\..\\secret.bin',
    'x\0y',
  ]) {
    await refused(at(location), code, /`w` lies in.*own folder/s);
  }
  for (const location of ['link.bin', 'up/secret.bin']) await refused(at(location), code, /a link leads out/);
  await refused(at('absent.bin'), code, /no such file/);
  await refused(at('sub'), code, /no regular file/);
  await refused(at('weights.bin', { offset: '8' }), code, /bytes 8 to 16.*has 12/);
  await refused(at('weights.bin', { offset: '9007199254740993' }), code, /whole numbers/);
  await refused(at('weights.bin', { offset: '-4' }), code, /whole numbers/);
  await refused(at('weights.bin', { length: '4' }), code, /4 bytes where the tensor takes 8/);
  const value = tensor({ dataType: 1, dims: [2], externalData: [{ key: 'location', value: 'weights.bin' }] });
  await refused(
    { nodes: [node('Constant', [], ['w'], { value }), add] },
    code,
    /only initialisers of the main graph/,
  );
});

test('reads external data that is where it should be', async () => {
  writeFileSync(join(folder, 'good.bin'), Buffer.from(new Float32Array([9, 1, 2]).buffer));
  const entries = Object.entries({ location: 'good.bin', offset: '4', length: '8' }).map(([key, value]) => ({
    key,
    value,
  }));
  const weight = withWeight({ dataType: 1, dims: [2], externalData: entries, dataLocation: 1 });
  writeFileSync(path, onnxModel({ inputs: [x], outputs: [y], ...weight }));
  const { values } = await readModel(path);
  assert.equal([...new Float32Array(values.get('w')!.data!.buffer as ArrayBuffer)], [1, 2]);
});

test('reads each list that can hold an element', async () => {
  const lists: [Json, string, number[]][] = [
    [{ dataType: 1, floatData: [1, -2] }, 'float32', [0, 0, 128, 63, 0, 0, 0, 192]],
    [{ dataType: 2, int32Data: [1, 255] }, 'uint8', [1, 255]],
    [{ dataType: 3, int32Data: [1, -2] }, 'int8', [1, 254]],
    [{ dataType: 5, int32Data: [1, -2] }, 'int16', [1, 0, 254, 255]],
    [{ dataType: 6, int32Data: [1, -2] }, 'int32', [1, 0, 0, 0, 254, 255, 255, 255]],
    [{ dataType: 12, uint64Data: [1, 2 ** 32 - 1] }, 'uint32', [1, 0, 0, 0, 255, 255, 255, 255]],
    [{ dataType: 9, int32Data: [1, 0] }, 'bool', [1, 0]],
  ];
  const initializers = lists.map(([list], index) => ({ name: `c${index}`, dims: [2], ...list }));
  const casts = lists.flatMap((_, index) => [
    node('Mul', [`c${index}`, `c${index}`], [`y${index}`], {}, `use${index}`),
  ]);
  const kept = [0, 4]; // what Mul takes; the others only pass through
  const nodes = casts.filter((_, index) => kept.includes(index));
  const outputs = kept.map((index) => info(`y${index}`, index === 0 ? 'float32' : 'int32'));
  const passed = lists.flatMap((_, index) => (kept.includes(index) ? [] : [index]));
  const identities = passed.map((index) => node('Identity', [`c${index}`], [`y${index}`]));
  const more = passed.map((index) => info(`y${index}`, lists[index]![1] as 'uint8'));
  const parts = {
    inputs: [],
    outputs: [...outputs, ...more],
    nodes: [...nodes, ...identities],
    initializers,
  };
  writeFileSync(path, onnxModel(parts));
  const { values } = await readModel(path);
  for (const index of passed) {
    assert.is(values.get(`y${index}`)!.type, lists[index]![1]);
    assert.equal([...values.get(`y${index}`)!.data!], lists[index]![2]);
  }
  assert.equal([...new Float32Array(values.get('y0')!.data!.buffer as ArrayBuffer)], [1, 4]);
});

test.run();

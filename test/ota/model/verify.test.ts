import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compileModel } from '../../../ota/model/compile.ts';
import { readModel } from '../../../ota/model/onnx/read-model.ts';
import { outputStep, quantisedRange } from '../../../ota/model/quantised-ports.ts';
import { randomInputs } from '../../../ota/model/random-inputs.ts';
import { verifyPlan } from '../../../ota/model/verify.ts';
import { constant, info, type ModelParts, node, onnxModel } from '../../support/onnx-writer.ts';
import { sharedPath } from '../../support/shared.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-verify-'));
test.after(() => rmSync(folder, { recursive: true }));

async function compiled(name: string, parts: ModelParts): Promise<{ onnx: string; plan: string }> {
  const onnx = join(folder, `${name}.onnx`);
  writeFileSync(onnx, onnxModel(parts));
  const plan = join(folder, `${name}.xnn`);
  writeFileSync(plan, (await compileModel({ path: onnx })).bytes);
  return { onnx, plan };
}

const weights = Float32Array.from({ length: 108 }, (_, at) => Math.sin(at));
const floatModel = (scale: number): ModelParts => ({
  inputs: [info('x', 'float32', ['N', 3, 8, 8])],
  outputs: [info('y', 'float32')],
  nodes: [node('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1] }), node('Relu', ['c'], ['y'])],
  initializers: [
    constant(
      'w',
      'float32',
      [4, 3, 3, 3],
      weights.map((value) => value * scale),
    ),
  ],
});

const quantisedModel: ModelParts = {
  inputs: [info('x', 'float32', [1, 3, 8, 8])],
  outputs: [info('y', 'float32')],
  nodes: [
    node('QuantizeLinear', ['x', 'sx', 'zx'], ['xq']),
    node('DequantizeLinear', ['xq', 'sx', 'zx'], ['xd']),
    node('DequantizeLinear', ['w', 'sw', 'zw'], ['wd'], { axis: 0 }),
    node('Conv', ['xd', 'wd'], ['c'], { pads: [1, 1, 1, 1] }),
    node('QuantizeLinear', ['c', 'sy', 'zx'], ['yq']),
    node('DequantizeLinear', ['yq', 'sy', 'zx'], ['yd']),
    node('Flatten', ['yd'], ['y']),
  ],
  initializers: [
    constant('sx', 'float32', [], [0.5]),
    constant('sy', 'float32', [], [0.75]),
    constant('zx', 'int8', [], [-8]),
    constant(
      'w',
      'int8',
      [4, 3, 3, 3],
      weights.map((value) => Math.round(value * 100)),
    ),
    constant('sw', 'float32', [4], [0.001, 0.002, 0.003, 0.004]),
    constant('zw', 'int8', [4], [0, 0, 0, 0]),
  ],
};

test('passes a plan that answers as ONNX Runtime does', async () => {
  const files = await compiled('float', floatModel(1));
  const report = await verifyPlan(files);
  assert.is(report.passed, true);
  assert.is(report.samples, 3);
  assert.is(report.quantised, false);
  assert.equal(
    report.outputs.map(({ name, elements }) => [name, elements]),
    [['y', 256]],
  );
  assert.ok(report.outputs[0]!.worstAbsolute < 1e-5);
});

test('fails a plan that was made from another model', async () => {
  const { plan } = await compiled('one', floatModel(1));
  const { onnx } = await compiled('other', floatModel(1.1));
  const report = await verifyPlan({ onnx, plan, samples: 1 });
  assert.is(report.passed, false);
  assert.match(report.outputs[0]!.reason!, /of 256 elements/);
});

test("tells the steps of a quantised model's output, and its input's range", async () => {
  const onnx = join(folder, 'quantised.onnx');
  writeFileSync(onnx, onnxModel(quantisedModel));
  const graph = await readModel(onnx);
  assert.equal(quantisedRange(graph, 'x'), [-60, 67.5]);
  assert.is(outputStep(graph, 'y'), 0.75);
});

test("counts the steps between a quantised plan's output and ONNX Runtime's", async () => {
  const files = await compiled('steps', quantisedModel);
  const report = await verifyPlan({ ...files, seed: 7 });
  assert.is(report.passed, true);
  assert.is(report.quantised, true);
  const { step, counts } = report.outputs[0]!.steps!;
  assert.is(step, 0.75);
  assert.is(counts[0] + counts[1], 256);
});

test('takes golden inputs', async () => {
  const files = await compiled('golden', floatModel(1));
  const data = new Float32Array(192).fill(2);
  const report = await verifyPlan({
    ...files,
    inputs: [{ x: { type: 'float32', shape: [1, 3, 8, 8], data } }],
  });
  assert.is(report.samples, 1);
  assert.is(report.passed, true);
});

test('makes up the same inputs from the same seed, of every type', () => {
  const types = ['float32', 'float16', 'int8', 'uint8', 'int64', 'bool'] as const;
  const infos = types.map((type) => ({ name: type, type, shape: [50] }));
  const one = randomInputs(infos, { float32: [0, 255] }, 3);
  assert.equal(one, randomInputs(infos, { float32: [0, 255] }, 3));
  assert.not.equal(one, randomInputs(infos, { float32: [0, 255] }, 4));
  const numbers = [...(one.float32!.data as Float32Array)];
  assert.ok(Math.min(...numbers) >= 0 && Math.max(...numbers) > 100 && Math.max(...numbers) <= 255);
  assert.ok((one.bool!.data as Uint8Array).every((value) => value < 2));
  assert.throws(
    () => randomInputs([{ name: 'x', type: 'int8', shape: [-1] }], {}, 1),
    /inputs cannot be made up/,
  );
});

const face = sharedPath('models/yunet-face/yunet_n_320_320.onnx');
const fastestdet = sharedPath('models/fastestdet/FastestDet.onnx');
if (face && fastestdet) {
  for (const onnx of [face, fastestdet]) {
    test(`verifies ${onnx.split('/').at(-1)}`, async () => {
      const plan = join(folder, 'shared.xnn');
      writeFileSync(plan, (await compileModel({ path: onnx })).bytes);
      const report = await verifyPlan({ onnx, plan, samples: 1 });
      assert.is(report.passed, true, JSON.stringify(report.outputs));
    });
  }
}

test.run();

/** An ONNX model at the command line of a Jetson, with the stand-in for NVIDIA's libraries: an engine is made and kept. */

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { vigie } from '../../support/cli.ts';
import { affineModel, standinFolder } from '../../support/tensorrt-standin.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-model-tensorrt-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const env = { LD_LIBRARY_PATH: standinFolder(), XDG_CACHE_HOME: join(folder, 'cache') };

const put = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const input = put('x.json', '[[1, 2, 3]]');

for (const quantized of [true, false]) {
  test(`run: TensorRT comes first, ${quantized ? 'in int8' : 'in float16 where nothing is quantised'}`, async () => {
    const model = put(`affine-${quantized}.onnx`, affineModel({ quantized }));
    const run = ['model', 'run', model, input, '--profile', 'jetson-orin-nano', '--json'];
    const { code, stdout, stderr } = await vigie(run, env);
    assert.is(code, 0, stdout + stderr);
    const { backend, results, passedOver } = JSON.parse(stdout);
    assert.equal([backend, passedOver], ['tensorrt', []]);
    assert.equal(results[0].outputs.y.data, [3, 5, 7]);
    assert.ok(readdirSync(join(folder, 'cache/vigie/tensorrt')).some((name) => name.endsWith('.engine')));
  });
}

test('bench: measured like the others', async () => {
  const model = put('bench.onnx', affineModel({ quantized: true }));
  const bench = ['model', 'bench', model, '--backend', 'tensorrt', '--seconds', '1', '--json'];
  const { code, stdout } = await vigie([...bench, '--profile', 'jetson-orin-nano'], env);
  assert.is(code, 0, stdout);
  assert.is(JSON.parse(stdout).results[0].backend, 'tensorrt');
});

test.run();

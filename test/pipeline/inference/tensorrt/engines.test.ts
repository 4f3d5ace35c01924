/** Engines on the stand-in: built once, found again, built anew where anything they depend on differs. */

import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../../runtime/core/paths.ts';
import { bytes } from '../../../../runtime/core/units.ts';
import { node } from '../../../support/onnx-writer.ts';
import { affineModel, withFaults } from '../../../support/tensorrt-standin.ts';
import { type Bench, bench, failure, inferred } from './harness.ts';

async function withBench(work: (at: Bench) => Promise<void>, options = {}): Promise<void> {
  const at = bench(options);
  try {
    await work(at);
  } finally {
    at.end();
  }
}

const engineFiles = (at: Bench) =>
  readdirSync(at.cache)
    .filter((name) => name.endsWith('.engine'))
    .map((name) => join(at.cache, name));

test('builds an engine, runs it, and finds it again', () =>
  withBench(async (at) => {
    const session = await at.open();
    assert.equal(session.describe().inputs[0]?.shape, [-1, 3]);
    assert.equal(await inferred(session, [1, 2, 3], [4, 5, 6]), [3, 5, 7, 9, 11, 13]);
    await session.close();
    const again = await at.open();
    assert.equal(await inferred(again, [0, 0, 1]), [1, 1, 3]);
    await again.close();
    assert.is(at.builds(), 1);
    assert.is(engineFiles(at).length, 1);
  }));

test("TensorRT's lines come with their severity, and verbose ones do not come", () =>
  withBench(async (at) => {
    await withFaults({ LOG_LINES: 3 }, async () => (await at.open()).close());
    const levels = at.lines.filter((line) => line.message === 'line 2').map((line) => line.level);
    assert.equal(levels, ['error', 'warn', 'info']);
    assert.ok(at.lines.every((line) => line.message !== 'line 2' || line.event === 'tensorrt.build.line'));
  }));

test('precision, workspace and timings reach the builder', () =>
  withBench(async (at) => {
    await (await at.open({ precision: 'fp16', workspaceBytes: bytes(1 << 20) })).close();
    await (await at.open({ precision: 'fp32' })).close();
    const told = at.lines.map((line) => line.message).filter((text) => text.startsWith('building with'));
    assert.equal(told, [
      'building with workspace 1048576 fp16 timings 0',
      'building with workspace 0 timings 1',
    ]);
  }));

test('another model, precision or batch is another engine', () =>
  withBench(async (at) => {
    await (await at.open()).close();
    await (await at.open({ precision: 'fp16' })).close();
    await (await at.open({ maxBatch: 2 })).close();
    writeFileSync(at.model, affineModel({ scale: 3 }));
    const session = await at.open();
    assert.equal(await inferred(session, [1, 0, 0]), [4, 1, 1]);
    await session.close();
    assert.is(at.builds(), 4);
    assert.is(engineFiles(at).length, 4);
  }));

test('a damaged, cut, empty or foreign engine is built again, never loaded', () =>
  withBench(async (at) => {
    await (await at.open()).close();
    const path = engineFiles(at)[0] as string;
    const good = readFileSync(path);
    const flipped = Buffer.from(good);
    flipped[good.length - 1]! ^= 1;
    const key = good.indexOf('gpu=Stand-in');
    const foreign = Buffer.from(good);
    foreign.write('gpu=Stand-off', key);
    const damages = [
      () => writeFileSync(path, flipped),
      () => truncateSync(path, good.length - 10),
      () => truncateSync(path, 0),
      () => writeFileSync(path, foreign),
      () => writeFileSync(path, Buffer.concat([good, good])),
    ];
    for (const [i, damage] of damages.entries()) {
      damage();
      const session = await at.open();
      assert.equal(await inferred(session, [1, 1, 1]), [3, 3, 3]);
      await session.close();
      assert.is(at.builds(), 2 + i);
      assert.equal(readFileSync(path), good);
    }
  }));

test('an engine that TensorRT itself refuses is built again, once', () =>
  withBench(async (at) => {
    await (await at.open()).close();
    const error = await withFaults({ FAIL: 'deserialize' }, () => failure(at.open()));
    assert.is(error.code, 'bad-model');
    assert.match(error.message, /Magic tag does not match/);
    assert.is(at.builds(), 2);
  }));

test('a failed build says why, leaves no file, and the next one may succeed', () =>
  withBench(async (at) => {
    const fails = async (faults: Record<string, string>, code: string, text: RegExp) => {
      const error = await withFaults(faults, () => failure(at.open()));
      assert.is(error.code, code);
      assert.match(error.message, text);
      assert.equal(engineFiles(at), []);
    };
    await fails({ FAIL: 'parse' }, 'bad-model', /model\.onnx: node 0: Assertion failed/);
    await fails({ FAIL: 'parse-throw' }, 'bad-model', /the parser lost its way/);
    await fails({ FAIL: 'build' }, 'bad-model', /Could not find any implementation/);
    await fails({ FAIL: 'build-memory' }, 'out-of-memory', /OutOfMemory/);
    await fails({ FAIL: 'builder' }, 'backend-unavailable', /builder does not start/);
    await (await at.open()).close();
  }));

test('a node that the parser does not know is named', () =>
  withBench(async (at) => {
    writeFileSync(at.model, affineModel({ more: [node('Nonsense', ['scaled'], ['z'], {}, 'the-bad-one')] }));
    const error = await failure(at.open());
    assert.is(error.code, 'bad-model');
    assert.match(error.message, /node 1: No importer registered for op: Nonsense \(the-bad-one\)/);
  }));

test('what is no ONNX model is refused', () =>
  withBench(async (at) => {
    for (const content of ['', 'not a model', affineModel().subarray(0, 50)]) {
      writeFileSync(at.model, content);
      assert.is((await failure(at.open())).code, 'bad-model');
    }
    assert.is(
      (await failure(at.engines.open('/missing.onnx', { precision: 'fp32', maxBatch: 1 }, async () => 0)))
        .code,
      'bad-model',
    );
  }));

test('int8: a quantised model as it is, any other with samples, none without', () =>
  withBench(async (at) => {
    const refused = await failure(at.open({ precision: 'int8' }));
    assert.is(refused.code, 'bad-argument');
    assert.match(refused.message, /no QuantizeLinear node and no calibration samples/);

    const samples = join(at.folder, 'samples');
    mkdirSync(join(samples, 'x'), { recursive: true });
    const write = (name: string, values: number[]) =>
      writeFileSync(join(samples, 'x', name), Float32Array.from(values));
    write('a.bin', [1, 0, 0]);
    write('b.bin', [2, 0, 0]);
    await (await at.open({ precision: 'int8', calibrationFolder: samples })).close();
    assert.ok(at.lines.some((line) => line.message.startsWith('calibrated with 2 batches, sum 3.0')));
    write('b.bin', [5, 0, 0]);
    await (await at.open({ precision: 'int8', calibrationFolder: samples })).close();
    assert.is(at.builds(), 2, 'other samples are another engine');
    write('b.bin', [5, 0]);
    const error = await failure(at.open({ precision: 'int8', calibrationFolder: samples }));
    assert.match(error.message, /b\.bin has 8 bytes, the input takes 12/);

    writeFileSync(at.model, affineModel({ quantized: true }));
    const session = await at.open({ precision: 'int8' });
    assert.equal(await inferred(session, [0.6, -0.2, 1000]), [2, 1, 128]);
    await session.close();
  }));

test('old engines make room, the newest stays', () =>
  withBench(
    async (at) => {
      await (await at.open({ maxBatch: 1 })).close();
      await (await at.open({ maxBatch: 2 })).close();
      const size = readFileSync(engineFiles(at)[0] as string).length;
      assert.is(engineFiles(at).length, 1, 'a budget of one and a half');
      assert.ok(size > 400 && size < 1000);
      await (await at.open({ maxBatch: 2 })).close();
      assert.is(at.builds(), 2, 'the newest was kept');
    },
    { budget: bytes(700) },
  ));

test('what a killed writer left is removed', () =>
  withBench(async (at) => {
    mkdirSync(at.cache);
    const left = join(at.cache, 'dead.engine.new');
    writeFileSync(left, 'half');
    await (await at.open()).close();
    assert.not.ok(readdirSync(at.cache).includes('dead.engine.new'));
  }));

test('two who want the same engine get one build', () =>
  withBench(async (at) => {
    const sessions = await withFaults({ BUILD_MS: 300 }, () => Promise.all([at.open(), at.open()]));
    assert.is(at.builds(), 1);
    for (const session of sessions) await session.close();
  }));

test('the folder cannot be made', () =>
  withBench(
    async (at) => {
      assert.is((await failure(at.open())).code, 'state-write');
    },
    { folder: join(packageRoot, 'package.json', 'cache') },
  ));

test.run();

/** Detectors and classifiers around sessions of both kinds, with models of the test's own. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClassificationManifest, DetectionManifest } from '../../../ota/bundle/manifest.ts';
import { type LoadedManifest, parseManifest } from '../../../ota/bundle/read-manifest.ts';
import { compileModel } from '../../../ota/model/compile.ts';
import type { Frame } from '../../../runtime/addon/vision.ts';
import { VigieError } from '../../../runtime/core/errors.ts';
import { Classifier, Detector } from '../../../runtime/pipeline/detection/detector.ts';
import { loadSession } from '../../../runtime/pipeline/inference/load-session.ts';
import { constant, info, node, onnxModel } from '../../support/onnx-writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-detector-'));
test.after(() => rmSync(folder, { recursive: true }));

/** 32 x 32 pixels in 4 x 4 cells: objectness is how red a cell is, every box half of the picture wide and high. */
const detectorModel = onnxModel({
  inputs: [info('x', 'float32', [1, 3, 32, 32])],
  outputs: [info('y', 'float32', [1, 6, 4, 4])],
  nodes: [
    node('AveragePool', ['x'], ['mean'], { kernel_shape: [8, 8], strides: [8, 8] }),
    node('Conv', ['mean', 'w', 'b'], ['y']),
  ],
  initializers: [
    constant('w', 'float32', [6, 3, 1, 1], [1, 0, 0, ...new Array(15).fill(0)]),
    constant('b', 'float32', [6], [0, 0, 0, 0, 0, 1]),
  ],
});

/** How red, green and blue a picture is. */
const colourModel = onnxModel({
  inputs: [info('x', 'float32', [1, 3, 32, 32])],
  outputs: [info('y', 'float32', [1, 3, 1, 1])],
  nodes: [node('GlobalAveragePool', ['x'], ['y'])],
});

/** The ONNX file and its plan. */
async function pathsOf(name: string, model: Uint8Array): Promise<string[]> {
  const [onnx, plan] = [join(folder, `${name}.onnx`), join(folder, `${name}.xnn`)];
  writeFileSync(onnx, model);
  writeFileSync(plan, (await compileModel({ path: onnx })).bytes);
  return [onnx, plan];
}

const common = {
  schema: 1,
  name: 'm',
  version: '1.0.0',
  inputs: [{ name: 'x', type: 'float32', shape: [1, 3, 32, 32] }],
  preprocessing: { resize: 'stretch', order: 'rgb', divisor: [255, 255, 255], layout: 'nchw' },
  artifacts: [{ backend: 'onnxruntime', precision: 'float32', path: 'm.onnx', sha256: '0'.repeat(64) }],
};

const loaded = <T extends DetectionManifest | ClassificationManifest>(manifest: object) =>
  ({ manifest: parseManifest(JSON.stringify(manifest), 'm'), folder }) as LoadedManifest<T>;

const detection = {
  ...common,
  task: 'detection',
  outputs: [{ name: 'y', type: 'float32', shape: [1, 6, 4, 4] }],
  decoding: { head: 'fastestdet', output: 'y', stride: 8 },
  thresholds: { score: 0.5, iou: 0.45 },
  labels: ['lamp'],
};

const classification = {
  ...common,
  task: 'classification',
  outputs: [{ name: 'y', type: 'float32', shape: [1, 3, 1, 1] }],
  decoding: { head: 'classification', output: 'y', top: 2 },
  thresholds: { score: 0.1 },
  labels: ['red', 'green', 'blue'],
};

/** Black, 64 x 32, with one cell of the model's grid lit in red. */
function lamp(column: number, row: number): Frame {
  const data = new Uint8Array(64 * 32 * 3);
  for (let y = 8 * row; y < 8 * row + 8; y++) {
    for (let x = 16 * column; x < 16 * column + 16; x++) data[3 * (64 * y + x)] = 255;
  }
  return { format: 'rgb', width: 64, height: 32, data };
}

/** Centre at the upper left corner of the cell, cut at the picture's edges. */
const boxOf = (column: number, row: number) => {
  const [left, top] = [Math.max(16 * column - 16, 0), Math.max(8 * row - 8, 0)];
  return [left, top, 16 * column + 16 - left, 8 * row + 8 - top];
};

const nearly = (box: readonly number[]) => box.map((value) => Math.round(value * 1000) / 1000);

const rejects = async (work: Promise<unknown>, code: string, text = /./) => {
  const error = await work.then(
    () => assert.unreachable('was not rejected'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof VigieError, String(error));
  assert.is(error.code, code);
  assert.match(error.message, text);
};

test('detections are the same with either backend, calls may overlap and keep their order', async () => {
  for (const path of await pathsOf('lamp', detectorModel)) {
    const model = new Detector(await loadSession({ path }), loaded(detection));
    const cells = [0, 1, 2, 3, 1, 2].map((column, i) => [column, i % 4] as const);
    const found = await Promise.all(cells.map(([column, row]) => model.detect(lamp(column, row))));
    found.forEach((detections, i) => {
      assert.is(detections.length, 1, path);
      const { label, index, score, box } = detections[0]!;
      assert.equal([label, index, nearly([score])[0]], ['lamp', 0, 1], path);
      assert.equal(nearly(box), boxOf(...cells[i]!), path);
    });
    await model.close();
  }
});

test('classes are the same with either backend', async () => {
  const data = Uint8Array.from({ length: 5 * 3 * 3 }, (_, i) => [51, 255, 0][i % 3]!);
  for (const path of await pathsOf('colours', colourModel)) {
    const model = new Classifier(await loadSession({ path }), loaded(classification));
    const found = await model.classify({ format: 'rgb', width: 5, height: 3, data });
    assert.equal(
      found.map(({ label, score }) => [label, nearly([score])[0]]),
      [
        ['green', 1],
        ['red', 0.2],
      ],
    );
    await model.close();
  }
});

test('a bad picture is refused and the next one is detected; after close nothing is', async () => {
  for (const path of await pathsOf('lamp', detectorModel)) {
    const model = new Detector(await loadSession({ path }), loaded(detection));
    await rejects(model.detect({ ...lamp(1, 1), height: 33 }), 'bad-argument', /fewer than plane 0/);
    assert.is((await model.detect(lamp(1, 1))).length, 1);
    const last = model.detect(lamp(2, 2));
    await model.close();
    assert.is((await last).length, 1);
    await rejects(model.detect(lamp(1, 1)), 'session-closed');
    await model.close();
  }
});

test('a manifest that is not of the model is refused with what either says', async () => {
  for (const path of await pathsOf('lamp', detectorModel)) {
    const session = await loadSession({ path });
    const refuse = async (change: object, text: RegExp) =>
      await rejects(
        (async () => new Detector(session, loaded({ ...detection, ...change })))(),
        'bad-model',
        text,
      );
    await refuse(
      { outputs: classification.outputs },
      /'y' is float32 \[1, 3, 1, 1\] in the manifest, float32 \[1, 6, 4, 4\]/,
    );
    await refuse(
      { inputs: [{ ...common.inputs[0], name: 'z' }] },
      /names 'z' among its inputs, the model has x/,
    );
    const wrong = new Detector(session, loaded({ ...detection, labels: ['lamp', 'fire'] }));
    await rejects(
      wrong.detect(lamp(0, 0)),
      'bad-model',
      /\[1,6,4,4\] with 96 values: .* expects \[1,7,4,4\]/,
    );
    await wrong.close();
  }
});

test.run();

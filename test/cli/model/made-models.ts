/** Models, manifests and pictures for tests of the command line, small enough to be read. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constant, info, node, onnxModel } from '../../support/onnx-writer.ts';

const SIDE = 8;
const PICTURE = [1, 3, SIDE, SIDE];
export const COLOURS = ['red', 'green', 'blue'];

/** Class scores [1, 3]: how red, green and blue a picture is. */
export const classifier = (pool: 'GlobalAveragePool' | 'GlobalMaxPool' = 'GlobalAveragePool') =>
  onnxModel({
    inputs: [info('x', 'float32', PICTURE)],
    outputs: [info('y', 'float32', [1, 3])],
    nodes: [node(pool, ['x'], ['mean'], {}, 'pool'), node('Reshape', ['mean', 'flat'], ['y'], {}, 'flatten')],
    initializers: [constant('flat', 'int64', [2], [1, 3])],
  });

/** One box in the middle, as YOLOv8 writes it: [1, 4 + 3, 1]. */
export const detector = () =>
  onnxModel({
    inputs: [info('x', 'float32', PICTURE)],
    outputs: [info('y', 'float32', [1, 7, 1])],
    nodes: [
      node('GlobalAveragePool', ['x'], ['mean'], {}, 'pool'),
      node('Reshape', ['mean', 'column'], ['scores'], {}, 'column'),
      node('Concat', ['box', 'scores'], ['y'], { axis: 1 }, 'join'),
    ],
    initializers: [
      constant('column', 'int64', [3], [1, 3, 1]),
      constant('box', 'float32', [1, 4, 1], [SIDE / 2, SIDE / 2, SIDE / 2, SIDE / 4]),
    ],
  });

/** score = sum of a row [N, 3]. */
export const rowSum = () =>
  onnxModel({
    inputs: [info('row', 'float32', ['N', 3])],
    outputs: [info('score', 'float32', ['N', 1])],
    nodes: [node('MatMul', ['row', 'ones'], ['score'], {}, 'sum')],
    initializers: [constant('ones', 'float32', [3, 1], [1, 1, 1])],
  });

/** A node that XNNPACK has nothing for. */
export const unsupported = () =>
  onnxModel({
    inputs: [info('x', 'float32', [1, 4])],
    outputs: [info('y', 'float32', [1, 4])],
    nodes: [node('Relu', ['x'], ['h'], {}, 'first'), node('Erf', ['h'], ['y'], {}, 'the odd one')],
  });

const common = (name: string, output: readonly number[]) => ({
  schema: 1,
  name,
  version: '1.0.0',
  inputs: [{ name: 'x', type: 'float32', shape: PICTURE }],
  outputs: [{ name: 'y', type: 'float32', shape: output }],
  preprocessing: { resize: 'stretch', order: 'rgb', divisor: [255, 255, 255], layout: 'nchw' },
  labels: COLOURS,
  artifacts: [{ backend: 'onnxruntime', precision: 'float32', path: `${name}.onnx`, sha256: '0'.repeat(64) }],
});

export const classifierManifest = {
  ...common('classifier', [1, 3]),
  task: 'classification',
  decoding: { head: 'classification', output: 'y', top: 2 },
  thresholds: { score: 0.1 },
};

export const detectorManifest = {
  ...common('detector', [1, 7, 1]),
  task: 'detection',
  decoding: { head: 'yolov8', output: 'y' },
  thresholds: { score: 0.5, iou: 0.5 },
};

export const rowManifest = {
  schema: 1,
  name: 'rows',
  version: '1.0.0',
  task: 'anomaly',
  inputs: [{ name: 'row', type: 'float32', shape: [-1, 3] }],
  outputs: [{ name: 'score', type: 'float32', shape: [-1, 1] }],
  decoding: { head: 'score', output: 'score' },
  thresholds: { score: 10 },
  artifacts: [{ backend: 'onnxruntime', precision: 'float32', path: 'rows.onnx', sha256: '0'.repeat(64) }],
};

/** A picture of one colour. */
export function ppm(width: number, height: number, colour: readonly [number, number, number]): Buffer {
  const pixels = Buffer.concat(Array.from({ length: width * height }, () => Buffer.from(colour)));
  return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), pixels]);
}

/** Everything of this file in one folder. @returns paths by name. */
export function writeAll(folder: string) {
  const put = (name: string, content: Uint8Array | object): string => {
    const path = join(folder, name);
    writeFileSync(path, content instanceof Uint8Array ? content : JSON.stringify(content));
    return path;
  };
  return {
    classifier: put('classifier.onnx', classifier()),
    classifierManifest: put('classifier.manifest.json', classifierManifest),
    detector: put('detector.onnx', detector()),
    detectorManifest: put('detector.manifest.json', detectorManifest),
    rows: put('rows.onnx', rowSum()),
    rowManifest: put('rows.manifest.json', rowManifest),
    unsupported: put('unsupported.onnx', unsupported()),
    red: put('red.ppm', ppm(32, 16, [255, 0, 0])),
    blue: put('blue.ppm', ppm(16, 16, [0, 0, 204])),
  };
}

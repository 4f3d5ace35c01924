import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Manifest, manifestSchema, type PictureManifest } from '../../../ota/bundle/manifest.ts';
import { anchorsOf, labelsOf, loadManifest, parseManifest } from '../../../ota/bundle/read-manifest.ts';
import { InputError } from '../../../runtime/core/errors.ts';
import { packageRoot } from '../../../runtime/core/paths.ts';

const tensor = (name: string, shape: number[]) => ({ name, type: 'float32', shape });
const artifact = { backend: 'xnnpack', precision: 'int8', path: 'plans/model.xnn', sha256: 'a'.repeat(64) };

const detection = {
  schema: 1,
  name: 'm',
  version: '1.2.3',
  task: 'detection',
  inputs: [tensor('x', [1, 3, 64, 64])],
  outputs: [tensor('o', [1, 84, 8]), tensor('p', [1, 8, 4])],
  preprocessing: { resize: 'stretch', order: 'rgb', layout: 'nchw' },
  decoding: { head: 'yolox', output: 'o', strides: [8] } as object,
  thresholds: { score: 0.5, iou: 0.45 } as object,
  labels: ['a', 'b'] as unknown,
  artifacts: [artifact],
};

const box = { stride: 8, classes: 'o', objectness: 'o', boxes: 'p', landmarks: 'p' };
const HEADS: readonly object[] = [
  { head: 'yolox', output: 'o', strides: [8, 16] },
  { head: 'yolov5', output: 'o', activation: 'sigmoid', most: 7 },
  { head: 'yolov8', output: 'o', nms: 'class-agnostic' },
  { head: 'nanodet', output: 'o', strides: [8], bins: 8 },
  { head: 'fastestdet', output: 'o', stride: 16 },
  { head: 'ssd', boxes: 'p', scores: 'o', anchors: [[0.5, 0.5, 1, 1]], activation: 'softmax' },
  { head: 'yunet', levels: [box] },
];

const MANIFESTS: readonly object[] = [
  ...HEADS.map((decoding) => ({ ...detection, decoding })),
  {
    ...detection,
    task: 'classification',
    inputs: [tensor('x', [-1, 64, 64, 3])],
    preprocessing: { ...detection.preprocessing, layout: 'nhwc', mean: [1, 2, 3], filter: 'area' },
    decoding: { head: 'classification', output: 'p' },
    thresholds: { score: 0 },
    labels: { count: 32 },
  },
  {
    ...detection,
    task: 'anomaly',
    inputs: [tensor('x', [-1, 38])],
    preprocessing: undefined,
    decoding: { head: 'score', output: 'p' },
    thresholds: { score: -3 },
    labels: undefined,
  },
];

/** As a file holds it: without what is undefined. */
const text = (manifest: object) => JSON.stringify(manifest);

test('the reader of the node gives what the schema gives, defaults included', () => {
  for (const manifest of MANIFESTS) {
    const checked = manifestSchema.parse(JSON.parse(text(manifest)));
    assert.equal(parseManifest(text(manifest), 'm'), checked);
  }
});

test('the examples are what the schema takes, with a name for each class', () => {
  const paths = globSync('examples/models/*.manifest.json', { cwd: packageRoot });
  assert.is(paths.length, 5);
  for (const path of paths) {
    const loaded = loadManifest(join(packageRoot, path));
    assert.equal(
      manifestSchema.parse(JSON.parse(readFileSync(join(packageRoot, path), 'utf8'))),
      loaded.manifest,
    );
    const { outputs, decoding } = loaded.manifest;
    const width = outputs.find(({ name }) => 'output' in decoding && name === decoding.output)?.shape;
    const labels = labelsOf(loaded as { manifest: PictureManifest; folder: string });
    if (decoding.head === 'yolox') assert.is(labels.length + 5, width?.at(-1));
    if (decoding.head === 'classification') assert.is(labels.length, width?.at(-1));
  }
});

const problems = (manifest: object) =>
  manifestSchema
    .safeParse(manifest)
    .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

test('the schema names what is wrong and where', () => {
  const wrong = (change: object, expected: RegExp) =>
    assert.match(problems({ ...detection, ...change }).join('\n'), expected);
  wrong({ lables: [] }, /Unrecognized key: "lables"/);
  wrong({ version: '1' }, /version: expected three numbers/);
  wrong(
    { decoding: { head: 'yolox', output: 'q', strides: [8] } },
    /decoding: 'q' is none of the outputs: o, p/,
  );
  wrong({ decoding: { head: 'yolox', output: 'o', strides: [8], bins: 8 } }, /Unrecognized key: "bins"/);
  wrong({ inputs: [tensor('x', [1, 64, 64, 3])] }, /inputs: expected one picture as \[1, 3, height, width\]/);
  wrong({ inputs: [tensor('x', [1, 3, -1, 64])] }, /inputs: expected one picture/);
  wrong({ preprocessing: { ...detection.preprocessing, divisor: [1, 0, 1] } }, /divisor: a divisor is 0/);
  wrong({ thresholds: { score: 0, iou: 0.5 } }, /thresholds.score/);
  for (const path of ['/etc/passwd', '../model.onnx', 'a/../../b', 'a//b', '', '.', 'a/./b']) {
    wrong({ artifacts: [{ ...artifact, path }] }, /artifacts.0.path: expected a path below/);
  }
});

const invalid = (work: () => unknown, expected: RegExp, code = 'manifest-invalid') =>
  assert.throws(
    work,
    (error: unknown) => error instanceof InputError && error.code === code && expected.test(error.message),
  );

test('the reader of the node refuses what is no manifest', () => {
  const wrong = (change: object, expected: RegExp, code?: string) =>
    invalid(() => parseManifest(text({ ...detection, ...change }), 'm.json'), expected, code);
  invalid(() => parseManifest('{', 'm.json'), /m.json is not JSON/);
  invalid(() => parseManifest('[]', 'm.json'), /the manifest: expected an object/);
  wrong({ schema: 2 }, /schema 2 is newer/, 'manifest-newer');
  wrong({ schema: '1' }, /schema: expected 1/);
  wrong({ name: 7 }, /name: expected a text/);
  wrong({ outputs: [] }, /outputs: expected a list/);
  wrong({ inputs: [{ name: 'x', type: 'float32', shape: ['a'] }] }, /shape of x/);
  wrong({ task: 'toString' }, /task: expected one of detection, classification, anomaly/);
  wrong({ decoding: { head: 'classification' } }, /decoding.head: expected one of yolox, /);
  for (const labels of [undefined, null, 'a', 5, [5], {}, { count: 1.5 }])
    wrong({ labels }, /labels: expected/);
  wrong({ decoding: { head: 'yunet', levels: 5 } }, /decoding.levels: expected a list/);
  wrong({ decoding: { head: 'yunet', levels: [5] } }, /decoding.levels: expected an object/);
  wrong({ artifacts: [{ ...artifact, path: '../x' }] }, /'..\/x' is no path below/);
  invalid(() => loadManifest('/no/such/manifest.json'), /does not exist/);
});

test('no JSON brings the reader to anything but its errors', () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(detection)), fc.jsonValue(), (key, value) => {
      try {
        parseManifest(text({ ...detection, [key]: value }), 'm.json');
      } catch (error) {
        assert.match((error as InputError).code, /^manifest-(invalid|newer)$/);
      }
    }),
    { numRuns: 500, seed: 2 },
  );
});

test('labels and anchors come from the manifest or from files beside it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-manifest-'));
  try {
    writeFileSync(join(folder, 'names.txt'), 'person\r\ntraffic light\n\n');
    writeFileSync(join(folder, 'anchors.json'), '[[0.5, 0.5, 1, 1], [0, 0, 1, 2]]');
    const labels = (value: unknown) =>
      labelsOf({ manifest: { ...detection, labels: value } as Manifest as PictureManifest, folder });
    assert.equal(labels(['a', 'b']), ['a', 'b']);
    assert.equal(labels({ count: 2 }), ['class 0', 'class 1']);
    assert.equal(labels({ path: 'names.txt' }), ['person', 'traffic light']);
    invalid(() => labels({ path: '../names.txt' }), /no path below/);
    invalid(() => labels({ path: 'none.txt' }), /does not exist/);
    assert.equal([...anchorsOf({ path: 'anchors.json' }, folder)], [0.5, 0.5, 1, 1, 0, 0, 1, 2]);
    assert.equal([...anchorsOf([[1, 2, 3, 4]], folder)], [1, 2, 3, 4]);
    invalid(() => anchorsOf({ path: 'names.txt' }, folder), /not JSON/);
    writeFileSync(join(folder, 'anchors.json'), '[[0.5, 0.5, 1]]');
    invalid(() => anchorsOf({ path: 'anchors.json' }, folder), /four numbers/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();

/** Which files of a model may take each other's place, and what a node needs of a bundle for them. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type DetectionManifest, manifestSchema } from '../../../ota/bundle/manifest.ts';
import { parseManifest, smallerOf } from '../../../ota/bundle/read-manifest.ts';
import { contentPaths } from '../../../ota/publish/bundle/built.ts';
import { InputError } from '../../../runtime/core/errors.ts';
import { unavailableBackends } from '../../../runtime/pipeline/inference/choose-backend.ts';
import { Models } from '../../../runtime/pipeline/models/models.ts';
import { variantsOf } from '../../../runtime/pipeline/models/variants.ts';
import { bundleOf, removeBundles } from '../../support/bundles.ts';
import { testSpine } from '../../support/spine.ts';

test.after(removeBundles);

const picture = (side: number) => [{ name: 'x', type: 'float32', shape: [1, 3, side, side] }];
const grid = [{ name: 'y', type: 'float32', shape: [1, 6, 4, 4] }];
const file = (backend: string, precision: string, path: string) => ({
  ...{ backend, precision, path, sha256: 'a'.repeat(64) },
});
const SMALL = {
  name: 'small',
  inputs: picture(16),
  outputs: grid,
  decoding: { head: 'fastestdet', output: 'y', stride: 4 },
  artifacts: [file('xnnpack', 'int8', 'small-i8.xnn'), file('onnxruntime', 'float32', 'small.onnx')],
};
const MANIFEST = {
  schema: 1,
  name: 'lamp',
  version: '1.0.0',
  task: 'detection',
  inputs: picture(32),
  outputs: grid,
  preprocessing: { resize: 'stretch', order: 'rgb', layout: 'nchw' },
  decoding: { head: 'fastestdet', output: 'y', stride: 8 },
  thresholds: { score: 0.5, iou: 0.45 },
  labels: ['lamp'],
  artifacts: [
    file('xnnpack', 'int8', 'lamp-i8.xnn'),
    file('xnnpack', 'float32', 'lamp.xnn'),
    file('onnxruntime', 'float32', 'lamp.onnx'),
  ],
  variants: [SMALL],
};
const parsed = (change: object = {}) => parseManifest(JSON.stringify({ ...MANIFEST, ...change }), 'here');
const names = (backend: string, precision: string, change?: object) =>
  variantsOf(parsed(change), backend, precision).map(({ name, artifact }) => `${name}: ${artifact.path}`);

test('the precision of the machine comes first, then faster ones, then smaller models', () => {
  assert.equal(names('xnnpack', 'float32'), [
    'float32: lamp.xnn',
    'int8: lamp-i8.xnn',
    'small int8: small-i8.xnn',
  ]);
  assert.equal(names('xnnpack', 'int8'), ['int8: lamp-i8.xnn', 'small int8: small-i8.xnn']);
  assert.equal(names('onnxruntime', 'int8'), ['float32: lamp.onnx', 'small float32: small.onnx']);
  assert.equal(names('tensorrt', 'float32'), [], 'a smaller model alone is none');
  assert.equal(names('xnnpack', 'float32', { variants: undefined }), [
    'float32: lamp.xnn',
    'int8: lamp-i8.xnn',
  ]);
});

test('a smaller model has what it says itself, and the rest of the model', () => {
  const [small] = smallerOf(parsed());
  const { inputs, decoding, thresholds, preprocessing, labels, version } = small!.manifest;
  assert.equal([inputs[0]!.shape[2], (decoding as { stride: number }).stride], [16, 4]);
  assert.equal([thresholds.score, preprocessing.pad, labels, version], [0.5, 114, ['lamp'], '1.0.0']);
  const checked = manifestSchema.parse(MANIFEST) as DetectionManifest;
  assert.equal(smallerOf(checked)[0]!.manifest.decoding.most, 100);
  assert.equal(contentPaths(checked).sort(), [
    'lamp-i8.xnn',
    'lamp.onnx',
    'lamp.xnn',
    'small-i8.xnn',
    'small.onnx',
  ]);
});

test('what is wrong with a smaller model is said, on the node and on the workstation', () => {
  for (const [change, text] of [
    [{ variants: {} }, /variants: expected a list/],
    [{ variants: [SMALL, SMALL, SMALL, SMALL, SMALL] }, /at most 4/],
    [{ variants: [{ ...SMALL, artifacts: undefined }] }, /variants\[0\]: artifacts is missing/],
    [{ variants: [{ ...SMALL, artifacts: [{ path: '../x' }] }] }, /variants\[0\].*no path below/],
    [{ variants: [{ ...SMALL, decoding: { head: 'none' } }] }, /decoding.head: expected one of/],
  ] as const) {
    assert.throws(
      () => parsed(change),
      (error: unknown) => error instanceof InputError && text.test(error.message),
    );
    assert.not(manifestSchema.safeParse({ ...MANIFEST, ...change }).success);
  }
  const elsewhere = { ...SMALL, outputs: [{ ...grid[0], name: 'z' }] };
  const { error } = manifestSchema.safeParse({ ...MANIFEST, variants: [elsewhere] });
  assert.equal(error?.issues[0]?.path, ['variants', 0, 'decoding']);
});

test('a node needs the variants that it may run, and no others', async () => {
  const machine = { backends: ['xnnpack'], precision: 'float32', session: {} } as const;
  const models = new Models({ machine: () => machine, unavailable: unavailableBackends, ...testSpine() });
  const paths = contentPaths(manifestSchema.parse(MANIFEST));
  const bundle = bundleOf({
    files: Object.fromEntries(paths.map((path) => [path, Buffer.from(path)])),
    manifest: MANIFEST,
  });
  const { needs, variants, artifact } = models.choose(bundle);
  assert.is(artifact, 'lamp.xnn');
  assert.is(variants.length, 3);
  const kept = needs.filter((path) => path.endsWith('.xnn') || path.endsWith('.onnx'));
  // `bundleOf` puts a file of its own into every bundle.
  assert.equal(kept.filter((path) => path !== 'model.onnx').sort(), [
    'lamp-i8.xnn',
    'lamp.xnn',
    'small-i8.xnn',
  ]);
});

test.run();

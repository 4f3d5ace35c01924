/** A model of a bundle as a detector: rows and windows, silence, releases that come and go, failures. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tag } from '../../../runtime/core/messages.ts';
import { millis } from '../../../runtime/core/units.ts';
import { BundleModelDetector, checkBundleModel } from '../../../runtime/pipeline/anomaly/bundle-model.ts';
import { layoutOf, RowWindow } from '../../../runtime/pipeline/anomaly/model-input.ts';
import { Models } from '../../../runtime/pipeline/models/models.ts';
import { encodeModel } from '../../addon/onnx-builder.ts';
import { bundleOf, removeBundles, scoreOnnx } from '../../support/bundles.ts';
import { rejects } from '../../support/rejects.ts';
import { testSpine } from '../../support/spine.ts';

test.after(removeBundles);
const tag = (name: string, index: number): Tag => ({
  name,
  index,
  source: 's',
  group: 'g',
  kind: 'value',
  unit: '',
  period: millis(1000),
  deadband: 0,
});
const COLUMNS = ['b', 'extra', 'a'].map(tag);
const CONFIG = { name: 'learned', group: 'g', bundle: 'score', inputs: ['a', 'b'] };
const machine = { backends: ['onnxruntime'], precision: 'float32', session: {} } as const;

function made(columns = COLUMNS) {
  const models = new Models({ machine: () => machine, unavailable: async () => new Map(), ...testSpine() });
  const slot = models.slot('score');
  let skipped = 0;
  const detector = new BundleModelDetector(CONFIG, slot, columns, () => {
    skipped += 1;
  }).useUnfitted();
  const settled = async () => {
    await slot.infer({}).catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { models, slot, detector, settled, skipped: () => skipped };
}

test('it is silent until a release serves, then one row behind, and takes inputs by name', async () => {
  const { models, detector, settled } = made();
  assert.ok(Number.isNaN(detector.step(Float64Array.of(1, 0, 2))));
  await models.serve(bundleOf({ threshold: 10 }));
  assert.ok(Number.isNaN(detector.step(Float64Array.of(2, 99, 3))), 'the first answer is on its way');
  await settled();
  assert.is(detector.step(Float64Array.of(20, 99, 30)), 0, '5 is what it usually says');
  await settled();
  const score = detector.step(Float64Array.of(2, 99, 3));
  assert.ok(score >= 1, `50 against a limit of 10: ${score}`);
  await models.stop();
});

test('a missing value gives no score, and no error', async () => {
  const { models, detector, settled } = made();
  await models.serve(bundleOf());
  detector.step(Float64Array.of(Number.NaN, 0, 1));
  await settled();
  assert.ok(Number.isNaN(detector.step(Float64Array.of(Number.NaN, 0, 1))));
  assert.is(models.measures('score')!.errors, 1, 'the empty call of this test alone');
  await models.stop();
});

test('trees take missing values and explain by tag', async () => {
  const { models, detector, settled } = made();
  const manifest = {
    outputs: [{ name: 'sum', type: 'float32', shape: [-1, 1] }],
    decoding: { head: 'score', output: 'sum' },
  };
  await models.serve(bundleOf({ model: encodeModel(), manifest, threshold: 150 }));
  detector.step(Float64Array.of(Number.NaN, 0, 0));
  await settled();
  assert.not(Number.isNaN(detector.step(Float64Array.of(9, 0, 9))));
  const parts = new Float64Array(3);
  detector.explain(parts);
  assert.ok(parts[0] !== 0 && parts[1] === 0);
  await models.stop();
});

test('a score that is no number is an error of the model', async () => {
  const { models, detector, settled } = made();
  await models.serve(bundleOf({ model: scoreOnnx(2, Number.NaN) }));
  detector.step(Float64Array.of(1, 0, 2));
  await settled();
  assert.throws(() => detector.step(Float64Array.of(1, 0, 2)), /score/);
  assert.ok(models.measures('score')!.errors >= 1);
  await models.stop();
});

test('another release begins with no score of the one before; none at all is silence again', async () => {
  const { models, detector, settled } = made();
  await models.serve(bundleOf({ release: 1 }));
  detector.step(Float64Array.of(1, 0, 2));
  await settled();
  assert.is(detector.step(Float64Array.of(1, 0, 2)), 0);
  await settled();
  await models.serve(bundleOf({ release: 2 }));
  assert.ok(Number.isNaN(detector.step(Float64Array.of(1, 0, 2))));
  await settled();
  assert.is(detector.step(Float64Array.of(1, 0, 2)), 0);
  await settled();
  await models.idle('score', 'none is good');
  assert.ok(Number.isNaN(detector.step(Float64Array.of(1, 0, 2))));
  await models.stop();
});

test('a release of another task or shape is refused before it serves', async () => {
  const { models, slot } = made();
  slot.require((model) => checkBundleModel(CONFIG, model));
  await rejects(models.serve(bundleOf({ model: scoreOnnx(3), inputShape: [1, 3] })), 'model-inputs');
  await models.serve(bundleOf({ release: 2 }));
  assert.is(slot.serving?.release, 2);
  await models.stop();
});

test('the shape of the input says what it wants to see', () => {
  const rows = (...shape: number[]) => {
    const { rows: count, tagsFirst } = layoutOf('m', [{ name: 'x', type: 'float32', shape }], 3);
    return [count, tagsFirst];
  };
  assert.equal(rows(3), [1, false]);
  assert.equal(rows(-1, 3), [1, false]);
  assert.equal(rows(1, 12), [4, false]);
  assert.equal(rows(1, 5, 3), [5, false]);
  assert.equal(rows(-1, 3, 5), [5, true]);
  assert.equal(rows(5, 3), [5, false]);
  assert.equal(rows(1, 3, 3), [3, false]);
  for (const shape of [[4], [1, 2, 2], [1, -1, 3], [], [1, 3, 3, 3], [-1]])
    assert.throws(() => rows(...shape), /does not fit/, JSON.stringify(shape));
  assert.throws(() => layoutOf('m', [], 3), /0 inputs/);
  assert.throws(() => layoutOf('m', [{ name: 'x', type: 'int8', shape: [3] }], 3), /int8/);
});

test('a window holds the last rows, in both orders, and grows with the model', () => {
  const window = new RowWindow(2);
  for (const row of [
    [1, 2],
    [3, 4],
  ])
    window.push(Float64Array.from(row));
  const layout = (tagsFirst: boolean) =>
    ({ name: 'x', type: 'float64', shape: [1, 3, 2], rows: 3, tagsFirst }) as const;
  window.reserve(3);
  assert.is(window.tensor(layout(false), false), undefined, 'too few yet');
  for (const row of [
    [5, 6],
    [7, 8],
    [9, Number.NaN],
  ])
    window.push(Float64Array.from(row));
  assert.is(window.tensor(layout(false), false), undefined, 'one is missing');
  assert.equal([...window.tensor(layout(false), true)!.data], [5, 6, 7, 8, 9, Number.NaN]);
  assert.equal([...window.tensor(layout(true), true)!.data], [5, 7, 9, 6, 8, Number.NaN]);
  const other = new RowWindow(2);
  other.copy(window);
  assert.equal([...other.tensor(layout(false), true)!.data], [5, 6, 7, 8, 9, Number.NaN]);
});

test('the fit is kept and taken back', () => {
  const { slot } = made();
  const first = new BundleModelDetector(CONFIG, slot, COLUMNS);
  assert.not(first.ready);
  const data = Float64Array.of(1, 0, 10, 3, 0, 10);
  first.fit({ count: 2, width: 3, data, mono: Float64Array.of(0, 1) });
  const second = new BundleModelDetector(CONFIG, slot, COLUMNS);
  second.load(JSON.parse(JSON.stringify(first.save())));
  assert.ok(first.ready && second.ready);
});

test.run();

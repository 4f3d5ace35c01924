/** Slots of models: switching under load, refusing what does not fit, measuring. */

import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ModelError } from '../../../runtime/core/errors.ts';
import { unavailableBackends } from '../../../runtime/pipeline/inference/choose-backend.ts';
import type { Tensors } from '../../../runtime/pipeline/inference/session.ts';
import { Models } from '../../../runtime/pipeline/models/models.ts';
import type { ModelMachine } from '../../../runtime/pipeline/models/open-bundle.ts';
import { encodeModel } from '../../addon/onnx-builder.ts';
import { bundleOf, removeBundles, scoreOnnx } from '../../support/bundles.ts';
import { rejects } from '../../support/rejects.ts';
import { testSpine } from '../../support/spine.ts';
import { addPlan } from '../../support/tiny-models.ts';

test.after(removeBundles);
const MACHINE: ModelMachine = {
  backends: ['xnnpack', 'onnxruntime'],
  precision: 'float32',
  session: { threads: 1 },
};

async function models(machine: ModelMachine = MACHINE): Promise<Models & AsyncDisposable> {
  const made = new Models({ machine: () => machine, unavailable: unavailableBackends, ...testSpine() });
  await made.start();
  return Object.assign(made, { [Symbol.asyncDispose]: () => made.stop() });
}

const row = (...values: number[]): Tensors => ({
  x: { type: 'float32', shape: [1, values.length], data: Float32Array.from(values) },
});
const scoreOf = (outputs: Tensors) => Number(outputs.score!.data[0]);

test('the artifact is the first of the machine that the bundle has; all else but artifacts is needed too', async () => {
  await using own = await models();
  const both = bundleOf({
    files: { 'model.xnn': addPlan(), 'labels.txt': Buffer.from('a') },
    artifacts: [
      { backend: 'onnxruntime', precision: 'float32', path: 'model.onnx' },
      { backend: 'xnnpack', precision: 'float32', path: 'model.xnn' },
    ],
  });
  const choice = own.choose(both);
  assert.equal([choice.backend, choice.artifact], ['xnnpack', 'model.xnn']);
  assert.equal([...choice.needs].sort(), ['labels.txt', 'manifest.json', 'model.xnn']);
  await using tensorrt = await models({ ...MACHINE, backends: ['tensorrt'] });
  assert.throws(
    () => tensorrt.choose(both),
    (error: ModelError) => error.code === 'bundle-no-backend',
  );
});

test('another release takes over between two calls: none is lost, none waits', async () => {
  await using own = await models();
  const slot = own.slot('score');
  await rejects(slot.infer(row(1, 2)), 'model-absent');
  await own.serve(bundleOf({ release: 1 }));
  assert.is(scoreOf(await slot.infer(row(1, 2))), 3);

  const seen: number[] = [];
  let done = false;
  const caller = (async () => {
    while (!done) seen.push(scoreOf(await slot.infer(row(1, 2))));
  })();
  await sleep(20);
  const { switchMs } = await own.serve(bundleOf({ release: 2, model: scoreOnnx(2, 10) }));
  await sleep(20);
  done = true;
  await caller;
  assert.ok(switchMs > 0);
  assert.equal([...new Set(seen)], [3, 30], 'first all of one release, then all of the other');
  assert.is(slot.serving?.release, 2);
});

test('calls of the replaced release end before it is closed', async () => {
  await using own = await models();
  const slot = own.slot('score');
  await own.serve(bundleOf({ release: 1 }));
  const calls = Array.from({ length: 6 }, () => slot.infer(row(1, 1)));
  await own.serve(bundleOf({ release: 2, model: scoreOnnx(2, 2) }));
  const results = await Promise.all(calls);
  assert.equal(results.map(scoreOf), Array(6).fill(2));
});

test('a release that does not load, or does not fit who uses it, leaves the one before in place', async () => {
  await using own = await models();
  const slot = own.slot('score');
  await own.serve(bundleOf({ release: 1 }));
  await rejects(own.serve(bundleOf({ release: 2, model: Buffer.from('no model') })), 'no-backend');
  const release = slot.require(() => {
    throw new ModelError('model-inputs', 'three tags');
  });
  await rejects(own.serve(bundleOf({ release: 3 })), 'model-inputs');
  release();
  const renamed = { outputs: [{ name: 'other', type: 'float32', shape: [1, 1] }] };
  await rejects(own.serve(bundleOf({ release: 4, manifest: renamed })), 'model-outputs');
  assert.is(slot.serving?.release, 1);
  assert.is(scoreOf(await slot.infer(row(2, 2))), 4);
});

test('what serves is measured from its own start: errors, latency, and how its scores moved', async () => {
  await using own = await models();
  const slot = own.slot('score');
  assert.is(own.measures('score'), undefined);
  await own.serve(bundleOf({ release: 1 }));
  for (let i = 0; i < 60; i++) {
    await slot.infer(row(i, 0));
    slot.serving!.measures.scored(i);
  }
  await rejects(slot.infer(row(1, 2, 3)), 'bad-argument');
  const first = own.measures('score')!;
  assert.equal([first.inferences, first.errors, first.outputShift], [61, 1, undefined]);
  assert.ok(first.latencyP95! > 0 && first.rate > 0 && first.rss > 1e6);

  await own.serve(bundleOf({ release: 2 }));
  assert.is(own.measures('score')!.inferences, 0);
  for (let i = 0; i < 60; i++) slot.serving!.measures.scored(i);
  assert.is(own.measures('score')!.outputShift, 0, 'the same scores');
  await own.serve(bundleOf({ release: 3 }));
  for (let i = 0; i < 60; i++) slot.serving!.measures.scored(1000 + i);
  assert.is(own.measures('score')!.outputShift, 1, 'others altogether');

  const reference = own.reference('score');
  assert.equal(own.reference('nobody'), {});
  await own.serve(bundleOf({ release: 4 }));
  // As after a restart: what served before is not known from its serving.
  await using fresh = await models();
  await fresh.serve(bundleOf({ release: 4 }), JSON.parse(JSON.stringify(reference)));
  for (let i = 0; i < 60; i++) {
    slot.serving!.measures.scored(1030 + i);
    fresh.slot('score').serving!.measures.scored(1030 + i);
  }
  const shift = own.measures('score')!.outputShift!;
  assert.ok(shift > 0.4 && shift < 0.6, `${shift}`);
  assert.is(fresh.measures('score')!.outputShift, shift, 'held against the same');

  await own.idle('score', 'no release is good');
  assert.is(own.measures('score'), undefined);
  assert.equal([own.status().score!.state, own.status().score!.detail], ['empty', 'no release is good']);
});

test('trees run in the addon, with the names of the ONNX file', async () => {
  await using own = await models();
  const manifest = {
    outputs: [{ name: 'sum', type: 'float32', shape: [-1, 1] }],
    decoding: { head: 'score', output: 'sum' },
  };
  const trees = bundleOf({ model: encodeModel(), manifest });
  await own.serve(trees).catch((error) => assert.unreachable(error.stack));
  const { session } = own.slot('score').serving!;
  assert.is(session.constructor.name, 'TreeSession');
});

test.run();

/** The bundles of examples/ota that docs/ota.md pushes: whole, and bad in just the way that it says. */

import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { verifyBuilt } from '../../../ota/publish/bundle/built.ts';
import { runVectors } from '../../../ota/publish/bundle/golden.ts';
import { packageRoot } from '../../../runtime/core/paths.ts';
import { rejection } from '../../support/thrown.ts';

const example = (name: string) => join(packageRoot, 'examples/ota', name);

test('one expects other answers than its model gives', async () => {
  const built = await verifyBuilt(example('wrong-answer'));
  assert.equal([built.bundle.name, built.bundle.release], ['pump-score', 5]);
  assert.is((await rejection(runVectors(built))).code, 'ota-vectors-differ');
});

test('one has a model that is cut off in the middle, and no golden vectors that would say so', async () => {
  const built = await verifyBuilt(example('does-not-load'));
  assert.equal(
    [built.bundle.name, built.bundle.release, built.bundle.selftest],
    ['pump-score', 6, undefined],
  );
  const { loadSession } = await import('../../../runtime/pipeline/inference/load-session.ts');
  const { sha256 } = built.bundle.files.find(({ path }) => path === 'model.onnx')!;
  const load = loadSession({ path: built.blob(sha256), backend: 'onnxruntime' }, { threads: 1 });
  assert.is((await rejection(load)).code, 'bad-model');
});

test.run();

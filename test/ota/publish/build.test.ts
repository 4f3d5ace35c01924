/** Building bundles: what goes in, what is refused, deltas, golden vectors of every artifact; and tuf-js reads what we publish. */

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Manifest } from '../../../ota/bundle/manifest.ts';
import { type BuildOptions, buildBundle, bundleBytes } from '../../../ota/publish/bundle/build.ts';
import { verifyBuilt } from '../../../ota/publish/bundle/built.ts';
import { goldenVectors, runVectors } from '../../../ota/publish/bundle/golden.ts';
import { epochMillis } from '../../../runtime/core/units.ts';
import { scoreModel, TEST_HEALTH, TestRepository } from '../../support/ota-repository.ts';
import { rejection } from '../../support/thrown.ts';
import { addPlan } from '../../support/tiny-models.ts';

let repository: TestRepository;
let folder: string;
test.before(async () => {
  repository = await TestRepository.make({ now: epochMillis(Date.now()) });
  folder = join(repository.directory, 'models');
  mkdirSync(folder);
});
test.after(() => repository.remove());

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
type Artifact = Manifest['artifacts'][number];

function artifact(path: string, bytes: Uint8Array, more: Partial<Artifact> = {}): Artifact {
  writeFileSync(join(folder, path), bytes);
  return { backend: 'onnxruntime', precision: 'float32', path, sha256: sha256(bytes), ...more };
}

let built = 0;
function build(artifacts: readonly Artifact[], more: Partial<BuildOptions> = {}) {
  const manifest = {
    ...{ schema: 1, name: 'score', version: '1.0.0', task: 'anomaly', artifacts: [...artifacts] },
    inputs: [{ name: 'x', type: 'float32', shape: [1, 4] }],
    outputs: [{ name: 'score', type: 'float32', shape: [1, 1] }],
    ...{ decoding: { head: 'score', output: 'score' }, thresholds: { score: 3 } },
  } as Manifest;
  const skipped: string[] = [];
  const report = buildBundle({
    ...{ manifest, manifestBytes: Buffer.from(JSON.stringify(manifest)), folder, release: 1, requires: {} },
    ...{ health: TEST_HEALTH, attempts: 3, deltaFrom: [] },
    output: join(repository.directory, `built-${built++}`),
    selftest: {
      tolerance: 0.02,
      vectors: (at) =>
        goldenVectors({
          ...{ manifest, artifact: at, samples: 2, tolerance: 0.02 },
          onSkipped: (path) => void skipped.push(path),
        }),
    },
    ...{ onBytes: () => undefined, onStep: () => undefined },
    ...more,
  });
  return { report, skipped };
}

test('every artifact that runs here is held to the golden vectors; TensorRT’s is named as not compared', async () => {
  const good = artifact('a.onnx', scoreModel(1));
  const near = artifact('b.onnx', scoreModel(1.001), { precision: 'int8' });
  const { report, skipped } = build([near, good, { ...near, backend: 'tensorrt' }]);
  const { directory } = await report;
  assert.equal(skipped, ['b.onnx']);
  const ran = await runVectors(await verifyBuilt(directory));
  assert.equal(
    ran.map(({ backend, why }) => [backend, why !== undefined]),
    [
      ['onnxruntime', false],
      ['onnxruntime', false],
      ['tensorrt', true],
    ],
  );
  const far = artifact('c.onnx', scoreModel(9), { precision: 'int8' });
  const error = await rejection(build([good, far]).report);
  assert.is(error.code, 'ota-vectors-differ');
  assert.match(
    error.message,
    /c\.onnx answers otherwise than a\.onnx does: case 0, output 'score': element 0/,
  );
});

test('a file that is not the one in the manifest, is absent, or has a name that bundles do not know', async () => {
  const good = artifact('a.onnx', scoreModel(1));
  const other = { ...good, sha256: 'ab'.repeat(32) };
  assert.is((await rejection(build([other]).report)).code, 'ota-mismatch');
  assert.is((await rejection(build([{ ...good, path: 'absent.onnx' }]).report)).code, 'ota-file-unreadable');
  assert.is((await rejection(build([artifact('_a.onnx', scoreModel(1))]).report)).code, 'ota-path');
  assert.is(
    (await rejection(build([artifact('empty.onnx', new Uint8Array())]).report)).code,
    'ota-file-length',
  );
});

test('without an ONNX model nobody can say what is right', async () => {
  const plan = artifact('a.xnn', addPlan(), { backend: 'xnnpack' });
  assert.is((await rejection(build([plan]).report)).code, 'ota-no-reference');
});

test('a delta from the release before, where it is worth it', async () => {
  const before = await build([artifact('m.onnx', scoreModel(1, 200_000))]).report;
  // Of another name, as models often are: for the same backend in the same precision.
  const next = await build([artifact('m2.onnx', scoreModel(1.0001, 200_000))], {
    release: 2,
    deltaFrom: [before.directory],
  }).report;
  const [delta] = next.bundle.deltas;
  assert.is(next.bundle.deltas.length, 1);
  assert.is(delta!.from, before.bundle.files.find(({ path }) => path === 'm.onnx')?.sha256);
  const model = next.bundle.files.find(({ path }) => path === 'm2.onnx')!;
  assert.ok(delta!.length < model.length * 0.9, `${delta!.length} of ${model.length}`);
  await verifyBuilt(next.directory);
  rmSync(next.blob(delta!.blocks));
  assert.is((await rejection(verifyBuilt(next.directory))).code, 'ota-mismatch');
});

test('a manifest that names what the bundle does not list, or another model, is found before it is signed', async () => {
  const { directory, bundle } = await build([artifact('a.onnx', scoreModel(1))]).report;
  const path = join(directory, 'bundle.json');
  for (const other of [
    { ...bundle, name: 'other' },
    { ...bundle, files: bundle.files.filter((file) => file.path !== 'a.onnx') },
  ]) {
    writeFileSync(path, bundleBytes(other));
    assert.is((await rejection(verifyBuilt(directory))).code, 'ota-mismatch');
  }
});

test('tuf-js, which knows nothing of ours, finds bundle and assignment in what we publish', async () => {
  const { digest } = await repository.add();
  repository.assign('default', [{ release: 1 }]);
  await repository.publish();
  const { Updater } = await import('tuf-js');
  const { DownloadHTTPError } = await import('tuf-js/dist/error.js');
  const metadataDir = join(repository.directory, 'tuf-js');
  mkdirSync(metadataDir);
  writeFileSync(join(metadataDir, 'root.json'), repository.factoryRoot);
  const read = (url: string) => {
    try {
      return readFileSync(join(repository.public, new URL(url).pathname.slice(1)));
    } catch {
      throw new DownloadHTTPError('not found', 404);
    }
  };
  const updater = new Updater({
    ...{ metadataDir, metadataBaseUrl: 'http://hub/metadata' },
    fetcher: {
      downloadBytes: async (url: string) => read(url),
      downloadFile: async () => assert.unreachable('no target is downloaded') as never,
    },
  });
  await updater.refresh();
  const target = await updater.getTargetInfo('bundles/score/1.json');
  assert.is(target?.hashes.sha256, digest);
  assert.ok(await updater.getTargetInfo('assign/default.json'));
  assert.is(await updater.getTargetInfo('assign/other.json'), undefined);
});

test.run();

/** Cameras as users of a bundle's place: which models they take, and what they are given. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CameraModels } from '../../runtime/cameras/camera-models.ts';
import { millis } from '../../runtime/core/units.ts';
import { Models } from '../../runtime/pipeline/models/models.ts';
import type { RemoteModel } from '../../runtime/pipeline/models/remote-slot.ts';
import type { CameraGroup } from '../../runtime/sources/camera/group.ts';
import type { FrameDetections, ModelFacts, ModelJob } from '../../runtime/sources/camera/messages.ts';
import { camera } from '../support/cameras.ts';
import { rejects } from '../support/rejects.ts';
import { testSpine } from '../support/spine.ts';

const MACHINE = { backends: ['xnnpack'], precision: 'int8', session: { threads: 2 } } as const;

function set(...cameras: object[]) {
  const models = new Models({ machine: () => MACHINE, unavailable: async () => new Map(), ...testSpine() });
  const jobs: [string, ModelJob][] = [];
  const blind = new Map<string, string>();
  const group = {
    serveModel: async (name: string, job: ModelJob) => void jobs.push([name, job]),
    clearModel: (name: string, reason: string) => blind.set(name, reason),
    resident: () => undefined,
    lookingFor: () => millis(0),
  } as unknown as CameraGroup;
  const made = new CameraModels(cameras.map(camera), models, () => group);
  return { made, slot: models.remote('finder'), jobs, blind };
}

const release = (manifest: object) =>
  ({
    ...{ name: 'finder', release: 3, version: '1.0.3', digest: 'd3', backend: 'xnnpack', machine: MACHINE },
    manifest: { task: 'detection', labels: ['person', 'dog'], ...manifest },
    files: { 'manifest.json': '/store/m', 'finder.xnn': '/store/f' },
  }) as unknown as RemoteModel;
const bundle = { model: { bundle: 'finder' } };

test('every camera of a bundle is given its files, with what the configuration says of it', async () => {
  const { slot, jobs, blind } = set(
    { name: 'gate', ...bundle },
    { name: 'yard', model: { bundle: 'finder', threads: 4 }, detection: { tracker: { lowScore: 0.3 } } },
    { name: 'roof', model: { manifest: '/m' } },
  );
  assert.match(blind.get('gate')!, "no release of the bundle 'finder' serves yet");
  assert.is(blind.get('roof'), undefined);
  await slot.serve(release({}));
  assert.equal(
    jobs.map(([name, { threads, lowScore, manifest, backends, precision }]) => [
      ...[name, threads, lowScore, manifest, backends[0], precision],
    ]),
    [
      ['gate', 2, 0.5, '/store/m', 'xnnpack', 'int8'],
      ['yard', 4, 0.3, '/store/m', 'xnnpack', 'int8'],
    ],
  );
  assert.equal(jobs[0]![1].bundle, { release: 3, digest: 'd3', files: release({}).files });
});

test('a model of another task, or that finds nothing which the camera looks for, is refused with both sides', async () => {
  const { slot, jobs } = set({ name: 'gate', ...bundle });
  await rejects(slot.serve(release({ task: 'anomaly' })), 'model-task');
  await rejects(slot.serve(release({ labels: ['cat', 'dog'] })), 'model-labels');
  assert.equal(jobs, []);
});

test('only what counts as found is measured, of the release that serves', async () => {
  const { made, slot } = set({ name: 'gate', ...bundle });
  await slot.serve(release({}));
  const frame = (camera: string) =>
    ({
      camera,
      timing: { detect: 20 },
      objects: [{ score: 0.4 }, { score: 0.9 }],
    }) as unknown as FrameDetections;
  const facts = (digest?: string) => ({ bundle: digest, threshold: 0.5 }) as ModelFacts;
  made.looked(frame('gate'), facts('d3'));
  made.looked(frame('gate'), facts('d2'));
  made.looked(frame('gate'), facts());
  made.looked(frame('roof'), facts('d3'));
  made.missed('gate', facts('d3'), 'it failed');
  made.missed('gate', facts('d2'), 'it failed');
  assert.equal([slot.measures()!.inferences, slot.measures()!.errors], [2, 1]);
  assert.is(slot.serving!.measures.medianScore, 0.9);
});

test.run();

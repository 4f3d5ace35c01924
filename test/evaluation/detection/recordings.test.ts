/** Real recordings and real models: the right number of persons, one start for each, none where nobody is. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readExpectation } from '../../../evaluation/detection/expectation.ts';
import { evaluateIntrusion } from '../../../evaluation/detection/intrusion.ts';
import { type VideoFrame, videoFrames } from '../../../evaluation/detection/video-frames.ts';
import type { DetectionManifest } from '../../../ota/bundle/manifest.ts';
import { type LoadedManifest, loadManifest } from '../../../ota/bundle/read-manifest.ts';
import { compileModel } from '../../../ota/model/compile.ts';
import { packageRoot } from '../../../runtime/core/paths.ts';
import { epochMillis, millis } from '../../../runtime/core/units.ts';
import { type Detection, Detector } from '../../../runtime/pipeline/detection/detector.ts';
import { normalised, withDoubtful } from '../../../runtime/pipeline/detection/filters.ts';
import { Scene } from '../../../runtime/pipeline/detection/scene.ts';
import { loadSession } from '../../../runtime/pipeline/inference/load-session.ts';
import { MODEL } from '../../pipeline/detection/synthetic.ts';
import { sharedPath } from '../../support/shared.ts';

const videos = sharedPath('data/video');
const models = sharedPath('models');
const folder = mkdtempSync(join(tmpdir(), 'vigie-recordings-'));
test.after(() => rmSync(folder, { recursive: true }));

/** Looks at every n-th frame at which the events must be right: a board that can do no more than so many a second. */
const MODELS = [
  { file: 'yolox-nano/yolox_nano.onnx', manifest: 'yolox-nano', every: [1, 2] },
  // With its zones: by the whole picture it would take a pillar for a person.
  { file: 'small/yolox_nano_416_int8_qdq.onnx', manifest: 'yolox-nano', every: [1, 2] },
  { file: 'fastestdet/FastestDet.onnx', manifest: 'fastestdet', every: [1, 2] },
  { file: 'small/fastestdet_352_int8_qdq.onnx', manifest: 'fastestdet', every: [1] },
];
const PERSONS = { 'worker-zone': 1, 'store-aisle': 3 };
const RECORDINGS = ['worker-zone', 'store-aisle'];

async function detectorOf(file: string, name: string) {
  const path = join(folder, 'model.xnn');
  writeFileSync(path, (await compileModel({ path: join(models!, file) })).bytes);
  const loaded = loadManifest(join(packageRoot, 'examples/models', `${name}.manifest.json`));
  const manifest = loaded as LoadedManifest<DetectionManifest>;
  const threshold = manifest.manifest.thresholds.score;
  return { threshold, detector: new Detector(await loadSession({ path }), withDoubtful(manifest, 0.5)) };
}

async function* again(frames: readonly VideoFrame[]) {
  yield* frames;
}

if (videos && models) {
  const recordings = new Map<string, VideoFrame[]>();
  /** What each model found on each frame. */
  const looks = new Map<string, Map<VideoFrame['frame'], Detection[]>>();
  for (const name of RECORDINGS) {
    const frames: VideoFrame[] = [];
    for await (const frame of videoFrames(join(videos, `${name}-detection.gif`))) frames.push(frame);
    recordings.set(name, frames);
  }
  for (const { file, manifest, every } of MODELS) {
    test(`${file} finds every person once`, async () => {
      const { threshold, detector } = await detectorOf(file, manifest);
      for (const [name, frames] of recordings) {
        const found = new Map<VideoFrame['frame'], Detection[]>();
        for (const { frame } of frames) found.set(frame, await detector.detect(frame));
        looks.set(`${file} ${name}`, found);
        const expectation = readExpectation(join(packageRoot, 'examples/intrusion', `${name}.yaml`));
        for (const n of every) {
          const result = await evaluateIntrusion({
            frames: again(frames),
            expectation,
            model: MODEL,
            threshold,
            every: n,
            detect: async (frame) => found.get(frame)!,
          });
          assert.ok(result.right, `${name}, every ${n}: ${JSON.stringify(result)}`);
        }
      }
      await detector.close();
    });
  }

  test('another model takes over in the middle: the same tracks go on, and their events name it', () => {
    const [before, after] = [MODELS[0]!.file, MODELS[1]!.file];
    for (const [name, frames] of recordings) {
      const { detection } = readExpectation(join(packageRoot, 'examples/intrusion', `${name}.yaml`));
      let id = 0;
      const config = { ...detection, events: { ...detection.events, update: millis(500) } };
      const scene = new Scene({ camera: 'gate', config, newId: () => `e${++id}` });
      const events = frames.flatMap(({ frame, at }, index) => {
        const file = index < frames.length / 2 ? before : after;
        const observations = normalised(looks.get(`${file} ${name}`)!.get(frame)!, frame.width, frame.height);
        const model = { ...MODEL, digest: file };
        const stamp = { mono: at, wall: epochMillis(1e12 + at), timeQuality: 'synced' } as const;
        return scene.step({ observations, model, threshold: 0.3 }, stamp).events;
      });
      const starts = events.filter(({ phase }) => phase === 'start');
      assert.is(starts.length, PERSONS[name as keyof typeof PERSONS], name);
      assert.is(new Set(events.map(({ track }) => track)).size, starts.length, `${name}: one track a person`);
      for (const { id } of starts) {
        const digests = events.filter((event) => event.id === id).map(({ model }) => model.digest);
        const changes = digests.filter((digest, i) => digest !== digests[i - 1]);
        assert.equal(changes.at(-1), after, `${name} ${id}: ${changes}`);
        assert.ok(changes.length <= 2);
      }
    }
  });
}

test.run();

/** Vision processes with real pipelines: what they find, and what they refuse. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodePicture } from '../../../runtime/addon/vision.ts';
import type { FrameDetections } from '../../../runtime/sources/camera/messages.ts';
import {
  camera,
  canCapture,
  lampModel,
  pattern,
  stoppedAfterEach,
  type TestGroup,
} from '../../support/cameras.ts';
import { waitFor } from '../../support/wait.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-group-'));
test.after(() => rmSync(folder, { recursive: true }));

const start = stoppedAfterEach();

const parts = ({ group }: TestGroup, name: string) => group.health().parts?.[name];

if (canCapture()) {
  test('frames become detections with shares for boxes, stamps and the model; pictures are of the frame asked for', async () => {
    const manifest = await lampModel(folder);
    const seen: unknown[] = [];
    const red = camera({ model: { manifest }, pipeline: pattern('red') });
    const test = await start([red], { onDetections: (frame, model) => seen.push({ frame, model }) });
    await waitFor('detections', () => seen.length >= 3);
    const { frame, model } = seen.at(-1) as { frame: Record<string, never>; model: Record<string, never> };
    assert.equal([frame.camera, frame.width, frame.height], ['gate', 160, 120]);
    const { label, box } = (frame as unknown as FrameDetections).objects[0]!;
    assert.is(label, 'lamp');
    assert.ok(box.every((side) => side >= 0 && side <= 1));
    const { timing, capturedAt } = frame as unknown as { timing: Record<string, number>; capturedAt: number };
    assert.ok(capturedAt <= test.spine.clock.mono() && capturedAt > test.spine.clock.mono() - 10_000);
    assert.ok(timing.handOver! >= 0 && timing.detect! > 0);
    const { artifacts } = JSON.parse(readFileSync(manifest, 'utf8'));
    assert.equal(model.identity, { name: 'lamp', version: '1.0.0', digest: `sha256:${artifacts[0].sha256}` });
    assert.equal([model.threshold, model.backend], [0.5, 'xnnpack']);
    const picture = await test.group.picture('gate', { quality: 80, most: 80, sequence: frame.sequence });
    assert.ok(picture.sequence >= frame.sequence!);
    const { width, height, data } = decodePicture(picture.jpeg);
    assert.equal([width, height], [80, 60]);
    assert.ok(data[0]! > 200 && data[1]! < 60, 'red');
    assert.equal(test.events, []);
  });

  test('a motion gate keeps still frames from the model; a busy scene opens it', async () => {
    const manifest = await lampModel(folder);
    const still = camera({ model: { manifest }, pipeline: pattern('red'), fps: 30, detection: {} });
    const test = await start([still]);
    await waitFor('a first look', () => test.detections.length > 0);
    const stillFrames = async () => {
      const metric = await test.spine.registry.getSingleMetric('vigie_camera_frames_total')!.get();
      return metric.values.find(({ labels }) => labels.result === 'still')?.value ?? 0;
    };
    await waitFor('still frames', async () => (await stillFrames()) > 20);
    const looks = test.detections.length;
    test.group.busy('gate', true);
    await waitFor('looks again', () => test.detections.length > looks + 10);
  });

  test('cameras of a group share a process; one that is not there leaves the other alone', async () => {
    const cameras = [camera({}), camera({ name: 'yard', source: { type: 'usb', device: '/dev/video99' } })];
    const test = await start(cameras);
    // That it is reported in the end is the ladder's own test.
    await waitFor('a second try', () => test.steps().length >= 2);
    await waitFor('frames of the other', () => parts(test, 'gate')?.state === 'ok');
    assert.equal(test.steps().slice(0, 2), ['rebuild absent', 'rebuild absent']);
    assert.is.not(parts(test, 'yard')?.state, 'ok');
    assert.match(parts(test, 'yard')!.detail, 'device-missing');
    assert.ok(test.events.every(({ camera }) => camera === 'yard'));
    assert.is(test.group.health().state, 'degraded');
  });

  test('a file ends or begins anew; a folder of pictures with a corrupt one plays on', async () => {
    const pictures = join(folder, 'pictures');
    mkdirSync(pictures);
    for (const [i, background] of ['red', 'green', 'blue'].entries()) {
      const picture = sharp({ create: { width: 64, height: 48, channels: 3, background } });
      await picture.jpeg().toFile(join(pictures, `${i}.JPG`));
    }
    writeFileSync(join(pictures, '1b.jpg'), 'no picture');
    const source = { type: 'file', file: pictures };
    const cameras = [
      camera({ name: 'once', source: { ...source, loop: false }, fps: 20 }),
      camera({ name: 'ever', source, fps: 20, rotation: 90 }),
    ];
    const test = await start(cameras);
    await waitFor('the end', () => test.steps().includes('ended file-end'));
    assert.is(parts(test, 'once')?.state, 'stopped');
    const picture = await waitFor('a picture', () =>
      test.group.picture('ever', { quality: 80 }).catch(() => undefined),
    );
    assert.equal([picture.width, picture.height], [48, 64]);
    const metric = test.spine.registry.getSingleMetric('vigie_camera_frames_total')!;
    const count = async (camera: string, result: string) =>
      (await metric.get()).values.find(({ labels }) => labels.camera === camera && labels.result === result)
        ?.value ?? 0;
    await waitFor('several rounds', async () => (await count('ever', 'captured')) > 12);
    await waitFor('the corrupt ones', async () => (await count('ever', 'damaged')) >= 2);
    assert.is(await count('once', 'captured'), 3);
  });

  test('what cannot run as configured is refused by name and stays so', async () => {
    writeFileSync(join(folder, 'none.json'), '{}');
    const cameras = [
      camera({ name: 'caps', pipeline: 'videotestsrc is-live=true ! video/x-raw,format=RGB' }),
      camera({ name: 'element', pipeline: 'nosuchsrc' }),
      camera({ name: 'csi', source: { type: 'csi' } }),
      camera({ name: 'model', model: { manifest: join(folder, 'none.json') } }),
      camera({ name: 'file', source: { type: 'file', file: join(folder, 'none.mp4') } }),
    ];
    const test = await start(cameras);
    const refused = ['caps', 'element', 'csi', 'model'];
    await waitFor('reports', () => refused.every((name) => parts(test, name)?.state === 'failed'));
    const detail = (name: string) => parts(test, name)!.detail;
    assert.match(detail('caps'), 'format-refused');
    assert.match(detail('element'), 'nosuchsrc');
    assert.match(detail('csi'), 'generic-x86-64');
    assert.match(detail('model'), 'none.json');
    await waitFor('the file', () => detail('file').includes('device-missing'));
  });
}

test.run();

/** Faces that are hidden while persons stay visible, and whole persons where faces cannot be found. */

import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compileModel } from '../../ota/model/compile.ts';
import type { CapturedFrame } from '../../runtime/addon/capture.ts';
import { decodePicture, type Picture } from '../../runtime/addon/vision.ts';
import type { Clock } from '../../runtime/core/clock.ts';
import { createLog } from '../../runtime/core/log.ts';
import { packageRoot } from '../../runtime/core/paths.ts';
import type { FacesTrouble, ModelJob } from '../../runtime/sources/camera/messages.ts';
import { Faces } from '../../runtime/vision/faces.ts';
import { type LoadedModel, Models } from '../../runtime/vision/model.ts';
import { validatePayload } from '../contract/asyncapi.ts';
import { camera, canCapture, faceOnnx, lampOnnx, startGroup, writeLamp } from '../support/cameras.ts';
import { sharedPath } from '../support/shared.ts';
import { waitFor } from '../support/wait.ts';

const work = mkdtempSync(join(tmpdir(), 'vigie-faces-'));
test.after(() => rmSync(work, { recursive: true }));

/** Black, with a striped blue face above a striped red body. */
async function film(): Promise<string> {
  const folder = join(work, 'film');
  mkdirSync(folder, { recursive: true });
  const [width, height] = [160, 120];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < 60; y++) {
    for (let x = 40; x < 80; x++) data[(y * width + x) * 3 + (y < 30 ? 2 : 0)] = x % 8 < 4 ? 255 : 130;
  }
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 95 })
    .toBuffer();
  for (let i = 0; i < 20; i++) writeFileSync(join(folder, `${String(i).padStart(2, '0')}.jpg`), jpeg);
  return folder;
}

/** How far apart neighbouring stripes are along a row. */
function contrast({ width, data }: Picture, y: number, channel: 0 | 2): number {
  const row = Array.from({ length: 24 }, (_, i) => data[(y * width + 48 + i) * 3 + channel]!);
  return Math.max(...row) - Math.min(...row);
}

/** Mean difference of neighbours in a row: what a face is recognised by. */
function detail({ width, data }: Picture, box: readonly number[]): number {
  const [left, top, across, down] = box.map(Math.round) as [number, number, number, number];
  let sum = 0;
  for (let y = top; y < top + down; y++) {
    for (let x = left; x < left + across - 1; x++) {
      const at = (y * width + x) * 3 + 1;
      sum += Math.abs(data[at]! - data[at + 3]!);
    }
  }
  return sum / (across * down);
}

async function pictureWith(privacy: object, more: { film?: string; person?: Uint8Array } = {}) {
  const folder = mkdtempSync(join(work, 'person-'));
  await writeLamp(folder, { label: 'person', models: { float32: more.person ?? lampOnnx() } });
  const model = { manifest: folder };
  const seen: number[] = [];
  const source = { type: 'file', file: more.film ?? (await film()) };
  const running = await startGroup([camera({ source, fps: 20, model, privacy })], {
    onDetections: ({ sequence, objects }) => {
      if (objects.length > 0) seen.push(sequence);
    },
  });
  try {
    await waitFor('persons', () => seen.length > 2 && running.group.health().state !== 'starting');
    const faces = () => running.events.find(({ step }) => step === 'privacy');
    const { jpeg } = await running.group.picture('gate', { quality: 95 });
    return { picture: decodePicture(jpeg), told: faces(), health: running.group.health() };
  } finally {
    await running.stop();
  }
}

if (canCapture()) {
  test('a face is hidden, the rest of the person is not', async () => {
    const folder = mkdtempSync(join(work, 'face-'));
    await writeLamp(folder, { label: 'face', models: { float32: faceOnnx() } });
    const { picture, told, health } = await pictureWith({ blur: 'faces', faceModel: folder });
    const [face, body] = [contrast(picture, 15, 2), contrast(picture, 50, 0)];
    assert.ok(face < 40, `the face: ${face}`);
    assert.ok(body > 80, `the body: ${body}`);
    assert.is(told, undefined);
    assert.is(health.state, 'ok');
  });

  test('without a model of faces the whole person is hidden, and the node says why', async () => {
    const { picture, told, health } = await pictureWith({ blur: 'faces', faceModel: join(work, 'nothing') });
    const [face, body] = [contrast(picture, 15, 2), contrast(picture, 50, 0)];
    assert.ok(face < 40 && body < 40, `${face}, ${body}`);
    assert.equal([told?.reason, health.state], ['faces-missing', 'degraded']);
    assert.match(told!.detail, /whole persons are hidden instead of faces: .*nothing does not exist/);
    const stamp = { time: '2026-03-02T08:31:02.114Z', timeQuality: 'synced' };
    assert.equal(
      validatePayload('camera', { site: 's', node: 'n', bootId: 'b', seq: 1, ...stamp, ...told }),
      [],
    );
  });
}

const yunet = sharedPath('models/yunet-face/yunet_n_320_320.onnx');
const photo = sharedPath('data/images/coco-people/images/000000000165.jpg');
if (canCapture() && yunet && photo) {
  test('two faces of a photo are hidden, and next to nothing else', async () => {
    const folder = mkdtempSync(join(work, 'yunet-'));
    const plan = (await compileModel({ path: yunet })).bytes;
    writeFileSync(join(folder, 'yunet.xnn'), plan);
    const manifest = JSON.parse(
      readFileSync(join(packageRoot, 'examples/models/yunet-face.manifest.json'), 'utf8'),
    );
    const artifact = { backend: 'xnnpack', precision: 'float32', path: 'yunet.xnn', sha256: '0'.repeat(64) };
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, artifacts: [artifact] }));
    const pictures = join(work, 'photos');
    mkdirSync(pictures);
    for (const name of ['1.jpg', '2.jpg', '3.jpg', '4.jpg']) copyFileSync(photo, join(pictures, name));
    // It sees persons everywhere: were they hidden, all of the picture would be.
    const everywhere = { film: pictures, person: lampOnnx(1) };
    const { picture, told } = await pictureWith({ blur: 'faces', faceModel: folder }, everywhere);
    assert.is(told, undefined);
    const before = decodePicture(readFileSync(photo));
    assert.equal([picture.width, picture.height], [before.width, before.height]);
    let changed = 0;
    for (let i = 0; i < before.data.length; i += 3) {
      const apart = [0, 1, 2].map((c) => Math.abs(before.data[i + c]! - picture.data[i + c]!));
      if (Math.max(...apart) > 48) changed += 1;
    }
    const share = changed / (before.width * before.height);
    assert.ok(share > 0.01 && share < 0.1, `${share} of the picture`);
    const { detector } = await new Models(createLog('silent')).load({
      ...{ manifest: folder, lowScore: 1, backends: ['xnnpack'], precision: 'float32', threads: 1 },
    });
    const faces = await detector.detect({ format: 'rgb', ...before });
    assert.is(faces.length, 2);
    for (const { box } of faces) {
      const [was, is] = [detail(before, box), detail(picture, box)];
      assert.ok(is < was / 4, `${is} of ${was}`);
    }
    await detector.close();
  });
}

function frame(capturedAt: number): CapturedFrame {
  const self = { capturedAt, width: 100, height: 50, close: () => {} };
  return { ...self, copy: () => self } as unknown as CapturedFrame;
}

/** Faces of a model that answers after `model.ms`, or fails where that is negative. */
function stubbed() {
  const told: (FacesTrouble | undefined)[] = [];
  const model = { ms: 0, loads: 0, asked: 0 };
  let now = 0;
  const detect = async () => {
    model.asked += 1;
    if (model.ms < 0) throw new Error('no memory left');
    await sleep(model.ms);
    return [{ box: [10, 10, 20, 10] }];
  };
  const load = async () => {
    model.loads += 1;
    if (model.loads === 1 && model.ms === -2) throw new Error('no such file');
    return { detector: { detect } } as unknown as LoadedModel;
  };
  const faces = new Faces({
    model: {} as ModelJob,
    models: { load },
    clock: { mono: () => now } as unknown as Clock,
    onTrouble: (trouble) => told.push(trouble),
    patience: 200,
  });
  const pass = (ms: number) => {
    now += ms;
  };
  return { faces, model, told, pass };
}

test('a model that is late or fails hides nothing of its own: told once, and once it is over', async () => {
  const { faces, model, told, pass } = stubbed();
  const first = frame(0);
  assert.equal(await faces.find(first), [[0.1, 0.2, 0.2, 0.2]]);
  assert.equal(await faces.find(first), [[0.1, 0.2, 0.2, 0.2]]);
  assert.is(model.asked, 1, 'of one frame it is asked once');
  model.ms = 400;
  assert.is(await faces.find(frame(100)), undefined);
  model.ms = -1;
  assert.is(await faces.find(frame(200)), undefined);
  assert.equal(
    told.map((trouble) => trouble?.kind),
    ['late'],
  );
  model.ms = 0;
  pass(5_000);
  assert.ok(await faces.find(frame(300)));
  assert.is(told.length, 1);
  pass(6_000);
  assert.ok(await faces.find(frame(400)));
  assert.equal(told[1], undefined);
  assert.is(told.length, 2);
});

test('a model that cannot be loaded is tried again after a minute', async () => {
  const { faces, model, told, pass } = stubbed();
  model.ms = -2;
  assert.is(await faces.find(frame(0)), undefined);
  assert.is(await faces.find(frame(100)), undefined);
  assert.equal([model.loads, told.length, told[0]?.kind], [1, 1, 'missing']);
  model.ms = 0;
  pass(61_000);
  assert.ok(await faces.find(frame(200)));
  assert.equal([model.loads, told.at(-1)], [2, undefined]);
});

test.run();

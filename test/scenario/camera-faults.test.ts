/** Faults during an intrusion, with real pipelines: each leaves one event of one person, and says what was wrong. */

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CameraConfig, cameraConfig } from '../../runtime/config/schema/camera.ts';
import { SystemClock } from '../../runtime/core/clock.ts';
import { nodeFileSystem } from '../../runtime/core/file-system.ts';
import type { DetectionEvent } from '../../runtime/core/messages.ts';
import { packageRoot } from '../../runtime/core/paths.ts';
import { epochMillis } from '../../runtime/core/units.ts';
import { checkEvents } from '../pipeline/detection/synthetic.ts';
import { gateCamera, square } from '../support/camera-node.ts';
import { camera, canCapture, lampModel, startGroup } from '../support/cameras.ts';
import { waitFor } from '../support/wait.ts';
import { type WatchedCameras, watchCameras } from '../support/watched-cameras.ts';

const work = mkdtempSync(join(tmpdir(), 'vigie-faults-'));
let running: { stop(): Promise<void> } | undefined;
test.after.each(async () => {
  await running?.stop();
  running = undefined;
});
test.after(() => rmSync(work, { recursive: true }));

/** A red lamp before black, at the same shares of a picture of any size. */
async function lamp(width: number, height: number): Promise<Buffer> {
  const at = { left: width / 4, top: height / 4 };
  const size = { width: width / 4, height: height / 4 };
  const red = sharp({ create: { ...size, channels: 3, background: 'red' } });
  return sharp({ create: { width, height, channels: 3, background: 'black' } })
    .composite([{ input: await red.png().toBuffer(), ...at }])
    .jpeg()
    .toBuffer();
}

function film(name: string, pictures: readonly Buffer[]): string {
  const folder = join(work, name);
  mkdirSync(folder);
  for (const [i, picture] of pictures.entries())
    writeFileSync(join(folder, `${String(i).padStart(3, '0')}.jpg`), picture);
  return folder;
}

const UPDATES = { events: { update: '1s' } };
let manifest: string;
const watching = async (file: string, detection: object = UPDATES): Promise<CameraConfig> => {
  manifest ??= await lampModel(work);
  return cameraConfig.parse(gateCamera({ film: file, model: { manifest }, detection }));
};

/** Its events make sense, and are those of one person. */
function oneIntrusion(events: readonly DetectionEvent[]): void {
  checkEvents(events);
  const starts = events.filter(({ phase }) => phase === 'start').length;
  assert.equal([starts, new Set(events.map(({ track }) => track)).size], [1, 1]);
}

const updates = (watched: WatchedCameras) =>
  watched.detections().filter(({ phase }) => phase === 'update').length;

if (canCapture()) {
  test('a camera that changes its resolution during a track', async () => {
    const [small, large] = [await lamp(160, 120), await lamp(320, 240)];
    const file = film('sizes', [...new Array(20).fill(small), ...new Array(20).fill(large)]);
    const watched = await watchCameras([await watching(file)]);
    running = watched;
    const widths = new Set<number>();
    await waitFor('both sizes', async () => {
      const picture = await watched.picture('gate', { quality: 50 }).catch(() => undefined);
      if (picture) widths.add(picture.width);
      return widths.size === 2;
    });
    await waitFor('updates', () => updates(watched) >= 2);
    oneIntrusion(watched.detections());
    assert.equal(watched.steps(), [], 'nothing had to be healed');
  });

  test('a camera that sends corrupt pictures between good ones', async () => {
    const good = await lamp(160, 120);
    const bad = [Buffer.alloc(2000, 0x55), good.subarray(0, 300), Buffer.alloc(0)];
    const file = film('corrupt', [good, good, ...bad, good, good]);
    const watched = await watchCameras([await watching(file)]);
    running = watched;
    const damaged = () => watched.counted('vigie_camera_frames_total', { result: 'damaged' });
    await waitFor('damaged ones', async () => (await damaged()) >= 3);
    await waitFor('updates', () => updates(watched) >= 2);
    oneIntrusion(watched.detections());
    assert.equal(watched.steps(), [], 'they are passed over: no pipeline ended over one');
  });

  test('the wall clock jumps during a track, back to 1970 and far ahead', async () => {
    let jump = 0;
    class JumpingClock extends SystemClock {
      override wall() {
        return epochMillis(super.wall() + jump);
      }
    }
    const file = film('clock', new Array(20).fill(await lamp(160, 120)));
    const watched = await watchCameras([await watching(file)], { clock: new JumpingClock(() => true) });
    running = watched;
    for (const to of [-Date.now() + 1000, 400 * 86_400_000, 0]) {
      const before = updates(watched);
      await waitFor('an update', () => updates(watched) > before);
      jump = to;
    }
    await watched.component('scenes').stop();
    const events = watched.detections();
    oneIntrusion(events);
    const end = events.at(-1)!;
    assert.equal([end.phase, end.reason], ['end', 'stopped']);
    assert.ok(end.durationMs > 2000 && end.durationMs < 120_000, `${end.durationMs} ms`);
    const monos = watched.records.filter(({ class: name }) => name === 'event').map(({ mono }) => mono);
    assert.equal(
      monos,
      [...monos].sort((a, b) => a - b),
    );
  });

  test('a disk that is full for a while costs pictures, and no event', async () => {
    let free = 0;
    const fs = { ...nodeFileSystem, free: () => free };
    const file = film('disk', new Array(20).fill(await lamp(160, 120)));
    const leaves = { events: { update: '1s', exitDelay: '0ms' } };
    const watched = await watchCameras([await watching(file, leaves)], { fs });
    running = watched;
    const counted = (result: string) => watched.counted('vigie_snapshots_total', { result });
    await waitFor('a refusal', async () => (await counted('refused')) >= 1);
    const { state, detail } = watched.component('snapshots').health();
    assert.is(state, 'degraded');
    assert.match(detail, 'no picture is kept: the disk has 0 MiB left, of which 64 MiB are for events');
    await waitFor('updates all the same', () => updates(watched) >= 2);
    oneIntrusion(watched.detections());
    // Room again, and another intruder: the zone is drawn anew under him.
    free = 2 ** 40;
    const zones = [{ name: 'yard', polygon: square(0, 1), anchor: 'center' }];
    watched.configure([await watching(file, { ...leaves, zones })]);
    await waitFor('a picture', async () => (await counted('kept')) >= 1);
    assert.is(watched.component('snapshots').health().state, 'ok');
  });

  test('a device that the node may not open is refused by name', async () => {
    const file = film('secret', new Array(20).fill(await lamp(160, 120)));
    const secret = join(file, '000.jpg');
    // Root may read everything: the vision process of this test is another user's.
    const module = join(work, 'nobody.mjs');
    const main = JSON.stringify(join(packageRoot, 'runtime/vision/main.ts'));
    writeFileSync(module, `process.setegid?.(65534); process.seteuid?.(65534); await import(${main});`);
    chmodSync(work, 0o755);
    chmodSync(secret, 0);
    const pipeline = `filesrc location=${secret} ! jpegdec ! videoconvert ! imagefreeze is-live=true ! video/x-raw,format=I420,framerate={fps}/1`;
    const test = await startGroup([camera({ pipeline })], { module });
    running = test;
    await waitFor('the report', () => test.steps().includes('report refused'));
    const part = () => test.group.health().parts?.gate;
    assert.is(part()?.state, 'failed');
    assert.match(part()!.detail, /device-refused.*Permission denied/);
    assert.equal(test.steps(), ['report refused'], 'what no restart mends is not tried again and again');
  });
}

test.run();

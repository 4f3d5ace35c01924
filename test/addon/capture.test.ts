/** Real pipelines of GStreamer, their frames and their faults. */

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addonPath, loadBinding } from '../../runtime/addon/binding.ts';
import {
  Capture,
  type CapturedFrame,
  type CaptureEvent,
  type CaptureOptions,
} from '../../runtime/addon/capture.ts';
import { drawPicture } from '../../runtime/addon/draw.ts';
import { decodePicture, Vision } from '../../runtime/addon/vision.ts';
import { VigieError } from '../../runtime/core/errors.ts';
import { canCapture } from '../support/cameras.ts';
import { sharedPath } from '../support/shared.ts';
import { waitFor } from '../support/wait.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-capture-'));
test.after(() => rmSync(folder, { recursive: true }));

const mono = () => Number(process.hrtime.bigint()) / 1e6;
const live = (size = 'width=64,height=48', pattern = 'ball') =>
  `videotestsrc is-live=true pattern=${pattern} ! video/x-raw,format=NV12,${size},framerate=50/1`;

/** Runs to the end or the first failure. */
async function run(
  options: Partial<CaptureOptions> & { pipeline: string },
  onFrame = (_: CapturedFrame) => {},
) {
  let last: CaptureEvent | undefined;
  const capture = new Capture({ paced: false, everyFrame: true, ...options }, (event) => {
    if (event.type !== 'frame') {
      last = event;
      return;
    }
    const frame = capture.take()!;
    onFrame(frame);
    frame.close();
  });
  await waitFor('the end of the pipeline', () => last !== undefined);
  const counters = capture.counters();
  await capture.close();
  return { last: last!, counters };
}

function opened(pipeline: string): { capture: Capture; events: CaptureEvent[] } {
  const events: CaptureEvent[] = [];
  const capture = new Capture({ pipeline, paced: false }, (event) => void events.push(event));
  return { capture, events };
}

if (canCapture()) {
  test('frames carry their size, format, number and monotonic stamp', async () => {
    const { capture } = opened(live());
    const first = await waitFor('a frame', () => capture.take());
    assert.equal([first.width, first.height, first.format], [64, 48, 'nv12']);
    assert.ok(first.sequence >= 1);
    assert.ok(first.capturedAt <= mono() && first.capturedAt > mono() - 2000);
    first.close();
    const next = await waitFor('another frame', () => capture.take());
    assert.ok(next.sequence > first.sequence);
    assert.ok(next.capturedAt > first.capturedAt);
    next.close();
    await capture.close();
  });

  test('colours come out as they went in, whatever matrix and range the caps name', async () => {
    const model = new Vision(
      {
        ...{ resize: 'stretch', filter: 'bilinear', width: 4, height: 4, pad: 0, order: 'rgb' },
        ...{ mean: [0, 0, 0], divisor: [1, 1, 1], type: 'float32', layout: 'nhwc' },
      },
      { head: 'classification', outputs: ['o'], classes: 2, activation: 'none', most: 1, threshold: 0 },
    );
    const solid = 'videotestsrc is-live=true pattern=solid-color foreground-color=0xffc86432';
    const colours = [
      ['bt601', 'bt601', false],
      ['bt709', 'bt709', false],
      ['1:4:0:0', 'bt601', true],
      ['1:3:5:1', 'bt709', true],
      ['bt2020', 'bt2020', false],
    ] as const;
    for (const [colorimetry, matrix, fullRange] of colours) {
      for (const format of ['NV12', 'I420']) {
        const rgb = 'video/x-raw,format=RGB,width=64,height=48,framerate=30/1';
        const yuv = `video/x-raw,format=${format},colorimetry=(string)${colorimetry}`;
        const { capture } = opened(`${solid} ! ${rgb} ! videoconvert primaries-mode=none ! ${yuv}`);
        const frame = await waitFor(`a frame of ${colorimetry}`, () => capture.take());
        const what = `${format} ${colorimetry}`;
        assert.equal([frame.matrix, frame.fullRange], [matrix, fullRange], what);
        const out = new Float32Array(48);
        model.prepare(frame, out);
        const [red, green, blue] = out;
        const near = Math.max(Math.abs(red! - 0xc8), Math.abs(green! - 0x64), Math.abs(blue! - 0x32));
        assert.ok(near <= 3, `${what}: ${red}, ${green}, ${blue}`);
        frame.close();
        await capture.close();
      }
    }
  });

  test('the newest frame wins and every other one is counted', async () => {
    const { capture, events } = opened(live());
    await waitFor('20 frames', () => capture.counters().captured >= 20);
    const frame = capture.take()!;
    const { captured, skipped } = capture.counters();
    assert.ok(frame.sequence >= 20 && skipped >= 19 && skipped <= captured - 1);
    assert.is(events.length, 1, 'told once that there is one');
    frame.close();
    await capture.close();
    assert.is(capture.take(), undefined);
  });

  test('asked for every frame, the pipeline waits', async () => {
    const sequences: number[] = [];
    const pipeline = 'videotestsrc num-buffers=30 ! video/x-raw,format=I420,width=32,height=32';
    const { last, counters } = await run({ pipeline }, ({ sequence }) => sequences.push(sequence));
    assert.equal(last, { type: 'ended' });
    assert.equal(
      sequences,
      Array.from({ length: 30 }, (_, i) => i + 1),
    );
    assert.equal(counters, { captured: 30, skipped: 0, damaged: 0 });
  });

  test('a picture that does not change keeps its first stamp, a changed one starts anew', async () => {
    const same: number[][] = [];
    const still = 'videotestsrc num-buffers=5 pattern=black ! video/x-raw,format=I420,width=32,height=32';
    await run({ pipeline: still }, ({ sameSince, capturedAt }) => same.push([sameSince, capturedAt]));
    assert.ok(same.every(([since]) => since === same[0]![1]));
    const moving = 'videotestsrc num-buffers=5 pattern=snow ! video/x-raw,format=I420,width=32,height=32';
    await run({ pipeline: moving }, ({ sameSince, capturedAt }) => assert.is(sameSince, capturedAt));
  });

  test('a change of resolution in the middle is a change of the frames', async () => {
    for (const [name, size] of [
      ['0', 64],
      ['1', 96],
    ] as const) {
      const picture = sharp({ create: { width: size, height: 48, channels: 3, background: 'red' } });
      await picture.jpeg().toFile(join(folder, `size${name}.jpg`));
    }
    const sizes: number[] = [];
    const pipeline = `multifilesrc location="${folder}/size%d.jpg" caps=image/jpeg,framerate=5/1 ! jpegdec ! videoconvert`;
    const { last } = await run({ pipeline }, ({ width }) => sizes.push(width));
    assert.equal(sizes, [64, 96]);
    assert.is(last.type, 'ended');
  });

  test('a corrupt picture is passed over and counted', async () => {
    const good = await sharp({ create: { width: 64, height: 48, channels: 3, background: 'blue' } })
      .jpeg()
      .toBuffer();
    for (let i = 0; i < 5; i++)
      writeFileSync(join(folder, `c${i}.jpg`), i === 2 ? Buffer.alloc(900, 0x55) : good);
    const pipeline = `multifilesrc location="${folder}/c%d.jpg" caps=image/jpeg,framerate=5/1 ! jpegdec max-errors=-1 ! videoconvert`;
    const { last, counters } = await run({ pipeline });
    assert.is(last.type, 'ended');
    assert.is(counters.captured, 4);
    assert.ok(counters.damaged >= 1);
  });

  test('a gif gives all of its pages at their times', async () => {
    const gif = sharedPath('data/video/worker-zone-detection.gif');
    if (!gif) return;
    const positions: number[] = [];
    const pipeline = `filesrc location="${gif}" ! avdemux_gif ! avdec_gif ! videoconvert`;
    const { counters } = await run({ pipeline }, ({ position }) => positions.push(position!));
    assert.is(counters.captured, 71);
    assert.ok(positions.every((position, i) => i === 0 || position > positions[i - 1]!));
    assert.ok(positions.at(-1)! > 4000);
  });

  test('what cannot run says why, by code', async () => {
    writeFileSync(join(folder, 'text.mp4'), 'This is no video. '.repeat(100));
    const cases = [
      ['device-missing', 'v4l2src device=/dev/video99'],
      ['device-missing', `filesrc location=${folder}/none.mp4 ! decodebin ! videoconvert`],
      ['stream-damaged', `filesrc location=${folder}/text.mp4 ! decodebin ! videoconvert`],
      ['format-refused', 'videotestsrc ! video/x-raw,format=RGB'],
      [
        'unreachable',
        'rtspsrc location=rtsp://127.0.0.1:9/x ! application/x-rtp,media=video ! decodebin ! videoconvert',
      ],
    ];
    for (const [code, pipeline] of cases) {
      const { last } = await run({ pipeline: pipeline! });
      assert.is(last.type === 'failed' && last.code, code, JSON.stringify(last));
    }
  });

  test('a file that may not be read says so', async () => {
    // Root may read everything: the system's own refusal is borrowed from a process of another user.
    const path = join(folder, 'secret.jpg');
    writeFileSync(path, 'x', { mode: 0 });
    const text = `import { Capture } from ${JSON.stringify(join(import.meta.dirname, '../../runtime/addon/capture.ts'))};
      process.setegid?.(65534); process.seteuid?.(65534);
      new Capture({ pipeline: 'filesrc location=${path} ! decodebin ! videoconvert', paced: false }, (event) => {
        console.log(JSON.stringify(event)); process.exit(0);
      });`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
      encoding: 'utf8',
    });
    assert.match(stdout, '"code":"device-refused"', stderr);
  });

  test('a description that is none is refused with the words of GStreamer', () => {
    const bad = (pipeline: string) => () => new Capture({ pipeline, paced: false }, () => {});
    const isBad = (error: unknown) => error instanceof VigieError && error.code === 'bad-pipeline';
    assert.throws(bad('nosuchsrc ! videoconvert'), /no element "nosuchsrc"/);
    assert.throws(bad('videotestsrc ! !'), isBad);
    assert.throws(bad(''), isBad);
    assert.throws(bad('videotestsrc nosuch=1'), isBad);
  });

  test('a frame becomes a JPEG, whole or smaller, and a grid of brightness', async () => {
    const { capture } = opened(live('width=640,height=360', 'white'));
    const frame = await waitFor('a frame', () => capture.take());
    const whole = decodePicture((await drawPicture(frame, { quality: 90 })).data);
    assert.equal([whole.width, whole.height], [640, 360]);
    assert.ok(
      whole.data.every((value) => value > 245),
      'white of limited range is white',
    );
    const small = decodePicture((await drawPicture(frame, { quality: 90, most: 160 })).data);
    assert.equal([small.width, small.height], [160, 90]);
    const grid = frame.lumaGrid(16, 9);
    assert.is(grid.length, 144);
    assert.ok(grid.every((value) => value > 230));
    await rejects(() => drawPicture(frame, { quality: 0 }));
    frame.close();
    await capture.close();
  });

  test('a copy outlives its frame, a frame its pipeline, and a closed frame refuses', async () => {
    const { capture } = opened(live('width=66,height=50', 'white'));
    const frame = await waitFor('a frame', () => capture.take());
    await capture.close();
    const copy = frame.copy();
    assert.equal([copy.width, copy.sequence, copy.capturedAt], [66, frame.sequence, frame.capturedAt]);
    const jpeg = drawPicture(frame, { quality: 90 });
    frame.close();
    frame.close();
    await rejects(() => drawPicture(frame, { quality: 90 }));
    assert.throws(() => frame.lumaGrid(4, 4), 'closed');
    assert.equal((await drawPicture(copy, { quality: 90 })).data, (await jpeg).data);
    copy.close();
  });

  test('a file plays at its own speed when paced', async () => {
    const pipeline =
      'videotestsrc num-buffers=11 ! video/x-raw,format=I420,width=32,height=32,framerate=20/1';
    const began = mono();
    await run({ pipeline, paced: true });
    assert.ok(mono() - began > 450);
  });

  test('a process ends with pipelines running', () => {
    const text = `import { Capture } from ${JSON.stringify(join(import.meta.dirname, '../../runtime/addon/capture.ts'))};
      for (let i = 0; i < 3; i++) new Capture({ pipeline: ${JSON.stringify(live())}, paced: false }, () => {});
      setTimeout(() => process.exit(7), 300);`;
    const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', text], { timeout: 20_000 });
    assert.is(status, 7);
  });
}

test('without the library for GStreamer the addon loads and says what to install', () => {
  const lonely = mkdtempSync(join(folder, 'lonely-'));
  copyFileSync(addonPath, join(lonely, 'vigie.node'));
  const binding = loadBinding(join(lonely, 'vigie.node'));
  assert.match(binding.captureProblem()!, 'libgstreamer-plugins-base1.0-dev');
  assert.throws(
    () => binding.openCapture({ pipeline: 'videotestsrc', paced: false }, () => {}),
    /libgstreamer1.0-dev/,
  );
});

test('without GStreamer itself it says what to install', () => {
  const broken = mkdtempSync(join(folder, 'broken-'));
  copyFileSync(addonPath, join(broken, 'vigie.node'));
  writeFileSync(join(broken, 'vigie_capture.so'), 'no library');
  assert.match(loadBinding(join(broken, 'vigie.node')).captureProblem()!, 'gstreamer1.0-plugins-good');
});

async function rejects(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    assert.is((error as { code?: string }).code, 'bad-argument');
    return;
  }
  assert.unreachable();
}

test.run();

/** The evaluation of recordings, with a made-up detector on made-up pictures. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readExpectation } from '../../../evaluation/detection/expectation.ts';
import { evaluateIntrusion } from '../../../evaluation/detection/intrusion.ts';
import { type VideoFrames, videoFrames } from '../../../evaluation/detection/video-frames.ts';
import type { Frame } from '../../../runtime/addon/vision.ts';
import { InputError } from '../../../runtime/core/errors.ts';
import type { Detection } from '../../../runtime/pipeline/detection/detector.ts';
import { MODEL } from '../../pipeline/detection/synthetic.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-intrusion-'));
test.after(() => rmSync(folder, { recursive: true }));

/** Black, with a white person 8 × 16 pixels at x, or without. */
function picture(x: number | undefined, page = 0): Uint8Array {
  const data = new Uint8Array(96 * 48 * 3);
  for (let i = 0; i < 96 * 48; i++) {
    const [column, row] = [i % 96, Math.floor(i / 96)];
    const there = x !== undefined && column >= x && column < x + 8 && row >= 20 && row < 36;
    if (there) data.fill(255, 3 * i, 3 * i + 3);
  }
  // An encoder makes one of two pictures that are the same.
  data[page * 3] = 90;
  return data;
}

/** Twenty pictures, 100 ms each: someone comes from the right after half a second. */
const way = (page: number) => (page < 5 ? undefined : 80 - 4 * (page - 5));
const gif = join(folder, 'walk.gif');
const pages = Buffer.concat(Array.from({ length: 20 }, (_, page) => picture(way(page), page)));
await sharp(pages, { raw: { width: 96, height: 48 * 20, channels: 3, pageHeight: 48 } })
  .gif({ delay: Array(20).fill(100), dither: 0 })
  .toFile(gif);

/** Finds what is white. */
async function detect({ data, width, height }: Frame): Promise<Detection[]> {
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let i = 0; i < width * height; i++) {
    if (data[3 * i]! < 128) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
  }
  if (right < 0) return [];
  return [{ index: 0, label: 'person', score: 0.9, box: [left, top, right - left, bottom - top] }];
}

function evaluate(expectation: string, every = 1, frames: VideoFrames = videoFrames(gif)) {
  const path = join(folder, 'expect.yaml');
  writeFileSync(path, expectation);
  return evaluateIntrusion({
    frames,
    expectation: readExpectation(path),
    model: MODEL,
    threshold: 0.5,
    every,
    detect,
  });
}

const ZONES = `detection:
  zones:
    - { name: right, polygon: [[0.5, 0], [1, 0], [1, 1], [0.5, 1]] }
    - { name: left, polygon: [[0, 0], [0.2, 0], [0.2, 1], [0, 1]] }
  tripwires: [{ name: middle, line: [[0.6, 1], [0.6, 0]] }]
`;

test('events that come are found with their delay, and what is open at the end is counted', async () => {
  const result = await evaluate(`${ZONES}events:
  - { zone: right, at: 0.5s }
  - { zone: middle, kind: crossing, direction: right-to-left, at: 1.1s }
open: { right: 1, left: 0 }
`);
  assert.is(result.frames, 20);
  assert.is(result.seconds, 1.9);
  assert.equal([result.missed, result.false], [[], []]);
  assert.is(result.found.length, 2);
  assert.is(result.found[0]!.delayMs, 200, 'confirmed after 200 ms');
  assert.ok(result.right);
});

test('what is missed and what is made up is told apart', async () => {
  const result = await evaluate(`${ZONES}events:
  - { zone: left, at: 1s }
open: { right: 0 }
`);
  assert.equal(result.missed, [{ zone: 'left', kind: 'intrusion', atMs: 1000 }]);
  assert.equal(result.false.map(({ zone }) => zone).sort(), ['middle', 'right']);
  assert.not(result.right);
  assert.is(result.meanDelayMs, null);
});

test('every second frame gives the same events', async () => {
  const result = await evaluate(
    `${ZONES}events:
  - { zone: right, at: 0.5s }
  - { zone: middle, kind: crossing, at: 1.1s }
`,
    2,
  );
  assert.is(result.looks, 10);
  assert.ok(result.right, JSON.stringify(result));
});

test('a folder of pictures plays at the rate that is asked for', async () => {
  const pictures = join(folder, 'pictures');
  mkdirSync(pictures);
  for (const page of [0, 6, 7]) {
    await sharp(picture(way(page)), { raw: { width: 96, height: 48, channels: 3 } })
      .png()
      .toFile(join(pictures, `${page}.png`));
  }
  const times = [];
  for await (const { at, frame } of videoFrames(pictures, 4)) times.push([at, frame.width, frame.height]);
  assert.equal(times, [
    [0, 96, 48],
    [250, 96, 48],
    [500, 96, 48],
  ]);
});

test('what is no recording is refused', async () => {
  const refused = async (path: string, expected: RegExp) => {
    try {
      for await (const _ of videoFrames(path));
    } catch (error) {
      assert.ok(error instanceof InputError, String(error));
      assert.match(error.message, expected);
      return;
    }
    assert.unreachable('was not refused');
  };
  await refused(join(folder, 'none.gif'), /cannot be read as frames/);
  writeFileSync(join(folder, 'text.gif'), 'GIF89a and no more');
  await refused(join(folder, 'text.gif'), /cannot be read as frames/);
  mkdirSync(join(folder, 'empty'));
  await refused(join(folder, 'empty'), /holds no picture/);
});

test.run();

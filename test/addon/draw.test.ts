import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { drawPicture, type PictureOptions } from '../../runtime/addon/draw.ts';
import { decodePicture, type Frame, type Picture } from '../../runtime/addon/vision.ts';
import type { Box } from '../../runtime/core/geometry.ts';
import { rejects } from '../support/rejects.ts';

const WIDTH = 320;
const HEIGHT = 240;

/** Stripes and dots of high contrast: detail everywhere. */
function detailed(width = WIDTH, height = HEIGHT): Frame & { format: 'rgb' } {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    data.set([(x >> 2) % 2 ? 230 : 20, (y >> 2) % 2 ? 220 : 30, ((x + y) >> 3) % 2 ? 240 : 10], i * 3);
  }
  return { format: 'rgb', width, height, data };
}

/** At the best quality, so that what differs was drawn and not compressed. */
async function shown(frame: Frame, options: PictureOptions): Promise<Picture> {
  return decodePicture((await drawPicture(frame, { quality: 100, ...options })).data);
}

const luma = ({ data }: Picture, i: number) =>
  0.3 * data[i * 3]! + 0.6 * data[i * 3 + 1]! + 0.1 * data[i * 3 + 2]!;

/** Largest variance of brightness in any 5 x 5 neighbourhood within the pixels of the region. */
function detail(picture: Picture, [left, top, right, bottom]: readonly number[]): number {
  let most = 0;
  for (let y = top!; y + 5 <= bottom!; y += 2) {
    for (let x = left!; x + 5 <= right!; x += 2) {
      let [sum, squares] = [0, 0];
      for (let i = 0; i < 25; i++) {
        const value = luma(picture, (y + Math.floor(i / 5)) * picture.width + x + (i % 5));
        sum += value;
        squares += value * value;
      }
      most = Math.max(most, squares / 25 - (sum / 25) ** 2);
    }
  }
  return most;
}

function inPixels([x, y, width, height]: Box, enlarge: number): number[] {
  const at = (share: number, size: number) => Math.min(size, Math.max(0, share * size));
  return [
    Math.floor(at(x - width * enlarge, WIDTH)),
    Math.floor(at(y - height * enlarge, HEIGHT)),
    Math.ceil(at(x + width * (1 + enlarge), WIDTH)),
    Math.ceil(at(y + height * (1 + enlarge), HEIGHT)),
  ];
}

test('nothing in a hidden box, made larger, keeps its detail; pixels outside stay', async () => {
  const frame = detailed();
  const plain = await shown(frame, {});
  const box: Box = [0.3, 0.25, 0.2, 0.5];
  const hidden = await shown(frame, { hidden: [box], enlarge: 0.2 });
  const [left, top, right, bottom] = inPixels(box, 0.2) as [number, number, number, number];
  assert.ok(detail(plain, [left, top, right, bottom]) > 1000);
  const kept = detail(hidden, [left + 2, top + 2, right - 2, bottom - 2]);
  assert.ok(kept < 20, `variance of ${kept} within 5 x 5 pixels`);
  for (let i = 0; i < WIDTH * HEIGHT; i++) {
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
    // A JPEG's blocks of 16 x 16 pixels that hold a bit of the box differ as a whole.
    const near = x >= left - 16 && x < right + 16 && y >= top - 16 && y < bottom + 16;
    if (!near) assert.is(hidden.data[i * 3], plain.data[i * 3], `red of ${x}, ${y}`);
  }
});

test('any boxes: no detail inside, at any size of the picture', async () => {
  const share = fc.double({ min: -0.2, max: 1, noNaN: true });
  const size = fc.double({ min: 0.08, max: 1, noNaN: true });
  const boxes = fc.array(fc.tuple(share, share, size, size), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(boxes, fc.double({ min: 0, max: 0.5, noNaN: true }), async (hidden, enlarge) => {
      const picture = await shown(detailed(), { hidden, enlarge });
      // The last box covers the others; parts of those that stick out are of the first kind, too.
      const [left, top, right, bottom] = inPixels(hidden.at(-1)!, enlarge) as [
        number,
        number,
        number,
        number,
      ];
      // Coming near a border, the compression of what is outside shines in.
      const kept = detail(picture, [left + 9, top + 9, right - 9, bottom - 9]);
      assert.ok(kept < 150, `variance of ${kept}`);
    }),
    { numRuns: 40, seed: 7 },
  );
});

test('two pictures with the same means are the same behind a hidden box: nothing else gets through', async () => {
  const flat = (swap: boolean): Frame => {
    const data = new Uint8Array(WIDTH * HEIGHT * 3);
    for (let i = 0; i < WIDTH * HEIGHT; i++) {
      data.fill(((i % WIDTH) + Math.floor(i / WIDTH)) % 2 === Number(swap) ? 60 : 180, i * 3, i * 3 + 3);
    }
    return { format: 'rgb', width: WIDTH, height: HEIGHT, data };
  };
  const options = { hidden: [[0, 0, 1, 1]] as Box[] };
  assert.equal((await shown(flat(true), options)).data, (await shown(flat(false), options)).data);
});

test('privacy comes before drawing: a label over a hidden box stays readable', async () => {
  const box: Box = [0.3, 0.25, 0.3, 0.5];
  const boxes = [{ box, label: 'person 87 % #12', colour: [255, 200, 40] as const }];
  const picture = await shown(detailed(), { hidden: [box], annotations: { boxes } });
  const [left, top] = inPixels(box, 0) as [number, number];
  assert.ok(detail(picture, [left, top - 12, left + 60, top]) > 500);
});

test('the frame is only read; NV12, I420 and RGB are drawn on', async () => {
  const yuv = (format: 'nv12' | 'i420'): Frame => ({
    format,
    width: WIDTH,
    height: HEIGHT,
    data: new Uint8Array((WIDTH * HEIGHT * 3) / 2).fill(128),
  });
  const zones = [
    {
      polygon: [
        [0.1, 0.1],
        [0.9, 0.1],
        [0.5, 0.9],
      ],
      name: 'Süd',
      colour: [255, 0, 0],
    },
  ] as const;
  for (const frame of [yuv('nv12'), yuv('i420'), detailed()]) {
    const before = Uint8Array.from(frame.data);
    const plain = await shown(frame, {});
    const drawn = await shown(frame, {
      annotations: { zones, line: 'gate 15:50:12' },
      hidden: [[0, 0, 0.2, 0.2]],
    });
    assert.equal(frame.data, before);
    const middle = (HEIGHT / 2) * WIDTH + WIDTH / 2;
    assert.ok(drawn.data[middle * 3]! > plain.data[middle * 3]! + 5, `${frame.format}: tinted red`);
  }
});

test('arrows point to where a crossing counts', async () => {
  const frame: Frame = {
    format: 'rgb',
    width: WIDTH,
    height: HEIGHT,
    data: new Uint8Array(WIDTH * HEIGHT * 3).fill(90),
  };
  const line = [
    [0.2, 0.5],
    [0.8, 0.5],
  ] as const;
  const green = async (sides: { toRight?: boolean; toLeft?: boolean }) => {
    const tripwires = [{ line, name: '', colour: [0, 255, 0] as const, ...sides }];
    const { data } = await shown(frame, { annotations: { tripwires } });
    const at = (y: number) => data[(y * WIDTH + WIDTH / 2) * 3 + 1]! > 150;
    return { above: at(HEIGHT / 2 - 8), below: at(HEIGHT / 2 + 8) };
  };
  // Who looks from the left end to the right one has the lower part of the picture on the right.
  assert.equal(await green({ toRight: true }), { above: false, below: true });
  assert.equal(await green({ toLeft: true }), { above: true, below: false });
  assert.equal(await green({}), { above: false, below: false });
});

test('the size is bounded: quality steps down, then the sides shrink; what fits nowhere is refused', async () => {
  const frame = detailed(640, 480);
  const best = await drawPicture(frame, { quality: 90 });
  assert.equal([best.width, best.height, best.quality], [640, 480, 90]);
  const less = await drawPicture(frame, { quality: 90, mostBytes: Math.floor(best.data.length * 0.6) });
  assert.is(less.width, 640);
  assert.ok(less.quality < 90 && less.data.length <= best.data.length * 0.6);
  const small = await drawPicture(frame, { quality: 90, mostBytes: 6000 });
  assert.ok(small.width < 640 && small.data.length <= 6000);
  assert.is(decodePicture(small.data).width, small.width);
  assert.equal((await drawPicture(frame, { most: 160 })).width, 160);
  await rejects(drawPicture(frame, { mostBytes: 100 }), 'bad-argument');
});

test('any annotations are drawn or refused, never more', async () => {
  const frame = detailed(64, 48);
  const place = fc.double({ min: -20, max: 20 });
  const point = fc.tuple(place, place);
  const colour = fc.constant([200, 100, 50] as const);
  const annotations = fc.record({
    boxes: fc.array(
      fc.record({
        box: fc.tuple(place, place, place, place),
        label: fc.string(),
        colour,
        dashed: fc.boolean(),
      }),
      { maxLength: 4 },
    ),
    zones: fc.array(
      fc.record({
        polygon: fc.array(point, { maxLength: 6 }),
        name: fc.string({ unit: 'binary' }),
        colour,
        hatched: fc.boolean(),
      }),
      {
        maxLength: 3,
      },
    ),
    tripwires: fc.array(
      fc.record({
        line: fc.tuple(point, point),
        name: fc.string(),
        colour,
        toRight: fc.boolean(),
        toLeft: fc.boolean(),
      }),
      { maxLength: 3 },
    ),
    line: fc.string({ maxLength: 300 }),
  });
  await fc.assert(
    fc.asyncProperty(annotations, async (drawn) => {
      try {
        const { width } = await drawPicture(frame, { annotations: drawn as PictureOptions['annotations'] });
        assert.is(width, 64);
      } catch (error) {
        assert.is((error as { code?: string }).code, 'bad-argument');
      }
    }),
    { numRuns: 150, seed: 3 },
  );
});

test('wrong options are named', async () => {
  const frame = detailed(32, 32);
  const cases: [object, RegExp][] = [
    [{ quality: 0 }, /quality/],
    [{ most: 5 }, /most/],
    [{ hidden: [[0, 0, -1, 1]] }, /hidden has a negative size/],
    [{ hidden: [[0, 0, 1]] }, /hidden is not a list of 4/],
    [{ enlarge: 2 }, /enlarge/],
    [{ annotations: { boxes: [{ box: [0, 0, 1, 1], label: 'x', colour: [0, 0, 300] }] } }, /colour/],
    [
      { annotations: { zones: [{ polygon: [[0, 99]], name: '', colour: [0, 0, 0] }] } },
      /polygon is far outside/,
    ],
    [{ annotations: { boxes: [3] } }, /boxes has an entry/],
  ];
  for (const [options, message] of cases) {
    const error = await rejects(drawPicture(frame, options as PictureOptions), 'bad-argument');
    assert.match(error.message, message);
  }
});

test.run();

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Frame, type PixelFormat, type PreprocessOptions, Vision } from '../../runtime/addon/vision.ts';
import { InputError } from '../../runtime/core/errors.ts';
import { naivePreprocess, planesOf } from './naive-preprocess.ts';
import { randomSource } from './support.ts';

const FORMATS: readonly PixelFormat[] = ['rgb', 'bgr', 'nv12', 'i420', 'yuyv'];
const ARRAYS = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array };

const decoding = {
  head: 'classification',
  outputs: ['o'],
  classes: 2,
  activation: 'none',
  most: 1,
  threshold: 0,
} as const;

const plain: PreprocessOptions = {
  resize: 'stretch',
  filter: 'bilinear',
  width: 5,
  height: 4,
  pad: 0,
  order: 'rgb',
  mean: [0, 0, 0],
  divisor: [1, 1, 1],
  type: 'float32',
  layout: 'nchw',
};

/** Random pixels, with gaps of random bytes before the planes and behind the rows. */
function randomFrame(format: PixelFormat, width: number, height: number, seed: number, gap: number): Frame {
  const random = randomSource(seed);
  let end = 0;
  const planes = planesOf(format, width, height).map(([bytes, rows]) => {
    const plane = { offset: end + gap, stride: bytes + gap };
    end = plane.offset + plane.stride * (rows - 1) + bytes;
    return plane;
  });
  return { format, width, height, planes, data: Uint8Array.from({ length: end }, () => random() * 256) };
}

function prepared(frame: Frame, options: PreprocessOptions) {
  const out = new ARRAYS[options.type as keyof typeof ARRAYS](3 * options.width * options.height).fill(77);
  new Vision(options, decoding).prepare(frame, out);
  return out;
}

const side = fc.integer({ min: 1, max: 40 });
const mean = fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: 0, max: 130 }))) as fc.Arbitrary<number[]>;

test('every format, resize, filter, order and layout equals the definition', () => {
  fc.assert(
    fc.property(
      fc.record({
        format: fc.constantFrom(...FORMATS),
        width: side,
        height: side,
        seed: fc.integer(),
        gap: fc.integer({ min: 0, max: 9 }),
        matrix: fc.constantFrom('bt601' as const, 'bt709' as const, 'bt2020' as const),
        fullRange: fc.boolean(),
      }),
      fc.record({
        resize: fc.constantFrom(
          'stretch' as const,
          'letterbox-center' as const,
          'letterbox-top-left' as const,
        ),
        filter: fc.constantFrom('bilinear' as const, 'area' as const),
        width: side,
        height: side,
        pad: fc.integer({ min: 0, max: 255 }),
        order: fc.constantFrom('rgb' as const, 'bgr' as const),
        mean,
        layout: fc.constantFrom('nchw' as const, 'nhwc' as const),
      }),
      fc.constantFrom('float32', 'int8', 'uint8'),
      (picture, how, type) => {
        const { format, width, height, seed, gap, matrix, fullRange } = picture;
        const frame = { ...randomFrame(format, width, height, seed, gap), matrix, fullRange };
        const options = { ...how, divisor: type === 'float32' ? [2, 3, 0.5] : [1, 1, 1], type };
        // Colours from YUV are rounded to bytes by either side in its own way.
        const colours = picture.format === 'rgb' || picture.format === 'bgr' ? 1e-3 : 1.5;
        const slack = type === 'float32' ? 2 * colours : 0.501 + colours;
        const [least, most] = { float32: [-1e9, 1e9], int8: [-128, 127], uint8: [0, 255] }[type]!;
        const expected = naivePreprocess(frame, options);
        prepared(frame, options).forEach((value, i) => {
          const wanted = Math.min(Math.max(expected[i]!, least!), most!);
          if (Math.abs(value - wanted) > slack) assert.unreachable(`${i}: ${value} instead of ${wanted}`);
        });
      },
    ),
    { numRuns: 400, seed: 11 },
  );
});

test('planes without gaps need no description', () => {
  for (const format of FORMATS) {
    const frame = randomFrame(format, 7, 5, 3, 0);
    const { planes: _, ...tight } = frame;
    assert.equal(prepared(tight, plain), prepared(frame, plain), format);
  }
});

test('pictures of changing size and format through one object are as through a new one', () => {
  const vision = new Vision({ ...plain, resize: 'letterbox-center', pad: 9 }, decoding);
  for (let i = 0; i < 60; i++) {
    const frame = randomFrame(FORMATS[i % 5]!, 1 + ((i * 7) % 23), 1 + ((i * 5) % 19), i, i % 3);
    const out = new Float32Array(60);
    vision.prepare(frame, out);
    assert.equal(out, prepared(frame, { ...plain, resize: 'letterbox-center', pad: 9 }));
  }
});

test('the greys of a camera become the greys of the model', () => {
  for (const format of ['nv12', 'i420', 'yuyv'] as const) {
    const { planes: _, ...frame } = randomFrame(format, 8, 8, 1, 0);
    const luma = (value: number) => {
      const data = frame.data.map((_, i) =>
        format === 'yuyv' ? (i % 2 ? 128 : value) : i < 64 ? value : 128,
      );
      return [...new Set(prepared({ ...frame, data }, plain))];
    };
    assert.equal(luma(16), [0], `${format}: black`);
    assert.equal(luma(235), [255], `${format}: white`);
  }
});

const refused = (work: () => unknown, text: RegExp) =>
  assert.throws(
    work,
    (error: unknown) =>
      error instanceof InputError && error.code === 'bad-argument' && text.test(error.message),
  );

test('pictures that are not what they say are refused, and read no byte too many', () => {
  const data = new Uint8Array(48);
  const frame: Frame = { format: 'rgb', width: 4, height: 4, data };
  const give = (change: object, out: Float32Array | Uint8Array = new Float32Array(60)) =>
    new Vision(plain, decoding).prepare({ ...frame, ...change } as Frame, out as Float32Array);
  give({});
  refused(() => give({ height: 5 }), /48 bytes/);
  refused(() => give({ width: 0 }), /width/);
  refused(() => give({ width: 2 ** 31 }), /width/);
  refused(() => give({ width: 32768, height: 32768 }), /100 million/);
  refused(() => give({ format: 'jpeg' }), /format is not one of/);
  refused(() => give({ data: [1, 2] }), /Uint8Array/);
  refused(() => give({ planes: [{ offset: 0, stride: 11 }] }), /rows of 11 bytes/);
  refused(() => give({ planes: [{ offset: 1, stride: 12 }] }), /fewer than plane 0/);
  refused(() => give({ planes: [{ offset: 0, stride: 4294967295 }] }), /fewer than plane 0/);
  refused(() => give({ format: 'nv12', planes: [{ offset: 0, stride: 4 }] }), /1 planes/);
  refused(() => give({}, new Float32Array(59)), /at least 240/);
  refused(() => give({}, new Uint8Array(240)), /typed array of float32/);
});

test('options without sense are refused by name', () => {
  const make = (change: object) => new Vision({ ...plain, ...change }, decoding);
  refused(() => make({ divisor: [1, 0, 1] }), /divides by 0/);
  refused(() => make({ mean: [1, 2] }), /mean has too few/);
  refused(() => make({ width: 9000 }), /1 to 8192/);
  refused(() => make({ type: 'float64' }), /type is not one of/);
  refused(() => make({ resize: 'crop' }), /resize is not one of/);
});

test.run();

import { crc32, deflateSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodePicture } from '../../runtime/addon/vision.ts';
import { InputError } from '../../runtime/core/errors.ts';
import { randomSource } from './support.ts';

const random = randomSource(4);
const noise = (count: number) => Uint8Array.from({ length: count }, () => random() * 256);

function ppm(
  width: number,
  height: number,
  rgb: Uint8Array,
  header = `P6\n# a comment\n${width} ${height}\n255\n`,
) {
  return Buffer.concat([Buffer.from(header), rgb]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length);
  out.write(type, 4, 'latin1');
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

/** @param colour 2: RGB, 6: with alpha. */
function png(width: number, height: number, pixels: Uint8Array, colour = 2): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, colour, 0, 0, 0], 8);
  const stride = (colour === 2 ? 3 : 4) * width;
  const rows = Array.from({ length: pixels.length / stride }, (_, y) => [
    Buffer.of(0),
    pixels.subarray(y * stride, (y + 1) * stride),
  ]);
  const signature = Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const data = deflateSync(Buffer.concat(rows.flat()));
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** 8 x 8 pixels of one grey, baseline, as small as a JPEG gets. */
function jpeg(): Buffer {
  const ones = (count: number) => new Uint8Array(count).fill(1);
  const segment = (marker: number, data: Uint8Array) => {
    const out = Buffer.alloc(4 + data.length);
    out.set([0xff, marker, 0, data.length + 2]);
    out.set(data, 4);
    return out;
  };
  // One code of one bit each: category 0 for the mean, end of block for the rest.
  const code = (kind: number) => Buffer.concat([Buffer.of(kind, 1), Buffer.alloc(15), Buffer.of(0)]);
  return Buffer.concat([
    Buffer.of(0xff, 0xd8),
    segment(0xdb, Buffer.concat([Buffer.of(0), ones(64)])),
    segment(0xc0, Buffer.of(8, 0, 8, 0, 8, 1, 1, 0x11, 0)),
    segment(0xc4, code(0x00)),
    segment(0xc4, code(0x10)),
    segment(0xda, Buffer.of(1, 1, 0, 0, 63, 0)),
    Buffer.of(0x3f, 0xff, 0xd9),
  ]);
}

const refused = (bytes: Uint8Array, text = /the picture cannot be read/) =>
  assert.throws(
    () => decodePicture(bytes),
    (error: unknown) =>
      error instanceof InputError && error.code === 'bad-picture' && text.test(error.message),
  );

test('PNG and PPM give the pixels that went in', () => {
  const rgb = noise(7 * 5 * 3);
  for (const bytes of [ppm(7, 5, rgb), png(7, 5, rgb)]) {
    const picture = decodePicture(bytes);
    assert.equal([picture.width, picture.height], [7, 5]);
    assert.equal([...picture.data], [...rgb]);
  }
});

test('what is transparent in a PNG is black', () => {
  const { data } = decodePicture(png(2, 1, Uint8Array.of(200, 100, 50, 0, 200, 100, 50, 255), 6));
  assert.equal([...data], [0, 0, 0, 200, 100, 50]);
});

test('a grey JPEG is grey', () => {
  const { width, height, data } = decodePicture(jpeg());
  assert.equal([width, height], [8, 8]);
  assert.equal([...new Set(data)], [128]);
});

test('sizes beyond the bounds are refused before memory is taken', () => {
  refused(png(30_000, 30_000, noise(0)), /30000 x 30000 pixels/);
  refused(png(40_000, 1, noise(0)), /40000 x 1 pixels/);
  refused(ppm(30_000, 30_000, noise(10)), /10 bytes for 30000 x 30000/);
  const huge = jpeg();
  const frame = huge.indexOf(Buffer.of(0xff, 0xc0));
  huge.writeUInt16BE(65_000, frame + 5);
  huge.writeUInt16BE(65_000, frame + 7);
  refused(huge, /65000 x 65000/);
});

test('anything else is refused', () => {
  for (const bytes of [
    noise(0),
    noise(1),
    noise(500),
    Buffer.from('GIF89a'),
    Buffer.from('P6'),
    Buffer.from('P5 1 1 255 a'),
  ]) {
    refused(bytes);
  }
  refused(ppm(1, 1, noise(3), 'P6 1 1 65535\n'), /largest value/);
});

test('every file cut short is refused', () => {
  for (const whole of [jpeg(), png(7, 5, noise(7 * 5 * 3)), ppm(7, 5, noise(7 * 5 * 3))]) {
    // The end marks of JPEG and PNG are not needed to read them.
    const most = whole[0] === 0x50 ? whole.length - 1 : whole.length - 16;
    for (let length = 0; length < most; length++) refused(whole.subarray(0, length));
  }
});

test('damaged files are refused or read, never more', () => {
  for (const whole of [jpeg(), png(16, 16, noise(16 * 16 * 3)), ppm(7, 5, noise(7 * 5 * 3))]) {
    for (let run = 0; run < 2000; run++) {
      const broken = Buffer.from(whole);
      for (let i = 0; i <= run % 4; i++) broken[Math.floor(random() * broken.length)] = random() * 256;
      try {
        const { width, height, data } = decodePicture(broken);
        assert.is(data.length, width * height * 3);
      } catch (error) {
        assert.is((error as InputError).code, 'bad-picture');
      }
    }
  }
});

test.run();

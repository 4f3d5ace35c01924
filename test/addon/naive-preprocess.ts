/** Pre-processing by its definition: one output value at a time, in doubles. */

import type { Frame, PixelFormat, PreprocessOptions } from '../../runtime/addon/vision.ts';

export type Order = 'rgb' | 'bgr';

/** Bytes of a row and rows of each plane. */
export function planesOf(
  format: PixelFormat,
  width: number,
  height: number,
): readonly (readonly [number, number])[] {
  const [halfWidth, halfHeight] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  switch (format) {
    case 'rgb':
    case 'bgr':
      return [[width * 3, height]];
    case 'yuyv':
      return [[halfWidth * 4, height]];
    case 'nv12':
      return [
        [width, height],
        [halfWidth * 2, halfHeight],
      ];
    case 'i420':
      return [
        [width, height],
        [halfWidth, halfHeight],
        [halfWidth, halfHeight],
      ];
  }
}

/** R, G, B of a pixel, or Y, U, V. */
function pixel(frame: Frame, x: number, y: number): [number, number, number] {
  const { format, data } = frame;
  const at = (plane: number, row: number, byte: number) => {
    const { offset, stride } = frame.planes![plane]!;
    return data[offset + row * stride + byte]!;
  };
  if (format === 'rgb' || format === 'bgr') {
    const [a, b, c] = [0, 1, 2].map((channel) => at(0, y, 3 * x + channel)) as [number, number, number];
    return format === 'rgb' ? [a, b, c] : [c, b, a];
  }
  const [column, row] = [x >> 1, y >> 1];
  const yuv = {
    yuyv: () => [at(0, y, 2 * x), at(0, y, 4 * column + 1), at(0, y, 4 * column + 3)] as const,
    nv12: () => [at(0, y, x), at(1, row, 2 * column), at(1, row, 2 * column + 1)] as const,
    i420: () => [at(0, y, x), at(1, row, column), at(2, row, column)] as const,
  };
  return [...yuv[format]()];
}

/** Red's part of V, green's of U and V, blue's of U, with full range: as the recommendations print them. */
const MATRICES = {
  bt601: [1.402, 0.344136, 0.714136, 1.772],
  bt709: [1.5748, 0.187324, 0.468124, 1.8556],
  bt2020: [1.4746, 0.164553, 0.571353, 1.8814],
} as const;

function fromYuv(
  [y, u, v]: readonly [number, number, number],
  { matrix = 'bt601', fullRange = false }: Frame,
): [number, number, number] {
  const bright = fullRange ? y : (255 / 219) * (y - 16);
  const wide = fullRange ? 1 : 255 / 224;
  const [redV, greenU, greenV, blueU] = MATRICES[matrix].map((weight) => weight * wide) as [
    number,
    number,
    number,
    number,
  ];
  const round = (value: number) => Math.min(255, Math.max(0, value));
  return [
    round(bright + redV * (v - 128)),
    round(bright - greenU * (u - 128) - greenV * (v - 128)),
    round(bright + blueU * (u - 128)),
  ];
}

/** What one output pixel takes of the source's pixels along an axis: [index, weight]. */
function taps(index: number, from: number, to: number, area: boolean): [number, number][] {
  if (area) {
    const [begin, end] = [(index * from) / to, ((index + 1) * from) / to];
    const shares: [number, number][] = [];
    for (let i = Math.floor(begin); i < Math.min(Math.ceil(end), from); i++) {
      shares.push([i, (Math.min(end, i + 1) - Math.max(begin, i)) / (end - begin)]);
    }
    return shares;
  }
  const centre = Math.min(Math.max(((index + 0.5) * from) / to - 0.5, 0), from - 1);
  const left = Math.floor(centre);
  return [
    [left, 1 - (centre - left)],
    [Math.min(left + 1, from - 1), centre - left],
  ];
}

function fitted({ resize, width, height }: PreprocessOptions, frame: Frame) {
  if (resize === 'stretch') return { width, height, left: 0, top: 0 };
  const ratio = Math.min(width / frame.width, height / frame.height);
  const whole = (size: number, most: number) => {
    const exact = size * ratio;
    const rounded = resize === 'letterbox-center' ? Math.round(exact) : Math.floor(exact + 1e-9);
    return Math.min(Math.max(rounded, 1), most);
  };
  const size = { width: whole(frame.width, width), height: whole(frame.height, height) };
  const centred = resize === 'letterbox-center';
  return {
    ...size,
    left: centred ? (width - size.width) >> 1 : 0,
    top: centred ? (height - size.height) >> 1 : 0,
  };
}

/** The model's input in the order of `options.layout`, before rounding to its type. */
export function naivePreprocess(frame: Frame, options: PreprocessOptions): Float64Array {
  const { width, height } = options;
  const out = new Float64Array(3 * width * height);
  const size = fitted(options, frame);
  const area = options.filter === 'area' && size.width <= frame.width && size.height <= frame.height;
  const put = (x: number, y: number, rgb: readonly number[]) => {
    for (let c = 0; c < 3; c++) {
      const value = options.order === 'rgb' ? rgb[c]! : rgb[2 - c]!;
      const at = options.layout === 'nchw' ? (c * height + y) * width + x : (y * width + x) * 3 + c;
      out[at] = (value - options.mean[c]!) / options.divisor[c]!;
    }
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) put(x, y, [options.pad, options.pad, options.pad]);
  }
  const isYuv = frame.format !== 'rgb' && frame.format !== 'bgr';
  // Means are taken of what a camera gives; between pixels, of colours.
  const toColour = (value: [number, number, number], wanted: boolean) =>
    isYuv && wanted ? fromYuv(value, frame) : value;
  for (let y = 0; y < size.height; y++) {
    const rows = taps(y, frame.height, size.height, area);
    for (let x = 0; x < size.width; x++) {
      const sum: [number, number, number] = [0, 0, 0];
      for (const [row, down] of rows) {
        for (const [column, across] of taps(x, frame.width, size.width, area)) {
          toColour(pixel(frame, column, row), !area).forEach((value, c) => {
            sum[c]! += value * down * across;
          });
        }
      }
      put(x + size.left, y + size.top, toColour(sum, area));
    }
  }
  return out;
}

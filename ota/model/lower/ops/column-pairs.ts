/**
 * A convolution over a picture of few channels reads two neighbouring pixels as one of twice the channels: XNNPACK's
 * loop over so few is too short to be fast. Picture and filter lie so already.
 */

import type { Value } from '../../graph.ts';
import type { Lowering } from '../lowering.ts';
import { channelsLast } from '../order.ts';
import type { Padding, Pair } from '../pictures.ts';

const MOST_CHANNELS = 4;

export interface Windows {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Padding;
  readonly dilation: Pair;
}

interface Paired {
  /** Plan values. */
  readonly source: number;
  readonly weights: number;
  readonly windows: Pick<Windows, 'kernel' | 'stride' | 'padding'>;
}

/** @returns undefined where the windows do not fall on pairs, or nothing is won. */
export function inPairs(
  lowering: Lowering,
  source: number,
  output: number,
  { filter: given, ...windows }: Windows & { readonly filter: Value },
): Paired | undefined {
  const [batch, height, width, channels] = lowering.builder.values[source]!.dims as Dims;
  const steps =
    windows.stride[1] % 2 === 0 && width % 2 === 0 && windows.dilation[0] * windows.dilation[1] === 1;
  if (channels > MOST_CHANNELS || !steps || given.shape.length !== 4) return undefined;
  const even = evenColumns(given, windows, width, lowering.builder.values[output]!.dims[2]!);
  if (!even) return undefined;
  const { filter, kernel, padding } = even;
  const paired = lowering.temporaryLike(source, [batch, height, width / 2, 2 * channels]);
  const { dims } = lowering.builder.values[paired]!;
  lowering.emit({ op: 'reshape', shape: dims, inputs: [source], outputs: [paired] });
  const halved: Pair = [kernel[0], kernel[1] / 2];
  return {
    source: paired,
    weights: lowering.arrangedConstant(filter, channelsLast(4), [filter.shape[0]!, ...halved, 2 * channels]),
    windows: {
      kernel: halved,
      stride: [windows.stride[0], windows.stride[1] / 2],
      padding: [padding[0], padding[1] / 2, padding[2], padding[3] / 2],
    },
  };
}

type Dims = [batch: number, height: number, width: number, channels: number];

interface Even extends Pick<Windows, 'kernel' | 'padding'> {
  readonly filter: Value;
}

/**
 * Windows that begin at an even column and have an even number of them. An int8 filter gets columns of zeros for it:
 * its loop takes eight channels at once, so that a 3x3 one of three channels has a third less to do.
 */
function evenColumns(
  filter: Value,
  { kernel, stride, padding }: Windows,
  width: number,
  columns: number,
): Even | undefined {
  const [top, right, bottom, left] = padding;
  if (kernel[1] % 2 === 0 && left % 2 === 0 && right % 2 === 0) return { filter, kernel, padding };
  if (filter.type !== 'int8' || filter.quantization?.zeroPoint.some((zero) => zero !== 0)) return undefined;
  const before = left % 2;
  const after = (kernel[1] + before) % 2;
  const wide = before + kernel[1] + after;
  // Of as many windows as there were.
  const behind = (columns - 1) * stride[1] + wide - width - (left + before);
  if (behind < 0) return undefined;
  return {
    filter: widened(filter, before, after),
    kernel: [kernel[0], wide],
    padding: [top, behind, bottom, left + before],
  };
}

/** With columns of zeros before and after those of the filter, whose elements are bytes. */
function widened(filter: Value, before: number, after: number): Value {
  const [outputs, inputs, height, width] = filter.shape as [number, number, number, number];
  const wide = before + width + after;
  const data = new Uint8Array(outputs * inputs * height * wide);
  for (let row = 0; row < outputs * inputs * height; row++) {
    data.set(filter.data!.subarray(row * width, (row + 1) * width), row * wide + before);
  }
  return { ...filter, shape: [outputs, inputs, height, wide], data };
}

/** Windowed operators work on pictures, NHWC; a signal [N, C, W] is a picture of one row. */

import type { Node } from '../graph.ts';
import { numbersOf, stringOf } from './attributes.ts';
import type { Lowering } from './lowering.ts';
import { refuse } from './not-expressible.ts';
import { channelsLast } from './order.ts';

export type Pair = readonly [number, number];
export type Padding = readonly [top: number, right: number, bottom: number, left: number];

export interface Picture {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Sizes of an ONNX value [N, C, W] or [N, C, H, W]. */
export function pictureOf(lowering: Lowering, name: string): Picture {
  const shape = lowering.shape(name);
  if (shape.length !== 3 && shape.length !== 4) {
    refuse(
      `its input has ${shape.length} dimensions; XNNPACK has this operator for pictures and signals alone`,
    );
  }
  const [batch, channels] = shape as [number, number];
  return { batch, channels, height: shape.length === 4 ? shape[2]! : 1, width: shape.at(-1)! };
}

/** The value as NHWC. @returns its plan value */
export function asPicture(lowering: Lowering, name: string): number {
  const { batch, height, width, channels } = pictureOf(lowering, name);
  const id = lowering.arranged(name, channelsLast(lowering.shape(name).length));
  return lowering.reshaped(id, [batch, height, width, channels], lowering.value(name));
}

/** Declares the result of an operator that writes NHWC, and lays it out as the signal it may be. */
export function pictureOutput(lowering: Lowering, name: string, emit: (id: number) => void): void {
  const shape = lowering.shape(name);
  const order = channelsLast(shape.length);
  if (shape.length === 4) {
    emit(lowering.output(name, order));
    return;
  }
  const [batch, channels, width] = shape as [number, number, number];
  const value = lowering.value(name);
  const picture = lowering.temporary([batch, 1, width, channels], value);
  emit(picture);
  lowering.place(name, { id: lowering.reshaped(picture, [batch, width, channels], value), order });
}

/** A spatial attribute; for a signal its rows are given by `missing`. */
export function pair(node: Node, name: string, rank: number, missing: number): Pair {
  const given = numbersOf(node, name) ?? new Array<number>(rank - 2).fill(missing);
  if (given.length !== rank - 2) refuse(`its ${name} has ${given.length} numbers for ${rank - 2} axes`);
  return rank === 3 ? [missing, given[0]!] : [given[0]!, given[1]!];
}

/**
 * Padding for each side, `auto_pad` resolved.
 * @param size of the picture  @param reach of the window: (kernel - 1) · dilation + 1
 */
export function paddingOf(node: Node, rank: number, size: Pair, reach: Pair, stride: Pair): Padding {
  const auto = stringOf(node, 'auto_pad', 'NOTSET');
  if (auto === 'VALID') return [0, 0, 0, 0];
  if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    const [y, x] = ([0, 1] as const).map((axis) => {
      const out = Math.ceil(size[axis] / stride[axis]);
      const all = Math.max(0, (out - 1) * stride[axis] + reach[axis] - size[axis]);
      const less = Math.floor(all / 2);
      return auto === 'SAME_UPPER' ? [less, all - less] : [all - less, less];
    }) as unknown as [Pair, Pair];
    return [y[0], x[1], y[1], x[0]];
  }
  const given = numbersOf(node, 'pads') ?? new Array<number>(2 * (rank - 2)).fill(0);
  if (given.length !== 2 * (rank - 2)) refuse(`its pads has ${given.length} numbers for ${rank - 2} axes`);
  const pads = given as [number, number, number, number];
  const padding: Padding = rank === 3 ? [0, pads[1], 0, pads[0]] : [pads[0], pads[3], pads[2], pads[1]];
  if (padding.some((side) => side < 0)) refuse('one of its pads is negative');
  return padding;
}

export function reachOf(kernel: Pair, dilation: Pair): Pair {
  return [(kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1];
}

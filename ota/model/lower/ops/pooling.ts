/** MaxPool and AveragePool in one and two dimensions, and the global pools. */

import type { Node } from '../../graph.ts';
import { numberOf, numbersOf } from '../attributes.ts';
import { absorbBounds } from '../bounds.ts';
import type { Lowering } from '../lowering.ts';
import { refuse } from '../not-expressible.ts';
import { channelsLast } from '../order.ts';
import {
  asPicture,
  type Padding,
  type Pair,
  paddingOf,
  pair,
  pictureOf,
  pictureOutput,
  reachOf,
} from '../pictures.ts';

/** Below every float32 that a picture may hold; JSON has no infinity. */
const LOWEST = -3.4028234663852886e38;

interface PoolWindow {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  /** As the attributes say. */
  readonly padding: Padding;
  /** Further rows below and columns at the right, for windows that begin inside and end outside (ceil_mode). */
  readonly beyond: Pair;
}

export function maxPool(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  if (node.outputs.length > 1 && node.outputs[1] !== '')
    refuse('XNNPACK does not give the places of the maxima');
  const { kernel, stride, dilation, padding, beyond } = windowOf(node, lowering);
  let source = asPicture(lowering, input);
  const [top, right, bottom, left] = padding;
  let sides: Padding = [top, right + beyond[1], bottom + beyond[0], left];
  const dilated = dilation[0] > 1 || dilation[1] > 1;
  if (dilated && sides.some((side) => side > 0)) {
    source = padded(lowering, source, input, sides, LOWEST);
    sides = [0, 0, 0, 0];
  }
  if (kernel[0] * kernel[1] === 1 || stride[0] > kernel[0] || stride[1] > kernel[1]) {
    refuse(
      `XNNPACK's pooling needs a window of several pixels and no stride beyond it; they are [${kernel}] and [${stride}]`,
    );
  }
  const { name, bounds } = absorbBounds(lowering, node.outputs[0]!);
  pictureOutput(lowering, name, (output) => {
    const op = { op: 'maxPool2d', kernel, stride, padding: sides, dilation, ...bounds } as const;
    lowering.emit({ ...op, inputs: [source], outputs: [output] });
  });
}

export function averagePool(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const { kernel, stride, dilation, padding, beyond } = windowOf(node, lowering);
  if (dilation[0] > 1 || dilation[1] > 1)
    refuse(`XNNPACK has no dilated average; its dilations are [${dilation}]`);
  let source = asPicture(lowering, input);
  let [top, right, bottom, left] = padding;
  // XNNPACK divides by the pixels inside the picture. Padding that counts is made of real zeros.
  if (numberOf(node, 'count_include_pad', 0) !== 0 && padding.some((side) => side > 0)) {
    source = padded(lowering, source, input, padding, 0);
    [top, right, bottom, left] = [0, 0, 0, 0];
  }
  const { name, bounds } = absorbBounds(lowering, node.outputs[0]!);
  pictureOutput(lowering, name, (output) => {
    const sides: Padding = [top, right + beyond[1], bottom + beyond[0], left];
    const op = { op: 'averagePool2d', kernel, stride, padding: sides, ...bounds } as const;
    lowering.emit({ ...op, inputs: [source], outputs: [output] });
  });
}

function padded(
  lowering: Lowering,
  source: number,
  like: string,
  [top, right, bottom, left]: Padding,
  value: number,
): number {
  const [n, h, w, c] = lowering.builder.values[source]!.dims as [number, number, number, number];
  const output = lowering.temporary([n, h + top + bottom, w + left + right, c], lowering.value(like));
  const sides = { before: [0, top, left, 0], after: [0, bottom, right, 0], value };
  lowering.emit({ op: 'constantPad', ...sides, inputs: [source], outputs: [output] });
  return output;
}

function windowOf(node: Node, lowering: Lowering): PoolWindow {
  const [input] = node.inputs as [string];
  const rank = lowering.shape(input).length;
  const { height, width } = pictureOf(lowering, input);
  if (!numbersOf(node, 'kernel_shape')) refuse('it has no kernel_shape');
  const kernel = pair(node, 'kernel_shape', rank, 1);
  const stride = pair(node, 'strides', rank, 1);
  const dilation = pair(node, 'dilations', rank, 1);
  const reach = reachOf(kernel, dilation);
  const padding = paddingOf(node, rank, [height, width], reach, stride);
  const [top, right, bottom, left] = padding;
  const out = lowering.shape(node.outputs[0]!);
  const wanted: Pair = [rank === 4 ? out[2]! : 1, out.at(-1)!];
  const room: Pair = [height + top + bottom, width + left + right];
  const beyond = ([0, 1] as const).map((axis) =>
    Math.max(0, (wanted[axis] - 1) * stride[axis] + reach[axis] - room[axis]),
  ) as [number, number];
  for (const axis of [0, 1] as const) {
    const made = Math.floor((room[axis] + beyond[axis] - reach[axis]) / stride[axis]) + 1;
    if (made !== wanted[axis])
      refuse(`XNNPACK's pooling would give ${made} rows or columns where ONNX has ${wanted[axis]}`);
    const outside = (wanted[axis] - 1) * stride[axis];
    if (outside >= (axis === 0 ? top + height : left + width))
      refuse('one of its windows lies outside the picture');
  }
  if (reach[0] <= Math.max(top, bottom) || reach[1] <= Math.max(left, right)) {
    refuse(`its padding [${padding}] is as wide as its window: a window would hold no pixel`);
  }
  return { kernel, stride, dilation, padding, beyond };
}

export function globalAveragePool(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const rank = lowering.shape(input).length;
  const order = rank === 3 || rank === 4 ? channelsLast(rank) : refuse(`its input has ${rank} dimensions`);
  const source = lowering.arranged(input, order);
  const axes = Array.from({ length: rank - 2 }, (_, i) => i + 1);
  const output = lowering.output(node.outputs[0]!, order);
  lowering.emit({ op: 'reduce', kind: 'mean', axes, keepDims: true, inputs: [source], outputs: [output] });
}

export function globalMaxPool(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const { height, width } = pictureOf(lowering, input);
  const source = asPicture(lowering, input);
  const [name] = node.outputs as [string];
  if (height * width === 1) {
    lowering.place(name, lowering.placed(input));
    return;
  }
  pictureOutput(lowering, name, (output) => {
    const window = {
      kernel: [height, width],
      stride: [1, 1],
      padding: [0, 0, 0, 0],
      dilation: [1, 1],
    } as const;
    lowering.emit({ op: 'maxPool2d', ...window, inputs: [source], outputs: [output] });
  });
}

/** ConvTranspose, in one and two dimensions. */

import type { Node, Value } from '../../graph.ts';
import { numberOf, numbersOf, stringOf } from '../attributes.ts';
import { absorbBounds } from '../bounds.ts';
import type { Lowering } from '../lowering.ts';
import { refuse } from '../not-expressible.ts';
import { elements, permuteBytes } from '../order.ts';
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
import { storedAs } from '../types.ts';
import { biasOf, constantFilter, kernelOf } from './convolution.ts';

export function convTranspose(node: Node, lowering: Lowering): void {
  const [input, filterName] = node.inputs as [string, string];
  const rank = lowering.shape(input).length;
  const picture = pictureOf(lowering, input);
  const filter = constantFilter(lowering, filterName);
  const groups = numberOf(node, 'group', 1);
  const kernel = kernelOf(filter);
  const stride = pair(node, 'strides', rank, 1);
  const dilation = pair(node, 'dilations', rank, 1);
  const { padding, adjustment } = margins(node, lowering, [picture.height, picture.width], {
    reach: reachOf(kernel, dilation),
    stride,
  });
  const source = asPicture(lowering, input);
  const weights = arrangedFilter(lowering, filter, groups);
  const bias = biasOf(node, lowering);
  const { name, bounds } = absorbBounds(lowering, node.outputs[0]!);
  pictureOutput(lowering, name, (output) => {
    const op = {
      op: 'deconvolution2d',
      kernel,
      stride,
      padding,
      dilation,
      groups,
      adjustment,
      ...bounds,
    } as const;
    lowering.emit({ ...op, inputs: [source, weights, ...bias], outputs: [output] });
  });
}

/**
 * The output has (size - 1) · stride + reach rows less the padding. ONNX may ask for more of them (output_padding,
 * output_shape); XNNPACK adds them at the end, fewer than the stride.
 */
function margins(
  node: Node,
  lowering: Lowering,
  size: Pair,
  { reach, stride }: { reach: Pair; stride: Pair },
): { padding: Padding; adjustment: Pair } {
  const shape = lowering.shape(node.outputs[0]!);
  const out: Pair = shape.length === 3 ? [1, shape[2]!] : [shape[2]!, shape[3]!];
  const auto = stringOf(node, 'auto_pad', 'NOTSET');
  const free = (axis: 0 | 1) => (size[axis] - 1) * stride[axis] + reach[axis];
  let sides: [number, number][];
  if (auto === 'NOTSET' && !numbersOf(node, 'output_shape')) {
    const [top, right, bottom, left] = paddingOf(node, shape.length, size, reach, stride);
    sides = [
      [top, bottom],
      [left, right],
    ];
  } else {
    const extra = pair(node, 'output_padding', shape.length, 0);
    sides = ([0, 1] as const).map((axis) => {
      const all = Math.max(0, free(axis) + extra[axis] - out[axis]);
      const less = Math.floor(all / 2);
      return auto === 'SAME_UPPER' ? [less, all - less] : [all - less, less];
    });
  }
  const adjustment = ([0, 1] as const).map(
    (axis) => out[axis] - (free(axis) - sides[axis]![0] - sides[axis]![1]),
  ) as [number, number];
  for (const axis of [0, 1] as const) {
    if (adjustment[axis] < 0 || (adjustment[axis] > 0 && adjustment[axis] >= stride[axis])) {
      refuse(`its output is ${adjustment[axis]} longer than its stride of ${stride[axis]} lets XNNPACK add`);
    }
  }
  const [[top, bottom], [left, right]] = sides as [[number, number], [number, number]];
  return { padding: [top, right, bottom, left], adjustment };
}

/** [I, O/G, (H,) W] as [O, H, W, I/G]. */
function arrangedFilter(lowering: Lowering, filter: Value, groups: number): number {
  const [inputs, outputs] = filter.shape as [number, number];
  const [height, width] = kernelOf(filter);
  if (filter.quantization?.axis !== undefined && groups > 1) {
    refuse('its weights have a scale per channel in several groups');
  }
  const { type, scale, bytes } = storedAs(filter, [1, 2, 3, 0]);
  const shape = [groups, inputs / groups, outputs, height, width];
  const data = permuteBytes(filter.data!.subarray(0, elements(shape) * bytes), shape, [0, 2, 3, 4, 1], bytes);
  const dims = [groups * outputs, height, width, inputs / groups];
  return lowering.builder.constant(type, dims, data, scale);
}

/** Conv, in one and two dimensions. */

import type { Node, Value } from '../../graph.ts';
import { numberOf } from '../attributes.ts';
import { absorbBounds } from '../bounds.ts';
import type { Lowering } from '../lowering.ts';
import { refuse } from '../not-expressible.ts';
import { channelsLast } from '../order.ts';
import { asPicture, paddingOf, pair, pictureOf, pictureOutput, reachOf } from '../pictures.ts';
import { inPairs } from './column-pairs.ts';

export function conv(node: Node, lowering: Lowering): void {
  const [input, filterName] = node.inputs as [string, string];
  const rank = lowering.shape(input).length;
  const picture = pictureOf(lowering, input);
  const filter = constantFilter(lowering, filterName);
  const kernel = kernelOf(filter);
  const stride = pair(node, 'strides', rank, 1);
  const dilation = pair(node, 'dilations', rank, 1);
  const groups = numberOf(node, 'group', 1);
  const padding = paddingOf(node, rank, [picture.height, picture.width], reachOf(kernel, dilation), stride);
  const source = asPicture(lowering, input);
  const bias = biasOf(node, lowering);
  const { name, bounds } = absorbBounds(lowering, node.outputs[0]!);
  const multiplier = filter.shape[0]! / groups;
  const common = { kernel, stride, padding, dilation, ...bounds };
  pictureOutput(lowering, name, (output) => {
    const pairs = groups === 1 ? inPairs(lowering, source, output, { ...common, filter }) : undefined;
    // A channel of its own for every filter: the kernels for it read each pixel once.
    if (groups > 1 && groups === picture.channels && multiplier === 1) {
      const weights = arrangedFilter(lowering, filter, 'depthwise');
      const op = { op: 'depthwiseConvolution2d', depthMultiplier: 1, ...common } as const;
      lowering.emit({ ...op, inputs: [source, weights, ...bias], outputs: [output] });
    } else if (pairs) {
      const op = { op: 'convolution2d', groups, ...common, ...pairs.windows } as const;
      lowering.emit({ ...op, inputs: [pairs.source, pairs.weights, ...bias], outputs: [output] });
    } else {
      const weights = arrangedFilter(lowering, filter, 'dense');
      const op = { op: 'convolution2d', groups, ...common } as const;
      lowering.emit({ ...op, inputs: [source, weights, ...bias], outputs: [output] });
    }
  });
}

export function constantFilter(lowering: Lowering, name: string): Value {
  const filter = lowering.constant(name);
  if (!filter) return refuse('its weights are computed at run time');
  if (filter.shape.length !== 3 && filter.shape.length !== 4) {
    refuse(`its weights have ${filter.shape.length} dimensions; XNNPACK has convolutions in one and two`);
  }
  return filter;
}

export function kernelOf({ shape }: Value): readonly [number, number] {
  return shape.length === 3 ? [1, shape[2]!] : [shape[2]!, shape[3]!];
}

/** @returns the bias as a list of none or one plan value */
export function biasOf(node: Node, lowering: Lowering, index = 2): number[] {
  const name = lowering.optional(node, index);
  if (name === undefined) return [];
  const bias = lowering.constant(name) ?? refuse('its bias is computed at run time');
  return [lowering.arrangedConstant(bias, [0])];
}

/** [O, I, (H,) W] as [O, H, W, I], or as [1, H, W, O] for one filter per channel. */
function arrangedFilter(lowering: Lowering, filter: Value, kind: 'dense' | 'depthwise'): number {
  const [outputs, inputs] = filter.shape as [number, number];
  const [height, width] = kernelOf(filter);
  const rank = filter.shape.length;
  if (kind === 'dense') {
    return lowering.arrangedConstant(filter, channelsLast(rank), [outputs, height, width, inputs]);
  }
  // The axis of size 1 goes first; the scales of the channels lie along the last axis in both ranks.
  const order = rank === 3 ? [1, 2, 0] : [1, 2, 3, 0];
  return lowering.arrangedConstant(filter, order, [1, height, width, outputs]);
}

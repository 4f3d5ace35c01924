/** Normalisations that no convolution took over, composed of reductions and arithmetic. */

import type { Node, Value } from '../../graph.ts';
import { axisIn, numberOf, numbersIn } from '../attributes.ts';
import { absorbBounds } from '../bounds.ts';
import { aligned, Composition } from '../elementwise.ts';
import type { Lowering } from '../lowering.ts';
import { refuse } from '../not-expressible.ts';
import { storedShape } from '../order.ts';

/** Factor and offset of each channel: y = factor · x + offset. */
export function batchNormScale(node: Node, lowering: { constant(name: string): Value | undefined }) {
  if (numberOf(node, 'training_mode', 0) !== 0) refuse('it is in training mode');
  if (numberOf(node, 'spatial', 1) !== 1) refuse('it normalises each pixel on its own');
  const [scale, bias, mean, variance] = node.inputs.slice(1, 5).map((name) => {
    return numbersIn(
      lowering.constant(name) ?? refuse('its scale, bias, mean or variance is computed at run time'),
    );
  }) as [number[], number[], number[], number[]];
  const epsilon = numberOf(node, 'epsilon', 1e-5);
  const factor = scale.map((s, c) => s / Math.sqrt(variance[c]! + epsilon));
  return { factor, offset: bias.map((b, c) => b - mean[c]! * factor[c]!) };
}

export function batchNormalization(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const shape = lowering.shape(input);
  const { factor, offset } = batchNormScale(node, lowering);
  const { id, order } = lowering.placed(input);
  const dims = storedShape(shape, order).map((size, i) => (order[i] === 1 ? size : 1));
  const steps = new Composition(lowering, node.outputs[0]!, order);
  const scaled = steps.binary('multiply', id, lowering.floats(dims, factor));
  const { name, bounds } = absorbBounds(lowering, node.outputs[0]!);
  steps.binary('add', scaled, lowering.floats(dims, offset), bounds, lowering.output(name, order));
}

/** (x - mean) / sqrt(variance + epsilon) over stored axes. */
function normalised(lowering: Lowering, input: string, axes: readonly number[], epsilon: number): number {
  const { id, order } = lowering.placed(input);
  const value = lowering.value(input);
  const dims = storedShape(value.shape, order);
  const reduced = dims.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const steps = new Composition(lowering, input, order);
  const mean = (from: number) => {
    const output = lowering.temporary(reduced, value);
    lowering.emit({ op: 'reduce', kind: 'mean', axes, keepDims: true, inputs: [from], outputs: [output] });
    return output;
  };
  const centred = steps.binary('subtract', id, mean(id));
  const variance = mean(steps.unary('square', centred));
  const small = () => lowering.temporary(reduced, value);
  const shifted = steps.binary('add', variance, { number: epsilon }, {}, small());
  return steps.binary('multiply', centred, steps.unary('reciprocalSquareRoot', shifted, {}, small()));
}

export function instanceNormalization(node: Node, lowering: Lowering): void {
  const [input, scale, bias] = node.inputs as [string, string, string];
  const [output] = node.outputs as [string];
  const { order } = lowering.placed(input);
  const axes = order.flatMap((axis, at) => (axis > 1 ? [at] : []));
  const id = normalised(lowering, input, axes, numberOf(node, 'epsilon', 1e-5));
  const dims = storedShape(lowering.shape(input), order).map((size, at) => (order[at] === 1 ? size : 1));
  const perChannel = (name: string) => {
    const value = lowering.constant(name) ?? refuse('its scale or bias is computed at run time');
    return lowering.floats(dims, numbersIn(value));
  };
  const steps = new Composition(lowering, output, order);
  const scaled = steps.binary('multiply', id, perChannel(scale));
  steps.binary('add', scaled, perChannel(bias), {}, lowering.output(output, order));
}

export function layerNormalization(node: Node, lowering: Lowering): void {
  const [input, scale] = node.inputs as [string, string];
  const [output] = node.outputs as [string];
  if (node.outputs.slice(1).some((name) => name !== '')) refuse('its mean or deviation is read');
  const rank = lowering.shape(input).length;
  const first = axisIn(numberOf(node, 'axis', -1), rank);
  const { order } = lowering.placed(input);
  const axes = order.flatMap((axis, at) => (axis >= first ? [at] : []));
  const id = normalised(lowering, input, axes, numberOf(node, 'epsilon', 1e-5));
  const steps = new Composition(lowering, output, order);
  const bias = lowering.optional(node, 2);
  const scaled = steps.binary('multiply', id, aligned(lowering, scale, order));
  const done = bias === undefined ? scaled : steps.binary('add', scaled, aligned(lowering, bias, order));
  lowering.place(output, { id: done, order });
}

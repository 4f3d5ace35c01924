/** Concat and Split. */

import type { Node, Value } from '../../graph.ts';
import { axisIn, numberOf } from '../attributes.ts';
import type { Lowering } from '../lowering.ts';
import { elements, type Order, onnxOrder, storedShape } from '../order.ts';
import { sliced } from './slicing.ts';

const MOST_JOINED = 5;
const MOST_SPLIT = 4;

export function concat(node: Node, lowering: Lowering): void {
  const [output] = node.outputs as [string];
  const rank = lowering.shape(output).length;
  const axis = axisIn(numberOf(node, 'axis', 1), rank);
  const order = mostCommonOrder(lowering, node.inputs, rank);
  const parts = node.inputs.map((name) => lowering.arranged(name, order));
  const id = concatenated(lowering, parts, order.indexOf(axis), lowering.value(output), order);
  lowering.place(output, { id, order });
}

/** The order in which the most elements lie already. */
function mostCommonOrder(lowering: Lowering, names: readonly string[], rank: number): Order {
  const votes = new Map<string, { order: Order; count: number }>();
  for (const name of names) {
    if (lowering.constant(name)) continue;
    const { order } = lowering.placed(name);
    const count = (votes.get(order.join())?.count ?? 0) + elements(lowering.shape(name));
    votes.set(order.join(), { order, count });
  }
  const sorted = [...votes.values()].sort((a, b) => b.count - a.count);
  return sorted[0]?.order ?? onnxOrder(rank);
}

/** XNNPACK joins up to five tensors at once; more become a tree. */
export function concatenated(
  lowering: Lowering,
  parts: readonly number[],
  axis: number,
  like: Value,
  order: Order = onnxOrder(like.shape.length),
): number {
  if (parts.length === 1) return parts[0]!;
  const sizes = parts.map((id) => lowering.builder.values[id]!.dims);
  const dims = [...sizes[0]!];
  if (parts.length > MOST_JOINED) {
    const step = Math.ceil(parts.length / MOST_JOINED);
    const joined: number[] = [];
    for (let at = 0; at < parts.length; at += step) {
      joined.push(concatenated(lowering, parts.slice(at, at + step), axis, like, order));
    }
    return concatenated(lowering, joined, axis, like, order);
  }
  dims[axis] = sizes.reduce((sum, size) => sum + size[axis]!, 0);
  const output = lowering.temporary(dims, like, order);
  lowering.emit({ op: 'concatenate', axis, inputs: parts, outputs: [output] });
  return output;
}

export function split(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const shape = lowering.shape(input);
  const axis = axisIn(numberOf(node, 'axis', 0), shape.length);
  const names = node.outputs;
  const sizes = names.map((name) => lowering.shape(name)[axis]!);
  const { id, order } = lowering.placed(input);
  const even = sizes.every((size) => size === sizes[0]);
  const wanted = names.every(
    (name) => lowering.consumers(name).length > 0 || lowering.graph.outputs.includes(name),
  );
  if (even && wanted && names.length > 1 && names.length <= MOST_SPLIT) {
    const outputs = names.map((name) => lowering.output(name, order));
    lowering.emit({ op: 'evenSplit', axis: order.indexOf(axis), inputs: [id], outputs });
    return;
  }
  let offset = 0;
  for (const [i, name] of names.entries()) {
    const offsets = shape.map((_, a) => (a === axis ? offset : 0));
    const extent = shape.map((size, a) => (a === axis ? sizes[i]! : size));
    offset += sizes[i]!;
    lowering.defer(name, () => {
      const window = { offsets: storedShape(offsets, order), sizes: storedShape(extent, order) };
      lowering.place(name, { id: sliced(lowering, id, window, lowering.value(name), order), order });
    });
  }
}

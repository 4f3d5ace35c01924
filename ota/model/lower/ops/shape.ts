/** Operators that move no number: a reshape keeps the stored order where it can, a transposition only renames axes. */

import type { Node } from '../../graph.ts';
import { numbersOf } from '../attributes.ts';
import { aligned, commonOrder } from '../elementwise.ts';
import type { Lowering } from '../lowering.ts';
import { refuse } from '../not-expressible.ts';
import { inverse, type Order, onnxOrder, storedShape } from '../order.ts';
import { concatenated } from './joining.ts';

/** Reshape, Flatten, Squeeze, Unsqueeze: the graph knows the shape of the result. Nothing is done until it is read. */
export function reshape(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const [output] = node.outputs as [string];
  const from = lowering.shape(input);
  const to = lowering.shape(output);
  lowering.defer(output, () => {
    const plan = reshapedOrder(from, to, lowering.order(input));
    const id = lowering.arranged(input, plan.before);
    const made = lowering.reshaped(id, storedShape(to, plan.after), lowering.value(output));
    lowering.place(output, { id: made, order: plan.after });
  });
}

interface Group {
  readonly from: number[];
  readonly to: number[];
}

/**
 * A reshape splits and merges runs of axes. Stored in any order that keeps each run together and in order, the reshape
 * moves nothing.
 * @returns the order the input has to have, its present one where possible, and the order of the output
 */
export function reshapedOrder(
  from: readonly number[],
  to: readonly number[],
  order: Order,
): { before: Order; after: Order } {
  const groups = runs(from, to);
  const place = inverse(order);
  for (const group of groups) group.from.sort((a, b) => a - b);
  const first = ({ from: axes }: Group) => Math.min(...axes.map((axis) => place[axis]!));
  const sorted = [...groups].sort((a, b) => first(a) - first(b));
  const real = sorted.flatMap((group) => group.from);
  const present = order.filter((axis) => from[axis] !== 1);
  const fits = present.every((axis, i) => axis === real[i]);
  const ones = onnxOrder(from.length).filter((axis) => from[axis] === 1);
  const after = sorted.flatMap((group) => group.to);
  const loose = onnxOrder(to.length).filter((axis) => !after.includes(axis));
  return { before: fits ? order : [...ones, ...real], after: [...loose, ...after] };
}

/** The shortest runs of axes with equal products; axes of size 1 follow the axis before them. */
function runs(from: readonly number[], to: readonly number[]): Group[] {
  const groups: Group[] = [];
  const sources = onnxOrder(from.length).filter((axis) => from[axis] !== 1);
  let at = 0;
  for (let axis = 0; axis < to.length; ) {
    if (to[axis] === 1) {
      groups.at(-1)?.to.push(axis);
      axis++;
      continue;
    }
    const group: Group = { from: [], to: [] };
    let left = 1;
    let right = 1;
    do {
      if (left <= right) {
        if (at >= sources.length) refuse(`[${from}] has not as many elements as [${to}]`);
        left *= from[sources[at]!]!;
        group.from.push(sources[at++]!);
      } else {
        if (axis >= to.length) refuse(`[${from}] has not as many elements as [${to}]`);
        right *= to[axis]!;
        group.to.push(axis++);
      }
    } while (left !== right);
    groups.push(group);
  }
  return groups;
}

export function transpose(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const [output] = node.outputs as [string];
  const permutation = numbersOf(node, 'perm') ?? [...onnxOrder(lowering.shape(input).length)].reverse();
  const back = inverse(permutation);
  lowering.defer(output, () => {
    const { id, order } = lowering.placed(input);
    lowering.place(output, { id, order: order.map((axis) => back[axis]!) });
  });
}

/** A multiplication by ones repeats what it broadcasts, and changes no number. */
export function expand(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const [output] = node.outputs as [string];
  const shape = lowering.shape(output);
  if (lowering.value(input).type !== 'float32') refuse(`its input is ${lowering.value(input).type}`);
  const order = commonOrder(lowering, [input], shape.length);
  const ones = lowering.floats(
    storedShape(shape, order),
    new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1),
  );
  const source = aligned(lowering, input, order);
  lowering.emit({
    op: 'binary',
    kind: 'multiply',
    inputs: [source, ones],
    outputs: [lowering.output(output, order)],
  });
}

export function tile(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const [output] = node.outputs as [string];
  const repeats = lowering.numbers(node, 1) ?? refuse('it has no repeats');
  const placed = lowering.placed(input);
  let { id } = placed;
  for (const [axis, count] of repeats.entries()) {
    if (count === 1) continue;
    const copies = new Array<number>(count).fill(id);
    id = concatenated(lowering, copies, placed.order.indexOf(axis), lowering.value(output));
  }
  lowering.place(output, { id, order: placed.order });
}

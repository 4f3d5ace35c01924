/** Slice, and Gather with constant indices. */

import type { Node, Value } from '../../graph.ts';
import { axisIn, numberOf, numbersIn, numbersOf } from '../attributes.ts';
import type { Lowering } from '../lowering.ts';
import { refuse } from '../not-expressible.ts';
import { elements, type Order, onnxOrder, storedShape } from '../order.ts';

/** Fewer bytes in a row than this are slow to pick out one by one. */
const SHORT_ROW = 16;

/** A part of a plan value; nothing is done where it is the whole. */
export function sliced(
  lowering: Lowering,
  id: number,
  { offsets, sizes }: { offsets: readonly number[]; sizes: readonly number[] },
  like: Value,
  order: Order = onnxOrder(like.shape.length),
): number {
  const { dims } = lowering.builder.values[id]!;
  if (sizes.every((size, axis) => size === dims[axis])) return id;
  const output = lowering.temporary(sizes, like, order);
  lowering.emit({ op: 'slice', offsets, sizes, inputs: [id], outputs: [output] });
  return output;
}

export function slice(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const [output] = node.outputs as [string];
  const shape = lowering.shape(input);
  const { starts, ends, axes, steps } = argumentsOf(node, lowering, shape.length);
  let { id } = lowering.placed(input);
  const { order } = lowering.placed(input);
  const value = lowering.value(output);
  for (const [i, given] of axes.entries()) {
    const axis = axisIn(given, shape.length);
    const size = shape[axis]!;
    const step = steps[i] ?? 1;
    if (step < 1) refuse(`its step along axis ${axis} is ${step}; XNNPACK slices forwards`);
    const bound = (at: number) => Math.min(size, Math.max(0, at < 0 ? at + size : at));
    const start = bound(starts[i]!);
    const count = Math.ceil((bound(ends[i]!) - start) / step);
    if (count < 1) refuse('it takes nothing: its result is empty');
    id = strided(lowering, id, { axis: order.indexOf(axis), start, count, step }, value);
  }
  lowering.place(output, { id, order });
}

function argumentsOf(node: Node, lowering: Lowering, rank: number) {
  if (node.inputs.length > 1) {
    const starts = lowering.numbers(node, 1) ?? refuse('it has no starts');
    const ends = lowering.numbers(node, 2) ?? refuse('it has no ends');
    const axes = lowering.numbers(node, 3) ?? starts.map((_, i) => i);
    return { starts, ends, axes, steps: lowering.numbers(node, 4) ?? [] };
  }
  const starts = numbersOf(node, 'starts') ?? refuse('it has no starts');
  const ends = numbersOf(node, 'ends') ?? refuse('it has no ends');
  return {
    starts,
    ends,
    axes: numbersOf(node, 'axes') ?? onnxOrder(rank).slice(0, starts.length),
    steps: [],
  };
}

/** Every `step`th of `count` along a stored axis: the axis is cut into rows of `step`, of which the first column stays. */
export function strided(
  lowering: Lowering,
  id: number,
  { axis, start, count, step }: { axis: number; start: number; count: number; step: number },
  like: Value,
): number {
  const { dims } = lowering.builder.values[id]!;
  const along = (size: number, other: (size: number, i: number) => number) =>
    dims.map((dim, i) => (i === axis ? size : other(dim, i)));
  const same = (dim: number) => dim;
  if (step === 1) {
    const window = { offsets: along(start, () => 0), sizes: along(count, same) };
    return sliced(lowering, id, window, like);
  }
  const reach = count * step;
  let source = id;
  const beyond = start + reach - dims[axis]!;
  if (beyond > 0) {
    source = lowering.temporary(along(dims[axis]! + beyond, same), like);
    const sides = { before: dims.map(() => 0), after: along(beyond, () => 0), value: 0 };
    lowering.emit({ op: 'constantPad', ...sides, inputs: [id], outputs: [source] });
  }
  source = sliced(lowering, source, { offsets: along(start, () => 0), sizes: along(reach, same) }, like);
  const outer = elements(dims.slice(0, axis));
  const inner = elements(dims.slice(axis + 1));
  const rows = lowering.reshaped(source, [outer * count, step, inner], like);
  const column = { offsets: [0, 0, 0], sizes: [outer * count, 1, inner] };
  return lowering.reshaped(sliced(lowering, rows, column, like), along(count, same), like);
}

/** One index, or a run of them. */
export function gather(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const [output] = node.outputs as [string];
  const shape = lowering.shape(input);
  const axis = axisIn(numberOf(node, 'axis', 0), shape.length);
  const name = lowering.optional(node, 1) ?? refuse('it has no indices');
  const indices = numbersIn(lowering.value(name)).map((at) => (at < 0 ? at + shape[axis]! : at));
  const rank = lowering.shape(name).length;
  if (rank > 1) refuse(`its indices have ${rank} dimensions`);
  const [start] = indices as [number];
  if (indices.length === 0 || indices.some((at, i) => at !== start + i) || start < 0) {
    refuse('its indices are no run of neighbours');
  }
  const value = lowering.value(output);
  lowering.defer(output, () => {
    const order = gatherOrder(lowering, input, axis);
    const id = lowering.arranged(input, order);
    const sizes = shape.map((size, i) => (i === axis ? indices.length : size));
    const offsets = shape.map((_, i) => (i === axis ? start : 0));
    const window = { offsets: storedShape(offsets, order), sizes: storedShape(sizes, order) };
    const part = sliced(lowering, id, window, lowering.value(input), order);
    if (rank === 1) {
      lowering.place(output, { id: part, order });
      return;
    }
    const left = order.filter((other) => other !== axis).map((other) => (other > axis ? other - 1 : other));
    lowering.place(output, {
      id: lowering.reshaped(part, storedShape(value.shape, left), value),
      order: left,
    });
  });
}

/** Picking single elements is slow: the axis moves to the front first, once for all that pick along it. */
function gatherOrder(lowering: Lowering, input: string, axis: number): Order {
  const { order } = lowering.placed(input);
  const behind = order.slice(order.indexOf(axis) + 1);
  const row = elements(storedShape(lowering.shape(input), behind));
  return row >= SHORT_ROW ? order : [axis, ...order.filter((other) => other !== axis)];
}

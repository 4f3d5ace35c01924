/** ReduceMean, ReduceSum and ArgMax. */

import type { Node } from '../../graph.ts';
import { axisIn, numberOf, numbersOf } from '../attributes.ts';
import type { Lowering } from '../lowering.ts';
import { refuse } from '../not-expressible.ts';
import { elements, onnxOrder, storedShape } from '../order.ts';
import type { Lower } from '../registry.ts';

export function reduce(kind: 'mean' | 'sum'): Lower {
  return (node, lowering) => {
    const [input] = node.inputs as [string];
    const [output] = node.outputs as [string];
    const shape = lowering.shape(input);
    const given = lowering.numbers(node, 1) ?? numbersOf(node, 'axes') ?? [];
    if (given.length === 0 && numberOf(node, 'noop_with_empty_axes', 0) !== 0) {
      lowering.place(output, lowering.placed(input));
      return;
    }
    const all = onnxOrder(shape.length);
    const axes = given.length === 0 ? all : given.map((axis) => axisIn(axis, shape.length));
    const { id, order } = lowering.placed(input);
    const value = lowering.value(output);
    const kept = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const reduced = lowering.temporary(storedShape(kept, order), value);
    const stored = axes.map((axis) => order.indexOf(axis)).sort((a, b) => a - b);
    lowering.emit({ op: 'reduce', kind, axes: stored, keepDims: true, inputs: [id], outputs: [reduced] });
    if (numberOf(node, 'keepdims', 1) !== 0) {
      lowering.place(output, { id: reduced, order });
      return;
    }
    const left = all.filter((axis) => !axes.includes(axis));
    const after = order.filter((axis) => left.includes(axis)).map((axis) => left.indexOf(axis));
    const made = lowering.reshaped(reduced, storedShape(value.shape, after), value);
    lowering.place(output, { id: made, order: after });
  };
}

/** The axis becomes the rows of a picture that is pooled to one. */
export function argMax(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const [output] = node.outputs as [string];
  const value = lowering.value(input);
  const { shape } = value;
  const axis = axisIn(numberOf(node, 'axis', 0), shape.length);
  if (numberOf(node, 'select_last_index', 0) !== 0)
    refuse('it takes the last of equal maxima; XNNPACK the first');
  if (value.type !== 'float32') refuse(`its input is ${value.type}`);
  if (lowering.consumers(output).length > 0)
    refuse('its indices are read by another node; XNNPACK computes with no int64');
  const size = shape[axis]!;
  if (size < 2) refuse('its axis has one element');
  const outer = elements(shape.slice(0, axis));
  const inner = elements(shape.slice(axis + 1));
  const source = lowering.reshaped(
    lowering.arranged(input, onnxOrder(shape.length)),
    [outer, size, 1, inner],
    value,
  );
  const maxima = lowering.temporary([outer, 1, 1, inner], value);
  const indices = lowering.builder.value('i32', [outer, 1, 1, inner]);
  const pool = { op: 'argMaxPool2d', kernel: [size, 1], padding: [0, 0, 0, 0] } as const;
  lowering.emit({ ...pool, inputs: [source], outputs: [maxima, indices] });
  // A port of the plan needs as many elements as the contract says, whatever the dims.
  lowering.place(output, { id: indices, order: onnxOrder(lowering.shape(output).length) });
}

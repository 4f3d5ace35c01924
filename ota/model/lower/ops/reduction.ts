/** ReduceMean and ReduceSum. */

import { axisIn, numberOf, numbersOf } from '../attributes.ts';
import { onnxOrder, storedShape } from '../order.ts';
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

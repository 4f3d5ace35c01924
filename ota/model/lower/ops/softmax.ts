/** Softmax: XNNPACK has it over the last axis. */

import type { Node } from '../../graph.ts';
import { axisIn, numberOf } from '../attributes.ts';
import type { Lowering } from '../lowering.ts';
import { elements, onnxOrder, storedShape, withLast } from '../order.ts';

export function softmax(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const [output] = node.outputs as [string];
  const shape = lowering.shape(input);
  const value = lowering.value(output);
  const modern = lowering.graph.opset >= 13;
  const axis = axisIn(numberOf(node, 'axis', modern ? -1 : 1), shape.length);
  const inner = elements(shape.slice(axis + 1));
  if (!modern && inner > 1) {
    // Before opset 13 everything from the axis on was one row.
    const rows = [elements(shape.slice(0, axis)), elements(shape.slice(axis))];
    const source = lowering.reshaped(
      lowering.arranged(input, onnxOrder(shape.length)),
      rows,
      lowering.value(input),
    );
    const flat = lowering.temporary(rows, value);
    lowering.emit({ op: 'softmax', inputs: [source], outputs: [flat] });
    lowering.place(output, { id: lowering.reshaped(flat, shape, value), order: onnxOrder(shape.length) });
    return;
  }
  const present = lowering.order(input);
  const last = withLast(present, axis);
  // XNNPACK takes the last axis by its size: an axis of size 1 behind the wanted one has to go.
  const order = present.at(-1) === axis ? present : last;
  const source = lowering.arranged(input, order);
  const id = lowering.temporary(storedShape(shape, order), value, order);
  lowering.emit({ op: 'softmax', inputs: [source], outputs: [id] });
  lowering.place(output, { id, order });
}

/**
 * The order in which a tensor's axes are stored: stored axis i is axis order[i] of the ONNX tensor. A transposition in
 * the graph only changes the order; data move where an operator needs another one.
 */

export type Order = readonly number[];

export function onnxOrder(rank: number): Order {
  return Array.from({ length: rank }, (_, axis) => axis);
}

/** NHWC for pictures, [batch, width, channels] for signals. */
export function channelsLast(rank: number): Order {
  return rank < 3 ? onnxOrder(rank) : [0, ...onnxOrder(rank).slice(2), 1];
}

export function inverse(order: Order): Order {
  const back = new Array<number>(order.length);
  for (const [stored, axis] of order.entries()) back[axis] = stored;
  return back;
}

export function sameOrder(a: Order, b: Order): boolean {
  return a.length === b.length && a.every((axis, i) => axis === b[i]);
}

/** Whether both orders put the elements of this shape at the same places: axes of size 1 may lie anywhere. */
export function sameStorage(a: Order, b: Order, shape: readonly number[]): boolean {
  const real = (order: Order) => order.filter((axis) => shape[axis] !== 1);
  return sameOrder(real(a), real(b));
}

export function storedShape(shape: readonly number[], order: Order): number[] {
  return order.map((axis) => shape[axis]!);
}

/** The axes in the order that they have now, `axis` after all others. */
export function withLast(order: Order, axis: number): Order {
  return [...order.filter((other) => other !== axis), axis];
}

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Moves the elements of a row-major tensor from one order of axes to another. */
export function permuteBytes(
  data: Uint8Array,
  shape: readonly number[],
  order: Order,
  elementBytes: number,
): Uint8Array {
  if (sameStorage(order, onnxOrder(shape.length), shape)) return data;
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  const dims = storedShape(shape, order);
  const steps = order.map((axis) => strides[axis]! * elementBytes);
  const moved = new Uint8Array(data.length);
  const index = new Array<number>(dims.length).fill(0);
  let from = 0;
  for (let to = 0; to < data.length; to += elementBytes) {
    for (let byte = 0; byte < elementBytes; byte++) moved[to + byte] = data[from + byte]!;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++index[axis]! < dims[axis]!) break;
      from -= steps[axis]! * dims[axis]!;
      index[axis] = 0;
    }
  }
  return moved;
}

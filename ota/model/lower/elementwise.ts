/** Operators that work element by element take the order of their inputs. */

import type { Value } from '../graph.ts';
import type { BinaryKind, UnaryKind } from '../plan/plan.ts';
import { absorbBounds } from './bounds.ts';
import type { Lowering } from './lowering.ts';
import { elements, type Order, onnxOrder, storedShape } from './order.ts';

export interface UnaryOptions {
  readonly alpha?: number;
  readonly min?: number;
  readonly max?: number;
}

/** One XNNPACK unary operator for the ONNX value `input`. */
export function unary(
  lowering: Lowering,
  kind: UnaryKind,
  input: string,
  output: string,
  options: UnaryOptions = {},
): void {
  const { id, order } = lowering.placed(input);
  const made = lowering.output(output, order);
  lowering.emit({ op: 'unary', kind, ...options, inputs: [id], outputs: [made] });
}

/** The order for the result of a broadcast: that of the input that is a whole tensor of its rank. */
export function commonOrder(lowering: Lowering, inputs: readonly string[], rank: number): Order {
  let best: string | undefined;
  for (const name of inputs) {
    if (lowering.constant(name) || lowering.shape(name).length !== rank) continue;
    if (!best || elements(lowering.shape(name)) > elements(lowering.shape(best))) best = name;
  }
  return best === undefined ? onnxOrder(rank) : lowering.placed(best).order;
}

/** The value with leading axes of size 1 up to `order.length`, in that order. @returns a plan value to broadcast */
export function aligned(lowering: Lowering, name: string, order: Order): number {
  const value = lowering.value(name);
  const missing = order.length - value.shape.length;
  if (missing === 0) return lowering.arranged(name, order);
  const own: Order = order.filter((axis) => axis >= missing).map((axis) => axis - missing);
  const shape = [...new Array<number>(missing).fill(1), ...value.shape];
  if (value.data) return lowering.arrangedConstant(value, own, storedShape(shape, order));
  return lowering.reshaped(lowering.arranged(name, own), storedShape(shape, order), value);
}

/** One XNNPACK binary operator over ONNX values, broadcast; takes over the Relu or Clip behind it. */
export function binary(lowering: Lowering, kind: BinaryKind, a: string, b: string, output: string): void {
  const rank = lowering.shape(output).length;
  const order = commonOrder(lowering, [a, b], rank);
  const inputs = [aligned(lowering, a, order), aligned(lowering, b, order)];
  const { name, bounds } = absorbBounds(lowering, output);
  lowering.emit({ op: 'binary', kind, ...bounds, inputs, outputs: [lowering.output(name, order)] });
}

/** A chain of operators on plan values of one shape, for what XNNPACK has no single operator for. */
export class Composition {
  readonly #lowering: Lowering;
  readonly #like: Value;
  readonly #order: Order;

  /** @param like type and shape of the values between */
  constructor(lowering: Lowering, like: string, order: Order) {
    this.#lowering = lowering;
    this.#like = lowering.value(like);
    this.#order = order;
  }

  unary(kind: UnaryKind, id: number, options: UnaryOptions = {}, output = this.#temporary()): number {
    this.#lowering.emit({ op: 'unary', kind, ...options, inputs: [id], outputs: [output] });
    return output;
  }

  /** @param b a plan value, or a number for all elements */
  binary(
    kind: BinaryKind,
    a: number,
    b: number | { number: number },
    options: UnaryOptions = {},
    output = this.#temporary(),
  ): number {
    const second = typeof b === 'number' ? b : this.#lowering.floats([1], [b.number]);
    this.#lowering.emit({ op: 'binary', kind, ...options, inputs: [a, second], outputs: [output] });
    return output;
  }

  #temporary(): number {
    return this.#lowering.temporary(storedShape(this.#like.shape, this.#order), this.#like, this.#order);
  }
}

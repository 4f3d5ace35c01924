/** The state of one compilation that the operators work on: which plan value holds what, and in which order. */

import type { Graph, Node, Value } from '../graph.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import type { PlanNode } from '../plan/plan.ts';
import { numbersIn } from './attributes.ts';
import { refuse } from './not-expressible.ts';
import {
  inverse,
  type Order,
  onnxOrder,
  permuteBytes,
  sameOrder,
  sameStorage,
  storedShape,
} from './order.ts';
import { storedAs } from './types.ts';

/** Where an ONNX value lies. */
export interface Placed {
  readonly id: number;
  readonly order: Order;
}

/** A plan node as an operator gives it: the driver knows which ONNX node it comes from. */
export type Emitted = PlanNode extends infer N ? (N extends PlanNode ? Omit<N, 'from'> : never) : never;

const MOST_DIMS = 6;

export class Lowering {
  readonly graph: Graph;
  readonly builder: PlanBuilder;
  readonly fused: string[] = [];
  /** Nodes that an earlier one took over. */
  readonly absorbed = new Set<Node>();
  readonly #placed = new Map<string, Placed>();
  readonly #arranged = new Map<string, number>();
  readonly #deferred = new Map<string, () => void>();
  readonly #consumers = new Map<string, Node[]>();
  readonly #producers = new Map<string, Node>();
  #from = '';

  constructor(graph: Graph, builder: PlanBuilder) {
    this.graph = graph;
    this.builder = builder;
    for (const node of graph.nodes) {
      for (const name of node.inputs) this.#consumers.set(name, [...(this.#consumers.get(name) ?? []), node]);
      for (const name of node.outputs) if (name !== '') this.#producers.set(name, node);
    }
  }

  /** What follows is emitted for this ONNX node. */
  startNode(name: string): void {
    this.#from = name;
  }

  value(name: string): Value {
    return this.graph.values.get(name) ?? refuse(`its input "${name}" is nowhere in the graph`);
  }

  shape(name: string): readonly number[] {
    return this.value(name).shape;
  }

  /** The input at this index, undefined where it is left out. */
  optional(node: Node, index: number): string | undefined {
    return node.inputs[index] || undefined;
  }

  /** The value if it is a constant. */
  constant(name: string): Value | undefined {
    const value = this.value(name);
    return value.data && value;
  }

  /** Numbers of a constant input; undefined where the input is left out. */
  numbers(node: Node, index: number): number[] | undefined {
    const name = this.optional(node, index);
    return name === undefined ? undefined : numbersIn(this.value(name));
  }

  producer(name: string): Node | undefined {
    return this.#producers.get(name);
  }

  consumers(name: string): readonly Node[] {
    return this.#consumers.get(name) ?? [];
  }

  /** The one node that reads the value, where nothing else needs it. */
  soleConsumer(name: string): Node | undefined {
    const nodes = this.consumers(name);
    return nodes.length === 1 && !this.graph.outputs.includes(name) ? nodes[0] : undefined;
  }

  /** Notes that the nodes from the present one on became one. */
  noteFusion(...nodes: readonly Node[]): void {
    this.fused.push([this.#from, ...nodes.map(({ name }) => name)].join(' + '));
    for (const node of nodes) this.absorbed.add(node);
  }

  place(name: string, placed: Placed): void {
    this.#placed.set(name, placed);
  }

  /** The value is made when something asks for it, if anything does. */
  defer(name: string, make: () => void): void {
    const from = this.#from;
    this.#deferred.set(name, () => {
      const now = this.#from;
      this.#from = from;
      make();
      this.#from = now;
    });
  }

  isDeferred(name: string): boolean {
    return this.#deferred.has(name);
  }

  isPlaced(name: string): boolean {
    return this.#placed.has(name) || this.#deferred.has(name);
  }

  placed(name: string): Placed {
    this.#settle(name);
    const placed = this.#placed.get(name);
    if (placed) return placed;
    const order = onnxOrder(this.shape(name).length);
    const id = this.arrangedConstant(this.value(name), order);
    this.#placed.set(name, { id, order });
    return { id, order };
  }

  /** The order in which the value lies now. */
  order(name: string): Order {
    return this.constant(name) ? onnxOrder(this.shape(name).length) : this.placed(name).order;
  }

  /** The value in the given order, transposed once where it lies in another. */
  arranged(name: string, order: Order): number {
    const constant = this.constant(name);
    if (constant) return this.arrangedConstant(constant, order);
    const placed = this.placed(name);
    if (sameOrder(placed.order, order)) return placed.id;
    const key = `${name} ${order}`;
    const known = this.#arranged.get(key);
    if (known !== undefined) return known;
    const id = this.reordered(placed, this.value(name), order);
    this.#arranged.set(key, id);
    return id;
  }

  /** Another plan value with the same elements in another order of axes. */
  reordered({ id, order: from }: Placed, value: Value, order: Order): number {
    const { shape } = value;
    const to = this.temporary(storedShape(shape, order), value, order);
    if (sameStorage(from, order, shape)) {
      this.emit({ op: 'reshape', shape: this.builder.values[to]!.dims, inputs: [id], outputs: [to] });
    } else {
      const at = inverse(from);
      this.emit({
        op: 'transpose',
        permutation: order.map((axis) => at[axis]!),
        inputs: [id],
        outputs: [to],
      });
    }
    return to;
  }

  arrangedConstant(value: Value, order: Order, dims = storedShape(value.shape, order)): number {
    const { type, scale, bytes } = storedAs(value, order);
    if (!value.data) return refuse(`"${value.name}" is computed by no node`);
    return this.builder.constant(
      type,
      plainDims(dims),
      permuteBytes(value.data, value.shape, order, bytes),
      scale,
    );
  }

  /** A float32 constant that no ONNX value holds. */
  floats(dims: readonly number[], data: Float32Array | readonly number[]): number {
    return this.builder.constant('f32', plainDims(dims), new Uint8Array(Float32Array.from(data).buffer));
  }

  /** Declares the plan value of an ONNX value. @returns its id */
  output(name: string, order: Order): number {
    const value = this.value(name);
    const id = this.temporary(storedShape(value.shape, order), value, order);
    this.#placed.set(name, { id, order });
    return id;
  }

  /** A plan value of the type and scale of `like`. */
  temporary(dims: readonly number[], like: Value, order: Order = onnxOrder(like.shape.length)): number {
    const { type, scale } = storedAs(like, order);
    if (dims.some((size) => size < 1)) refuse(`"${like.name}" is empty: its shape is [${dims.join(', ')}]`);
    return this.builder.value(type, plainDims(dims), scale);
  }

  /** A plan value of the type and scale of another, with other dims. */
  temporaryLike(id: number, dims: readonly number[]): number {
    const { type, scale, zeroPoint } = this.builder.values[id]!;
    return this.builder.value(type, dims, {
      ...(scale !== undefined && { scale, zeroPoint: zeroPoint ?? 0 }),
    });
  }

  emit(node: Emitted): void {
    this.builder.node({ ...node, from: this.#from } as PlanNode);
  }

  /** The same elements under other dims; free for XNNPACK where nothing else reads `id`. */
  reshaped(id: number, dims: readonly number[], like: Value): number {
    const now = this.builder.values[id]!.dims;
    if (sameOrder(now, dims)) return id;
    const to = this.temporary(dims, like);
    this.emit({ op: 'reshape', shape: this.builder.values[to]!.dims, inputs: [id], outputs: [to] });
    return to;
  }

  #settle(name: string): void {
    const make = this.#deferred.get(name);
    if (!make) return;
    this.#deferred.delete(name);
    make();
  }
}

function plainDims(dims: readonly number[]): readonly number[] {
  if (dims.length > MOST_DIMS)
    refuse(`a tensor of it has ${dims.length} dimensions; XNNPACK takes ${MOST_DIMS}`);
  return dims.length === 0 ? [1] : dims;
}

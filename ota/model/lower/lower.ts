/** The driver: takes the graph's nodes in order, hands each to its operator, and closes the plan with the outputs. */

import type { Graph, Node } from '../graph.ts';
import type { PlanBuilder } from '../plan/builder.ts';
import { OWN_DOMAIN } from '../qdq/absorption.ts';
import { inputOrder } from './input-order.ts';
import { Lowering } from './lowering.ts';
import { NotExpressible, type UnsupportedNode } from './not-expressible.ts';
import { quantisedInput, quantisedOutput } from './ops/quantisation.ts';
import { type Order, onnxOrder, sameOrder, storedShape } from './order.ts';
import { type Lower, OPERATORS, OWN_OPERATORS } from './registry.ts';

export interface Lowered {
  /** Chains of ONNX nodes that became one plan node, by name. */
  readonly fused: readonly string[];
  readonly unsupported: readonly UnsupportedNode[];
}

/** Fills the builder. The plan is of use only where `unsupported` is empty. */
export function lower(graph: Graph, builder: PlanBuilder): Lowered {
  const nodes = neededNodes(graph);
  const lowering = new Lowering({ ...graph, nodes }, builder);
  const unsupported: UnsupportedNode[] = [];
  const attempt = (node: Pick<Node, 'name' | 'op' | 'outputs'>, work: () => void) => {
    lowering.startNode(node.name);
    try {
      work();
    } catch (error) {
      if (!(error instanceof NotExpressible)) throw error;
      unsupported.push({ node: node.name, op: node.op, reason: error.message });
      standIn(lowering, node.outputs);
    }
  };
  for (const name of graph.inputs) {
    attempt({ name, op: 'input', outputs: [name] }, () => input(lowering, name));
  }
  for (const node of nodes) {
    if (lowering.absorbed.has(node)) continue;
    attempt(node, () => lowerNode(lowering, node));
    // What a failed node had taken over stays without a place.
    if (unsupported.length > 0)
      standIn(
        lowering,
        [...lowering.absorbed].flatMap(({ outputs }) => outputs),
      );
  }
  for (const name of graph.outputs) {
    const producer = lowering.producer(name);
    attempt(producer ?? { name, op: 'output', outputs: [] }, () => output(lowering, name));
  }
  return { fused: lowering.fused, unsupported };
}

function lowerNode(lowering: Lowering, node: Node): void {
  const operator = operatorOf(node);
  if (!operator) {
    const set = node.domain === '' ? '' : ` of ${node.domain}`;
    throw new NotExpressible(`XNNPACK has no operator for ${node.op}${set}`);
  }
  operator(node, lowering);
}

function operatorOf({ op, domain }: Node): Lower | undefined {
  if (domain === OWN_DOMAIN) return OWN_OPERATORS[op];
  return domain === '' ? OPERATORS[op] : undefined;
}

/** A float32 input that is only ever quantised is stored as int8: whoever fills it quantises as it copies. */
function input(lowering: Lowering, name: string): void {
  const { type, shape } = lowering.value(name);
  const stored = quantisedInput(lowering, name) ?? name;
  const order = inputOrder(lowering, stored);
  const value = lowering.output(stored, order);
  lowering.builder.input({ name, type, shape, value, ...permutation(order) });
}

function permutation(order: Order): { permutation?: Order } {
  return sameOrder(order, onnxOrder(order.length)) ? {} : { permutation: order };
}

/** An output has a plan value of its own, in ONNX's order. */
function output(lowering: Lowering, name: string): void {
  const { builder } = lowering;
  const value = lowering.value(name);
  const stored = lowering.value(quantisedOutput(lowering, name) ?? name);
  let id = unshaped(builder, lowering.arranged(stored.name, onnxOrder(value.shape.length)));
  const taken =
    builder.inputs.some((port) => port.value === id) || builder.outputs.some((port) => port.value === id);
  if (taken || builder.values[id]!.data) {
    const own = lowering.temporary(storedShape(value.shape, onnxOrder(value.shape.length)), stored);
    lowering.emit({ op: 'copy', inputs: [id], outputs: [own] });
    id = own;
  }
  builder.output({ name, type: value.type, shape: value.shape, value: id });
}

/** A port only needs the elements: a reshape in front of it, which would copy them, goes. */
function unshaped(builder: PlanBuilder, id: number): number {
  const at = builder.nodes.findIndex(({ outputs }) => outputs.includes(id));
  const node = builder.nodes[at];
  if (node?.op !== 'reshape' || builder.nodes.some(({ inputs }) => inputs.includes(id))) return id;
  const [source] = node.inputs as [number];
  const isPort = [...builder.inputs, ...builder.outputs].some(({ value }) => value === source);
  if (isPort || builder.values[source]!.data) return id;
  builder.nodes.splice(at, 1);
  return unshaped(builder, source);
}

/** So that the nodes behind an unsupported one are judged on their own. */
function standIn(lowering: Lowering, names: readonly string[]): void {
  for (const name of names) {
    const value = lowering.graph.values.get(name);
    if (name === '' || !value || lowering.isPlaced(name)) continue;
    const id = lowering.builder.value('f32', value.shape);
    lowering.place(name, { id, order: onnxOrder(value.shape.length) });
  }
}

/** The nodes that an output depends on, in order. */
function neededNodes(graph: Graph): Node[] {
  const wanted = new Set(graph.outputs);
  const needed = new Set<Node>();
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue;
    needed.add(node);
    for (const name of node.inputs) wanted.add(name);
  }
  return graph.nodes.filter((node) => needed.has(node));
}

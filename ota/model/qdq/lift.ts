/**
 * Carries quantisation up through operators that only move numbers, so that they move bytes and the operator that made
 * the numbers sees that its result is quantised: v = M(u), Q(v) is also Q(v) of M(DQ(Q(u))).
 */

import type { Graph, Node, Value } from '../graph.ts';
import { isBound, movedInputs } from './movement.ts';
import { activationScale, quantizerOf, type Scale, sameScale } from './scale.ts';

export function liftQuantisation(graph: Graph): Graph {
  const values = new Map(graph.values);
  const consumers = consumersOf(graph);
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const before = new Map<Node, Node[]>();
  const replaced = new Map<Node, Node>();
  const lifting: Graph = { ...graph, values };

  const lift = (node: Node, inputs: readonly string[], quantizer: Node, scale: Scale) => {
    const pairs: Node[] = [];
    const renamed = new Map<string, string>();
    for (const name of new Set(inputs)) {
      const from = producers.get(name);
      const known = from?.op === 'DequantizeLinear' ? activationScale(quantizerOf(lifting, from)) : undefined;
      if (known && sameScale(known, scale)) continue;
      const pair = quantisedPair(name, node, quantizer, values);
      pairs.push(...pair);
      renamed.set(name, pair[1]!.outputs[0]!);
      consumers.set(name, [...(consumers.get(name) ?? []).filter((one) => one !== node), pair[0]!]);
    }
    before.set(node, pairs);
    replaced.set(node, { ...node, inputs: node.inputs.map((name) => renamed.get(name) ?? name) });
  };

  for (const node of [...graph.nodes].reverse()) {
    const inputs = isBound(node) ? node.inputs.slice(0, 1) : movedInputs(lifting, node);
    if (!inputs) continue;
    const readers = node.outputs.flatMap((name) => (name === '' ? [] : (consumers.get(name) ?? [])));
    const quantizer = commonQuantizer(lifting, readers);
    if (!quantizer || node.outputs.some((name) => graph.outputs.includes(name))) continue;
    lift(node, inputs, quantizer.node, quantizer.scale);
  }
  const nodes = graph.nodes.flatMap((node) => [...(before.get(node) ?? []), replaced.get(node) ?? node]);
  return { ...graph, values, nodes };
}

/** The scale that all of these nodes quantise to, and one of them. */
export function commonQuantizer(
  graph: Graph,
  readers: readonly Node[],
): { readonly node: Node; readonly scale: Scale } | undefined {
  const [first] = readers;
  if (!first) return undefined;
  const scales = readers.map((reader) =>
    reader.op === 'QuantizeLinear' ? activationScale(quantizerOf(graph, reader)) : undefined,
  );
  const [scale] = scales;
  if (!scale || !scales.every((one) => one && sameScale(one, scale))) return undefined;
  return { node: first, scale };
}

export function consumersOf(graph: Graph): Map<string, Node[]> {
  const consumers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of new Set(node.inputs)) consumers.set(name, [...(consumers.get(name) ?? []), node]);
  }
  return consumers;
}

/** QuantizeLinear and DequantizeLinear of the value for one reader, with the constants of another QuantizeLinear. */
function quantisedPair(name: string, reader: Node, like: Node, values: Map<string, Value>): [Node, Node] {
  const stored = `${name} quantised for ${reader.name}`;
  const real = `${name} as ${reader.name} reads it`;
  const value = values.get(name)!;
  const type = values.get(like.inputs[2] ?? '')?.type ?? 'uint8';
  values.set(stored, { name: stored, type, shape: value.shape });
  values.set(real, { name: real, type: 'float32', shape: value.shape });
  const constants = like.inputs.slice(1);
  const part = { domain: '', attributes: like.attributes };
  return [
    {
      ...part,
      name: `${reader.name}: ${name}`,
      op: 'QuantizeLinear',
      inputs: [name, ...constants],
      outputs: [stored],
    },
    {
      ...part,
      name: `${reader.name}: ${name}`,
      op: 'DequantizeLinear',
      inputs: [stored, ...constants],
      outputs: [real],
    },
  ];
}

/** What the quantisation of a graph says of its inputs and outputs. */

import type { Graph, Node } from './graph.ts';

/** Operators that pass values on as they are, so that the step of their input is that of their output. */
const PASSING = new Set([
  'Concat',
  'DepthToSpace',
  'Flatten',
  'Gather',
  'Identity',
  'MaxPool',
  'Relu',
  'Reshape',
  'Slice',
  'SpaceToDepth',
  'Split',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
]);
const LIMITS = { int8: [-128, 127], uint8: [0, 255] } as const;

export const isQuantised = (graph: Graph): boolean => graph.nodes.some(({ op }) => op === 'QuantizeLinear');

/**
 * The scale of the DequantizeLinear that an output comes from, also through operators that only move values: the
 * largest where there are several. Undefined when something was computed after it.
 */
export function outputStep(graph: Graph, output: string): number | undefined {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  let largest: number | undefined;
  const met = new Set<string>();
  const waiting = [output];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (met.has(name)) continue;
    met.add(name);
    const producer = producers.get(name);
    if (producer?.op === 'DequantizeLinear') {
      const scale = Math.max(...(floats(graph, producer.inputs[1]) ?? [Number.NaN]));
      if (Number.isNaN(scale)) return undefined;
      largest = Math.max(largest ?? 0, scale);
    } else if (producer && PASSING.has(producer.op)) {
      const moved = producer.op === 'Concat' ? producer.inputs : producer.inputs.slice(0, 1);
      waiting.push(...moved);
    } else if (!graph.values.get(name)?.data) return undefined;
  }
  return largest;
}

/** The real numbers that an input's QuantizeLinear can tell apart; undefined without one. */
export function quantisedRange(
  graph: Graph,
  input: string,
): readonly [low: number, high: number] | undefined {
  const node = graph.nodes.find((one) => one.op === 'QuantizeLinear' && one.inputs[0] === input);
  const scale = floats(graph, node?.inputs[1]);
  const type = graph.values.get(node?.outputs[0] ?? '')?.type;
  if (!node || scale?.length !== 1 || (type !== 'int8' && type !== 'uint8')) return undefined;
  const zeroPoint = zeroPointOf(graph, node);
  const [least, most] = LIMITS[type];
  return [(least - zeroPoint) * scale[0]!, (most - zeroPoint) * scale[0]!];
}

function zeroPointOf(graph: Graph, node: Node): number {
  const value = graph.values.get(node.inputs[2] ?? '');
  const byte = value?.data?.[0] ?? 0;
  return value?.type === 'int8' ? (byte << 24) >> 24 : byte;
}

function floats(graph: Graph, name: string | undefined): readonly number[] | undefined {
  const value = graph.values.get(name ?? '');
  if (value?.type !== 'float32' || !value.data) return undefined;
  const view = new DataView(value.data.buffer, value.data.byteOffset, value.data.byteLength);
  return Array.from({ length: view.byteLength / 4 }, (_, at) => view.getFloat32(at * 4, true));
}

/**
 * Focus (as in YOLOv5 and YOLOX): every second pixel of every second row, four times, joined along the channels, then a
 * convolution. It is one convolution with windows twice as high over the picture with pairs of pixels as its channels,
 * which in NHWC is the picture as it lies: nothing is copied.
 */

import type { Attribute, Graph, Node, Value } from '../graph.ts';
import { numberOf, numbersIn, numbersOf, stringOf } from '../lower/attributes.ts';
import { sizeOf } from '../onnx/tensor-data.ts';
import { OWN_DOMAIN } from '../qdq/absorption.ts';

/** Which pixel of each square of 2 × 2 a slice takes. */
interface Corner {
  readonly source: string;
  readonly row: number;
  readonly column: number;
}

export function foldFocus(graph: Graph): Graph {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const values = new Map(graph.values);
  const replaced = new Map<Node, readonly Node[]>();
  for (const node of graph.nodes) {
    const joined = node.op === 'Conv' && node.domain === '' ? producers.get(node.inputs[0] ?? '') : undefined;
    const corners = joined && cornersOf(graph, producers, joined);
    const nodes = corners && folded(graph, values, node, corners);
    if (nodes) replaced.set(node, nodes);
  }
  if (replaced.size === 0) return graph;
  return { ...graph, values, nodes: graph.nodes.flatMap((node) => replaced.get(node) ?? [node]) };
}

/** The four corners that a Concat joins; undefined where it joins anything else. */
function cornersOf(graph: Graph, producers: ReadonlyMap<string, Node>, joined: Node): Corner[] | undefined {
  if (joined.op !== 'Concat' || joined.domain !== '' || joined.inputs.length !== 4) return undefined;
  if (numberOf(joined, 'axis', 1) !== 1) return undefined;
  const corners = joined.inputs.map((name) => cornerOf(graph, producers, name));
  const [first] = corners;
  const shape = graph.values.get(first?.source ?? '')?.shape;
  if (!first || shape?.length !== 4 || shape[2]! % 2 !== 0 || shape[3]! % 2 !== 0) return undefined;
  const distinct = new Set(corners.map((corner) => corner && 2 * corner.row + corner.column));
  const complete = corners.every((corner) => corner?.source === first.source) && distinct.size === 4;
  return complete ? (corners as Corner[]) : undefined;
}

/** Follows slices up, as long as they take every second row or column. */
function cornerOf(graph: Graph, producers: ReadonlyMap<string, Node>, name: string): Corner | undefined {
  const starts = new Map<number, number>();
  let source = name;
  for (
    let node = producers.get(source);
    node?.op === 'Slice' && node.domain === '';
    node = producers.get(source)
  ) {
    const input = node.inputs[0]!;
    for (const { axis, start, end, step } of slicesOf(graph, node)) {
      const size = graph.values.get(input)?.shape[axis] ?? 0;
      if (step === 1 && start === 0 && end >= size) continue;
      if (axis < 2 || step !== 2 || end < size || start > 1 || start < 0 || starts.has(axis))
        return undefined;
      starts.set(axis, start);
    }
    source = input;
  }
  const row = starts.get(2);
  const column = starts.get(3);
  return row === undefined || column === undefined ? undefined : { source, row, column };
}

function slicesOf(graph: Graph, node: Node) {
  const given = (index: number, attribute: string): readonly number[] | undefined => {
    const value = graph.values.get(node.inputs[index] ?? '');
    return value ? value.data && numbersIn(value) : numbersOf(node, attribute);
  };
  const starts = given(1, 'starts') ?? [];
  const ends = given(2, 'ends') ?? [];
  const axes = given(3, 'axes') ?? starts.map((_, i) => i);
  const steps = given(4, 'steps') ?? starts.map(() => 1);
  const rank = graph.values.get(node.inputs[0]!)?.shape.length ?? 0;
  return axes.map((axis, i) => ({
    axis: axis < 0 ? axis + rank : axis,
    start: starts[i] ?? -1,
    end: ends[i] ?? -1,
    step: steps[i] ?? 1,
  }));
}

function folded(
  graph: Graph,
  values: Map<string, Value>,
  node: Node,
  corners: readonly Corner[],
): readonly Node[] | undefined {
  const weights = graph.values.get(node.inputs[1] ?? '');
  const pads = numbersOf(node, 'pads') ?? [0, 0, 0, 0];
  const strides = numbersOf(node, 'strides') ?? [1, 1];
  const dilated = numbersOf(node, 'dilations')?.some((one) => one !== 1) ?? false;
  if (!weights?.data || weights.shape.length !== 4 || numberOf(node, 'group', 1) !== 1 || dilated)
    return undefined;
  if (stringOf(node, 'auto_pad', 'NOTSET') !== 'NOTSET') return undefined;
  const source = values.get(corners[0]!.source)!;
  const [batch, channels, height, width] = source.shape as [number, number, number, number];
  const pairs = `${source.name} in pairs of pixels`;
  values.set(pairs, { ...source, name: pairs, shape: [batch, 2 * channels, height, width / 2] });
  const filter = {
    ...foldedWeights(weights, channels, corners),
    name: `${weights.name} over pairs of pixels`,
  };
  values.set(filter.name, filter);
  const attributes = new Map<string, Attribute>([
    ['kernel_shape', filter.shape.slice(2)],
    ['strides', [2 * strides[0]!, strides[1]!]],
    ['pads', [2 * pads[0]!, pads[1]!, 2 * pads[2]!, pads[3]!]],
  ]);
  const fold: Node = {
    name: node.name,
    op: 'FoldWidth',
    domain: OWN_DOMAIN,
    inputs: [source.name],
    outputs: [pairs],
    attributes: new Map(),
  };
  return [fold, { ...node, inputs: [pairs, filter.name, ...node.inputs.slice(2)], attributes }];
}

/** [O, 4·C, H, W] as [O, 2·C, 2·H, W]: the row of a corner goes to the height, its column to the channels. */
function foldedWeights(weights: Value, channels: number, corners: readonly Corner[]): Value {
  const [outputs, , height, width] = weights.shape as [number, number, number, number];
  const shape = [outputs, 2 * channels, 2 * height, width];
  const bytes = sizeOf(weights.type);
  const data = new Uint8Array(weights.data!.length);
  for (let o = 0; o < outputs; o++) {
    for (const [at, { row, column }] of corners.entries()) {
      for (let c = 0; c < channels; c++) {
        for (let y = 0; y < height; y++) {
          const from = ((o * 4 * channels + at * channels + c) * height + y) * width * bytes;
          const to = ((o * 2 * channels + column * channels + c) * 2 * height + 2 * y + row) * width * bytes;
          data.set(weights.data!.subarray(from, from + width * bytes), to);
        }
      }
    }
  }
  return { ...weights, shape, data };
}

/** Operators that leave each number as it is, or let it go at most: they commute with quantisation. */

import type { Graph, Node } from '../graph.ts';

/** How many inputs hold data, from the first on; the others are indices, shapes and the like. */
const MOVING: Readonly<Record<string, number>> = {
  Concat: Number.POSITIVE_INFINITY,
  DepthToSpace: 1,
  Dropout: 1,
  Expand: 1,
  Flatten: 1,
  Gather: 1,
  Identity: 1,
  MaxPool: 1,
  Pad: 1,
  Reshape: 1,
  Resize: 1,
  Slice: 1,
  SpaceToDepth: 1,
  Split: 1,
  Squeeze: 1,
  Tile: 1,
  Transpose: 1,
  Unsqueeze: 1,
};

/** @returns names of the inputs whose numbers become those of the outputs; undefined for an operator that computes */
export function movedInputs(graph: Graph, node: Node): readonly string[] | undefined {
  if (node.domain !== '') return undefined;
  const count = MOVING[node.op];
  if (count === undefined) return undefined;
  const text = (name: string) => node.attributes.get(name);
  // Resize's other modes compute; MaxPool's second output holds indices; what Resize reads beyond the picture is 0.
  if (node.op === 'Resize' && (text('mode') ?? 'nearest') !== 'nearest') return undefined;
  if (node.op === 'Resize' && text('coordinate_transformation_mode') === 'tf_crop_and_resize')
    return undefined;
  if ((node.op === 'MaxPool' || node.op === 'Dropout') && node.outputs.length > 1 && node.outputs[1] !== '')
    return undefined;
  // Any other number than 0 may lie between two steps.
  if (node.op === 'Pad' && !padsWithZeros(graph, node)) return undefined;
  const inputs = node.inputs.slice(0, count);
  return inputs.every((name) => name !== '' && graph.values.get(name)?.type !== 'int64') ? inputs : undefined;
}

function padsWithZeros(graph: Graph, node: Node): boolean {
  if (((node.attributes.get('mode') as string | undefined) ?? 'constant') !== 'constant') return true;
  if (((node.attributes.get('value') as number | undefined) ?? 0) !== 0) return false;
  const value = graph.values.get(node.inputs[2] ?? '');
  return !value || (value.data?.every((byte) => byte === 0) ?? false);
}

/** Operators that commute with quantisation because they never swap two numbers. */
export function isBound(node: Node): boolean {
  return node.domain === '' && (node.op === 'Relu' || node.op === 'Clip');
}

/**
 * Focus, as YOLOX starts: the four interleaved quarters of a picture joined as channels, then a convolution. That is one
 * convolution of the picture with a kernel and a stride twice as large, and moves no pixel.
 */

import type { Node, Value } from '../../graph.ts';
import { sizeOf } from '../../onnx/tensor-data.ts';
import { axisIn, numberOf, numbersIn, numbersOf, stringOf } from '../attributes.ts';
import type { Rewriter } from './rewriter.ts';

export function foldFocus(rewriter: Rewriter): void {
  for (const conv of rewriter.nodes) {
    if (!isPlain(conv)) continue;
    const focus = joinedQuarters(rewriter, conv.inputs[0]!) ?? spaceToDepth(rewriter, conv.inputs[0]!);
    const weights = rewriter.value(conv.inputs[1]!);
    if (!focus || !weights?.data || weights.shape.length !== 4) continue;
    rewriter.replace(
      [...focus.nodes, conv],
      doubled(rewriter, conv, focus.picture, interleaved(weights, focus.channels)),
    );
  }
}

interface Channel {
  /** Of the picture. */
  readonly channel: number;
  readonly y: number;
  readonly x: number;
}

interface Focus {
  readonly picture: string;
  readonly nodes: readonly Node[];
  /** What each channel in front of the convolution holds. */
  readonly channels: readonly Channel[];
}

function evenPicture(rewriter: Rewriter, name: string): readonly number[] | undefined {
  const value = rewriter.value(name);
  const even = value?.shape.length === 4 && value.shape[2]! % 2 === 0 && value.shape[3]! % 2 === 0;
  return even ? value.shape : undefined;
}

function joinedQuarters(rewriter: Rewriter, name: string): Focus | undefined {
  const concat = rewriter.producer(name);
  if (concat?.op !== 'Concat' || concat.domain !== '' || concat.inputs.length !== 4) return undefined;
  if (!rewriter.isInternal(name) || numberOf(concat, 'axis', 1) !== 1) return undefined;
  const quarters = concat.inputs.map((input) => quarterOf(rewriter, input));
  const picture = quarters[0]?.picture;
  const shape = picture === undefined ? undefined : evenPicture(rewriter, picture);
  if (!shape || picture === undefined) return undefined;
  const offsets = quarters.flatMap((quarter) => (quarter?.picture === picture ? [quarter.offset] : []));
  if (new Set(offsets.map(([y, x]) => 2 * y + x)).size !== 4) return undefined;
  const channels = offsets.flatMap(([y, x]) => {
    return Array.from({ length: shape[1]! }, (_, channel) => ({ channel, y, x }));
  });
  return { picture, nodes: [concat], channels };
}

/** What ONNX Runtime makes of joined quarters: SpaceToDepth, and Gather where they lie in another order. */
function spaceToDepth(rewriter: Rewriter, name: string): Focus | undefined {
  let node = rewriter.producer(name);
  if (!node || !rewriter.isInternal(name)) return undefined;
  const nodes = [node];
  let indices: readonly number[] | undefined;
  if (node.op === 'Gather' && node.domain === '') {
    const chosen = rewriter.value(node.inputs[1]!);
    if (numberOf(node, 'axis', 0) !== 1 || !chosen?.data || chosen.shape.length !== 1) return undefined;
    indices = numbersIn(chosen);
    if (!rewriter.isInternal(node.inputs[0]!)) return undefined;
    node = rewriter.producer(node.inputs[0]!);
    if (node) nodes.push(node);
  }
  if (node?.op !== 'SpaceToDepth' || node.domain !== '' || numberOf(node, 'blocksize', 0) !== 2)
    return undefined;
  const [picture] = node.inputs as [string];
  const shape = evenPicture(rewriter, picture);
  if (!shape) return undefined;
  const all = [0, 1].flatMap((y) =>
    [0, 1].flatMap((x) => Array.from({ length: shape[1]! }, (_, channel) => ({ channel, y, x }))),
  );
  const chosen = indices ? indices.map((index) => all.at(index)) : all;
  // Taken twice, a channel would need the sum of two weights.
  if (chosen.includes(undefined) || chosen.length !== all.length || new Set(chosen).size !== all.length)
    return undefined;
  return { picture, nodes, channels: chosen as Channel[] };
}

type Offset = readonly [y: number, x: number];

/** Follows the Slice nodes that take every second row and column. */
function quarterOf(rewriter: Rewriter, name: string): { picture: string; offset: Offset } | undefined {
  const offset: [number, number] = [-1, -1];
  let at = name;
  while (offset[0] < 0 || offset[1] < 0) {
    const node = rewriter.producer(at);
    if (node?.op !== 'Slice' || node.domain !== '' || node.inputs.length < 5) return undefined;
    const [starts, ends, axes, steps] = node.inputs.slice(1, 5).map((input) => {
      const value = rewriter.value(input);
      return value?.data ? numbersIn(value) : undefined;
    });
    const shape = rewriter.value(node.inputs[0]!)?.shape;
    if (!starts || !ends || !axes || !steps || shape?.length !== 4) return undefined;
    for (const [i, given] of axes.entries()) {
      const axis = axisIn(given, 4) - 2;
      const [start, end] = [starts[i]!, ends[i]!];
      if ((axis !== 0 && axis !== 1) || offset[axis] >= 0) return undefined;
      if (steps[i] !== 2 || (start !== 0 && start !== 1) || end < shape[axis + 2]!) return undefined;
      offset[axis] = start;
    }
    at = node.inputs[0]!;
  }
  return { picture: at, offset };
}

function isPlain(conv: Node): boolean {
  if (conv.op !== 'Conv' || conv.domain !== '' || numberOf(conv, 'group', 1) !== 1) return false;
  if (stringOf(conv, 'auto_pad', 'NOTSET') !== 'NOTSET') return false;
  return (numbersOf(conv, 'dilations') ?? []).every((dilation) => dilation === 1);
}

/** [O, 4·C, H, W] as [O, C, 2·H, 2·W], of whatever type. */
function interleaved(weights: Value, parts: readonly Channel[]): Value {
  const [outputs, inputs, height, width] = weights.shape as [number, number, number, number];
  const channels = inputs / 4;
  const bytes = sizeOf(weights.type);
  const from = weights.data!;
  const to = new Uint8Array(from.length);
  for (let i = 0; i < from.length / bytes; i++) {
    const x = i % width;
    const y = Math.floor(i / width) % height;
    const input = Math.floor(i / (width * height)) % inputs;
    const output = Math.floor(i / (width * height * inputs));
    const part = parts[input]!;
    const row = (output * channels + part.channel) * 2 * height + 2 * y + part.y;
    const at = (row * 2 * width + 2 * x + part.x) * bytes;
    for (let byte = 0; byte < bytes; byte++) to[at + byte] = from[i * bytes + byte]!;
  }
  return { ...weights, shape: [outputs, channels, 2 * height, 2 * width], data: to };
}

function doubled(rewriter: Rewriter, conv: Node, picture: string, filter: Value): Node {
  const twice = (name: string, missing: number[]) =>
    (numbersOf(conv, name) ?? missing).map((size) => 2 * size);
  const attributes = new Map(conv.attributes);
  attributes.set('kernel_shape', filter.shape.slice(2));
  attributes.set('strides', twice('strides', [1, 1]));
  attributes.set('pads', twice('pads', [0, 0, 0, 0]));
  const weights = rewriter.addConstant(filter);
  return { ...conv, inputs: [picture, weights, ...conv.inputs.slice(2)], attributes };
}

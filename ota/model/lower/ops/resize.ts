/** Resize and Upsample: nearest by whole factors, and bilinear where XNNPACK computes the same positions as ONNX. */

import type { Node, Value } from '../../graph.ts';
import { numberOf, numbersOf, stringOf } from '../attributes.ts';
import type { Lowering } from '../lowering.ts';
import { refuse } from '../not-expressible.ts';
import { elements } from '../order.ts';
import { asPicture, pictureOf, pictureOutput } from '../pictures.ts';
import { concatenated } from './joining.ts';
import { nearestIndices } from './nearest.ts';
import { strided } from './slicing.ts';

export function resize(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const from = lowering.shape(input);
  const to = lowering.shape(node.outputs[0]!);
  if (from.join() === to.join() && scalesOf(node, lowering, from, to).every((scale) => scale === 1)) {
    lowering.place(node.outputs[0]!, lowering.placed(input));
    return;
  }
  const mode = stringOf(node, 'mode', 'nearest');
  if (numberOf(node, 'antialias', 0) !== 0) refuse('it smooths while it shrinks (antialias)');
  if (mode === 'nearest') nearest(node, lowering);
  else if (mode === 'linear' || mode === 'bilinear') linear(node, lowering);
  else refuse(`its mode is ${mode}; XNNPACK has linear, and nearest by whole factors`);
}

/** One factor per axis, as the node gives it or as the sizes say. */
function scalesOf(node: Node, lowering: Lowering, from: readonly number[], to: readonly number[]): number[] {
  const index = node.op === 'Upsample' || lowering.graph.opset < 11 ? 1 : 2;
  const name = lowering.optional(node, index);
  // An empty tensor stands for an input left out.
  const given =
    name === undefined || elements(lowering.shape(name)) === 0 ? undefined : lowering.numbers(node, index);
  const listed = given ?? numbersOf(node, 'scales');
  const byShape = to.map((size, axis) => size / from[axis]!);
  if (!listed) return byShape;
  const axes = numbersOf(node, 'axes') ?? listed.map((_, i) => i);
  for (const [i, axis] of axes.entries()) byShape[axis < 0 ? axis + from.length : axis] = listed[i]!;
  return byShape;
}

function coordinatesOf(node: Node, lowering: Lowering): string {
  const old = node.op === 'Upsample' || lowering.graph.opset < 11;
  return old ? 'asymmetric' : stringOf(node, 'coordinate_transformation_mode', 'half_pixel');
}

function nearest(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const [output] = node.outputs as [string];
  const from = lowering.shape(input);
  const to = lowering.shape(output);
  const scales = scalesOf(node, lowering, from, to);
  const old = node.op === 'Upsample' || lowering.graph.opset < 11;
  const options = {
    coordinates: coordinatesOf(node, lowering),
    rounding: old ? 'floor' : stringOf(node, 'nearest_mode', 'round_prefer_floor'),
  };
  const { id: start, order } = lowering.placed(input);
  const value = lowering.value(output);
  let id = start;
  const factors = new Array<number>(from.length).fill(1);
  for (const [at, axis] of order.entries()) {
    const indices = nearestIndices({ from: from[axis]!, to: to[axis]!, scale: scales[axis]!, ...options });
    const first = indices[0]!;
    const factor = to[axis]! / from[axis]!;
    if (Number.isInteger(factor) && indices.every((index, i) => index === Math.floor(i / factor))) {
      factors[at] = factor;
      continue;
    }
    const step = to[axis]! > 1 ? indices[1]! - first : 1;
    if (step < 1 || indices.some((index, i) => index !== first + i * step)) {
      refuse(`it takes the nearest of ${from[axis]} for ${to[axis]}, which is no whole factor`);
    }
    id = strided(lowering, id, { axis: at, start: first, count: to[axis]!, step }, value);
  }
  if (factors.some((factor) => factor > 1)) id = repeated(lowering, id, factors, value);
  lowering.place(output, { id, order });
}

/** Each row, column … `factors` times: a multiplication by ones repeats what it broadcasts, and changes no number. */
function repeated(lowering: Lowering, id: number, factors: readonly number[], like: Value): number {
  const { dims } = lowering.builder.values[id]!;
  const grown = dims.map((size, i) => size * factors[i]!);
  if (like.quantization || like.type !== 'float32') return joinedCopies(lowering, id, factors, like);
  const pieces: { size: number; factor: number }[] = [];
  for (const [i, size] of dims.entries()) {
    const last = pieces.at(-1);
    if (last?.factor === 1) pieces[pieces.length - 1] = { size: last.size * size, factor: factors[i]! };
    else pieces.push({ size, factor: factors[i]! });
  }
  const source = pieces.flatMap(({ size, factor }) => (factor > 1 ? [size, 1] : [size]));
  const ones = pieces.flatMap(({ factor }) => (factor > 1 ? [1, factor] : [1]));
  const wide = pieces.flatMap(({ size, factor }) => (factor > 1 ? [size, factor] : [size]));
  if (source.length > 6) return joinedCopies(lowering, id, factors, like);
  const cut = lowering.reshaped(id, source, like);
  const times = lowering.floats(ones, new Float32Array(elements(ones)).fill(1));
  const product = lowering.temporary(wide, like);
  lowering.emit({ op: 'binary', kind: 'multiply', inputs: [cut, times], outputs: [product] });
  return lowering.reshaped(product, grown, like);
}

function joinedCopies(lowering: Lowering, start: number, factors: readonly number[], like: Value): number {
  let id = start;
  for (const [axis, factor] of factors.entries()) {
    if (factor === 1) continue;
    const { dims } = lowering.builder.values[id]!;
    const rows = elements(dims.slice(0, axis + 1));
    const cut = lowering.reshaped(id, [rows, elements(dims.slice(axis + 1))], like);
    const wide = concatenated(lowering, new Array<number>(factor).fill(cut), 1, like);
    id = lowering.reshaped(
      wide,
      dims.map((size, i) => (i === axis ? size * factor : size)),
      like,
    );
  }
  return id;
}

const MODES = {
  half_pixel: 'half-pixel',
  pytorch_half_pixel: 'half-pixel',
  half_pixel_symmetric: 'half-pixel',
  align_corners: 'align-corners',
  asymmetric: 'asymmetric',
} as const;

function linear(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const [output] = node.outputs as [string];
  const from = lowering.shape(input);
  const to = lowering.shape(output);
  const coordinates = coordinatesOf(node, lowering);
  const mode = MODES[coordinates as keyof typeof MODES] ?? refuse(`it places pixels by ${coordinates}`);
  if (from[0] !== to[0] || from[1] !== to[1]) refuse('it resizes batch or channels');
  for (const [axis, scale] of scalesOf(node, lowering, from, to).entries()) {
    // XNNPACK takes the scale from the sizes.
    if (mode !== 'align-corners' && Math.abs(scale * from[axis]! - to[axis]!) > 1e-5 * to[axis]!) {
      refuse(`its scale of ${scale} makes ${to[axis]} of ${from[axis]} only by rounding`);
    }
    if (coordinates === 'pytorch_half_pixel' && to[axis] === 1 && from[axis] !== 1)
      refuse('it shrinks an axis to one pixel');
  }
  pictureOf(lowering, input);
  const source = asPicture(lowering, input);
  const size = [to.length === 4 ? to[2]! : 1, to.at(-1)!] as const;
  pictureOutput(lowering, output, (id) => {
    lowering.emit({ op: 'resizeBilinear2d', size, mode, inputs: [source], outputs: [id] });
  });
}

/** Pad: with a constant, or with what lies at the edge. */

import type { Node, Value } from '../../graph.ts';
import { axisIn, numberOf, numbersOf, stringOf } from '../attributes.ts';
import type { Lowering } from '../lowering.ts';
import { refuse } from '../not-expressible.ts';
import { concatenated } from './joining.ts';
import { sliced } from './slicing.ts';

/** More rows than this, each a copy of its own, are better left to ONNX Runtime. */
const MOST_COPIED_ROWS = 16;

export function pad(node: Node, lowering: Lowering): void {
  const [input] = node.inputs as [string];
  const [output] = node.outputs as [string];
  const shape = lowering.shape(input);
  const { before, after } = sidesOf(node, lowering, shape.length);
  const placed = lowering.placed(input);
  const { order } = placed;
  const value = lowering.value(output);
  let { id } = placed;
  const stored = (sides: readonly number[]) => order.map((axis) => sides[axis]!);
  if ([...before, ...after].some((side) => side < 0)) {
    const offsets = stored(before).map((side) => Math.max(0, -side));
    const { dims } = lowering.builder.values[id]!;
    const sizes = dims.map((size, i) => size - offsets[i]! - Math.max(0, -stored(after)[i]!));
    id = sliced(lowering, id, { offsets, sizes }, value, order);
  }
  const sides = { before: stored(before).map(positive), after: stored(after).map(positive) };
  const mode = stringOf(node, 'mode', 'constant');
  if (mode === 'constant')
    id = constantPadded(lowering, id, { ...sides, value: fillOf(node, lowering) }, value);
  else if (mode === 'edge' || mode === 'reflect') id = mirrored(lowering, id, { ...sides, mode }, value);
  else refuse(`its mode is ${mode}`);
  lowering.place(output, { id, order });
}

const positive = (side: number): number => Math.max(0, side);

function sidesOf(node: Node, lowering: Lowering, rank: number): { before: number[]; after: number[] } {
  const pads = lowering.numbers(node, 1) ?? numbersOf(node, 'pads') ?? refuse('it has no pads');
  const axes = lowering.numbers(node, 3) ?? Array.from({ length: rank }, (_, axis) => axis);
  if (pads.length !== 2 * axes.length) refuse(`its pads has ${pads.length} numbers for ${axes.length} axes`);
  const before = new Array<number>(rank).fill(0);
  const after = new Array<number>(rank).fill(0);
  for (const [i, axis] of axes.entries()) {
    before[axisIn(axis, rank)] = pads[i]!;
    after[axisIn(axis, rank)] = pads[i + axes.length]!;
  }
  return { before, after };
}

function fillOf(node: Node, lowering: Lowering): number {
  const fill = lowering.numbers(node, 2)?.[0] ?? numberOf(node, 'value', 0);
  if (!Number.isFinite(fill)) refuse(`it pads with ${fill}`);
  return fill;
}

interface Sides {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

function constantPadded(
  lowering: Lowering,
  id: number,
  sides: Sides & { value: number },
  like: Value,
): number {
  if ([...sides.before, ...sides.after].every((side) => side === 0)) return id;
  const { dims } = lowering.builder.values[id]!;
  const output = lowering.temporary(
    dims.map((size, i) => size + sides.before[i]! + sides.after[i]!),
    like,
  );
  lowering.emit({ op: 'constantPad', ...sides, inputs: [id], outputs: [output] });
  return output;
}

function mirrored(
  lowering: Lowering,
  start: number,
  { before, after, mode }: Sides & { mode: 'edge' | 'reflect' },
  like: Value,
): number {
  const rows = [...before, ...after].reduce((sum, side) => sum + side, 0);
  if (rows > MOST_COPIED_ROWS)
    refuse(`it repeats ${rows} rows; up to ${MOST_COPIED_ROWS} are worth copying one by one`);
  let id = start;
  for (const axis of before.keys()) {
    if (before[axis] === 0 && after[axis] === 0) continue;
    const source = id;
    const { dims } = lowering.builder.values[source]!;
    const size = dims[axis]!;
    if (mode === 'reflect' && Math.max(before[axis]!, after[axis]!) >= size)
      refuse('it reflects more than there is');
    const row = (at: number) => {
      const offsets = dims.map((_, i) => (i === axis ? at : 0));
      return sliced(lowering, source, { offsets, sizes: dims.map((dim, i) => (i === axis ? 1 : dim)) }, like);
    };
    const above = Array.from({ length: before[axis]! }, (_, i) =>
      row(mode === 'edge' ? 0 : before[axis]! - i),
    );
    const below = Array.from({ length: after[axis]! }, (_, i) =>
      row(mode === 'edge' ? size - 1 : size - 2 - i),
    );
    id = concatenated(lowering, [...above, source, ...below], axis, like);
  }
  return id;
}

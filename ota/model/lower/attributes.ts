/** Typed reading of a node's attributes. A node with an attribute of another type than ONNX says is refused. */

import type { Attribute, Node, Value } from '../graph.ts';
import { refuse } from './not-expressible.ts';

export function numberOf(node: Node, name: string, missing: number): number {
  return typed(node, name, (value) => typeof value === 'number') ?? missing;
}

export function stringOf(node: Node, name: string, missing: string): string {
  return typed(node, name, (value) => typeof value === 'string') ?? missing;
}

export function numbersOf(node: Node, name: string): readonly number[] | undefined {
  return typed(
    node,
    name,
    (value): value is readonly number[] =>
      Array.isArray(value) && value.every((item) => typeof item === 'number'),
  );
}

function typed<T extends Attribute>(
  node: Node,
  name: string,
  is: (value: Attribute) => value is T,
): T | undefined {
  const value = node.attributes.get(name);
  if (value === undefined) return undefined;
  if (!is(value)) refuse(`its attribute ${name} has another type than ONNX gives it`);
  return value;
}

/** Numbers of a constant tensor of any type that a number holds. */
export function numbersIn({ type, data, shape, name }: Value): number[] {
  if (!data) refuse(`${name} is computed at run time and has to be a constant`);
  const count = shape.reduce((product, size) => product * size, 1);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const read = READERS[type];
  if (!read) refuse(`${name} is a constant of type ${type}`);
  return Array.from({ length: count }, (_, i) => read(view, i));
}

const READERS: Partial<Record<Value['type'], (view: DataView, index: number) => number>> = {
  float32: (view, i) => view.getFloat32(4 * i, true),
  float64: (view, i) => view.getFloat64(8 * i, true),
  int8: (view, i) => view.getInt8(i),
  uint8: (view, i) => view.getUint8(i),
  bool: (view, i) => view.getUint8(i),
  int16: (view, i) => view.getInt16(2 * i, true),
  uint16: (view, i) => view.getUint16(2 * i, true),
  int32: (view, i) => view.getInt32(4 * i, true),
  uint32: (view, i) => view.getUint32(4 * i, true),
  int64: (view, i) => Number(view.getBigInt64(8 * i, true)),
  uint64: (view, i) => Number(view.getBigUint64(8 * i, true)),
};

/** @param axis may be negative: counted from the end */
export function axisIn(axis: number, rank: number): number {
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(at) || at < 0 || at >= Math.max(rank, 1))
    refuse(`axis ${axis} is not one of the ${rank} of its input`);
  return at;
}

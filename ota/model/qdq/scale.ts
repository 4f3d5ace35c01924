/** Numbers of quantisation: activations are int8 with one scale everywhere behind this pass. */

import type { ElementType, Graph, Node, Quantization, Value } from '../graph.ts';
import { numberOf, numbersIn } from '../lower/attributes.ts';

/** real = scale * (stored - zeroPoint), stored in int8. */
export interface Scale {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** What a QuantizeLinear or DequantizeLinear says, with its zero points in its own type. */
export interface Quantizer {
  readonly type: ElementType;
  readonly scales: Float32Array;
  readonly zeroPoints: Int32Array;
  /** Undefined for one scale for the whole tensor. */
  readonly axis?: number;
}

const UINT8_TO_INT8 = -128;

/** @returns undefined where the scale is computed at run time or per block, or the type is no quantised integer */
export function quantizerOf(graph: Graph, node: Node): Quantizer | undefined {
  const [data = '', scaleName = '', zeroName = ''] = node.inputs;
  const scale = graph.values.get(scaleName);
  const zero = zeroName === '' ? undefined : graph.values.get(zeroName);
  if (!scale?.data || scale.type !== 'float32' || (zeroName !== '' && !zero?.data)) return undefined;
  if (numberOf(node, 'block_size', 0) !== 0) return undefined;
  const type = node.op === 'QuantizeLinear' ? (zero?.type ?? 'uint8') : graph.values.get(data)?.type;
  if (type !== 'int8' && type !== 'uint8' && type !== 'int32') return undefined;
  const scales = Float32Array.from(numbersIn(scale));
  if (scales.some((one) => !(one > 0) || !Number.isFinite(one))) return undefined;
  const zeroPoints = zero ? Int32Array.from(numbersIn(zero)) : new Int32Array(scales.length);
  const rank = graph.values.get(data)?.shape.length ?? 0;
  if (scales.length === 1) return { type, scales, zeroPoints };
  const axis = numberOf(node, 'axis', 1);
  return { type, scales, zeroPoints, axis: axis < 0 ? axis + rank : axis };
}

/** The scale of an activation; undefined where it is not 8 bits wide with one scale. */
export function activationScale(quantizer: Quantizer | undefined): Scale | undefined {
  if (!quantizer || quantizer.axis !== undefined) return undefined;
  const zeroPoint = quantizer.zeroPoints[0]!;
  if (quantizer.type === 'int8') return { scale: quantizer.scales[0]!, zeroPoint };
  if (quantizer.type !== 'uint8') return undefined;
  return { scale: quantizer.scales[0]!, zeroPoint: zeroPoint + UINT8_TO_INT8 };
}

export const sameScale = (a: Scale, b: Scale): boolean => a.scale === b.scale && a.zeroPoint === b.zeroPoint;

export const quantizationOf = ({ scale, zeroPoint }: Scale): Quantization => ({
  scale: Float32Array.of(scale),
  zeroPoint: Int32Array.of(zeroPoint),
});

/** As ONNX says: divided in float32, rounded half to even, saturated. */
export function quantise(real: number, { scale, zeroPoint }: Scale): number {
  const steps = Math.fround(Math.fround(real) / scale);
  return Math.max(-128, Math.min(127, roundHalfEven(Math.max(-512, Math.min(512, steps))) + zeroPoint));
}

export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Every real that an int8 value can stand for, the one of -128 first. */
export function realsOf({ scale, zeroPoint }: Scale): Float32Array {
  return Float32Array.from({ length: 256 }, (_, i) => Math.fround(scale * (i - 128 - zeroPoint)));
}

/** Reals of a quantised constant. */
export function dequantised(value: Value, { scales, zeroPoints, axis }: Quantizer): Float32Array {
  const stored = numbersIn(value);
  const channel = channelOf(value.shape, axis);
  return Float32Array.from(stored, (one, i) => {
    const c = channel(i);
    return Math.fround((one - zeroPoints[c]!) * scales[c]!);
  });
}

/** @returns the index along `axis` of the element at an index of the row-major tensor; 0 without an axis */
export function channelOf(shape: readonly number[], axis: number | undefined): (index: number) => number {
  if (axis === undefined) return () => 0;
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const count = shape[axis] ?? 1;
  return (index) => Math.floor(index / inner) % count;
}

/** Weights and biases in the forms that XNNPACK's int8 kernels take: zero point 0, biases in steps of input · weight. */

import type { Quantization, Value } from '../graph.ts';
import { numbersIn } from '../lower/attributes.ts';
import { type Quantizer, roundHalfEven } from './scale.ts';

/** XNNPACK's kernels for older ARM cores add two products in 16 bits, which -128 · -128 twice would overflow. */
const LARGEST = 127;
/** Steps of the product far above the finest that XNNPACK takes: there the bias has bits to spare. */
const MIDDLE_OF_RANGE = 2 ** 16;
const INT32 = 2 ** 31;
/** Scales of biases are products of float32, which the exporter may have rounded otherwise. */
const SAME_STEP = 1e-5;

/**
 * The weights less their zero point. Where a channel does not fit int8 then (uint8 with a zero point off the middle, -128),
 * it is rounded to a coarser scale of its own: half a step in 127 at the most, and only that channel. So is a channel
 * whose scale is below `least`, which adds less than half a step to any result.
 * @param axis of the output channels
 */
export function centredWeights(
  value: Value,
  quantizer: Quantizer,
  axis: number,
  least: number,
): Value | undefined {
  const { shape, data } = value;
  const { type, scales, zeroPoints } = quantizer;
  if (type === 'int32' || !data || (quantizer.axis !== undefined && quantizer.axis !== axis))
    return undefined;
  const stored = type === 'int8' ? new Int8Array(data.buffer, data.byteOffset, data.length) : data;
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const count = shape[axis] ?? 1;
  const zeroOf = (c: number) => zeroPoints[c] ?? zeroPoints[0]!;
  const largest = new Float64Array(count);
  for (let i = 0; i < stored.length; i++) {
    const c = Math.floor(i / inner) % count;
    largest[c] = Math.max(largest[c]!, Math.abs(stored[i]! - zeroOf(c)));
  }
  const factors = largest.map((one, c) => {
    const scale = scales[c] ?? scales[0]!;
    return Math.max(1, one / LARGEST, scale < least ? (least * MIDDLE_OF_RANGE) / scale : 0);
  });
  const moved = new Int8Array(stored.length);
  for (let i = 0; i < stored.length; i++) {
    const c = Math.floor(i / inner) % count;
    moved[i] = roundHalfEven((stored[i]! - zeroOf(c)) / factors[c]!);
  }
  const perChannel = quantizer.axis !== undefined || factors.some((one) => one > 1);
  return {
    ...value,
    type: 'int8',
    data: new Uint8Array(moved.buffer),
    quantization: perChannel ? scalesPerChannel(quantizer, factors, axis) : oneScale(scales[0]!),
  };
}

function scalesPerChannel(quantizer: Quantizer, factors: Float64Array, axis: number): Quantization {
  const scale = Float32Array.from(
    factors,
    (factor, c) => factor * (quantizer.scales[c] ?? quantizer.scales[0]!),
  );
  return { scale, zeroPoint: new Int32Array(scale.length), axis };
}

export const oneScale = (scale: number): Quantization => ({
  scale: Float32Array.of(scale),
  zeroPoint: Int32Array.of(0),
});

/** The scale of what an int8 input and these weights add up to: one per channel, or one. */
export function productScales(inputScale: number, weights: Quantization): Float32Array {
  return weights.scale.map((scale) => Math.fround(inputScale * scale));
}

/**
 * @param given the bias: reals, or int32 with its scales
 * @returns int32 in steps of input · weight; undefined where one does not fit
 */
export function centredBias(
  name: string,
  given: { readonly reals: Float32Array } | { readonly value: Value; readonly quantizer: Quantizer },
  inputScale: number,
  weights: Quantization,
): Value | undefined {
  const steps = productScales(inputScale, weights);
  const numbers = 'reals' in given ? [...given.reals] : numbersIn(given.value);
  const stepped = numbers.map((one, c) => {
    const to = steps[c] ?? steps[0]!;
    if ('reals' in given) return roundHalfEven(one / to);
    const ratio = (given.quantizer.scales[c] ?? given.quantizer.scales[0]!) / to;
    const zero = given.quantizer.zeroPoints[c] ?? given.quantizer.zeroPoints[0]!;
    return Math.abs(ratio - 1) < SAME_STEP ? one - zero : roundHalfEven((one - zero) * ratio);
  });
  if (stepped.some((one) => !(one >= -INT32 && one < INT32))) return undefined;
  const perChannel = weights.axis !== undefined;
  return {
    name,
    type: 'int32',
    shape: [stepped.length],
    data: new Uint8Array(Int32Array.from(stepped).buffer),
    quantization: {
      scale: steps,
      zeroPoint: new Int32Array(steps.length),
      ...(perChannel && { axis: 0 }),
    },
  };
}

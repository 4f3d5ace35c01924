/** Whether a model's outputs are those of the golden vectors, as far as the bundle's tolerance lets them differ. */

import type { Tensor, Tensors } from '../../runtime/core/tensor.ts';
import type { VectorCase } from './vectors.ts';

export interface Difference {
  /** Which case of the vectors, from 0. */
  readonly at: number;
  readonly output: string;
  /** For people: `element 3 is 0.9, expected 0.1; it may be off by 0.02`. */
  readonly text: string;
}

/** Below it nothing counts as the size of an output. */
const LEAST_RANGE = 1e-6;

/**
 * An element may be off by `tolerance` times the output's range: the largest magnitude that the vectors expect of it in
 * any case.
 * @param actual the outputs of each case, in order
 * @returns the first difference; undefined when there is none
 */
export function compareVectors(
  cases: readonly VectorCase[],
  actual: readonly Tensors[],
  tolerance: number,
): Difference | undefined {
  const ranges = rangesOf(cases);
  for (const [at, { outputs }] of cases.entries()) {
    for (const [output, expected] of Object.entries(outputs)) {
      const given = actual[at]?.[output];
      const text = given
        ? tensorDifference(expected, given, tolerance * ranges.get(output)!)
        : 'is not among the outputs';
      if (text !== undefined) return { at, output, text };
    }
  }
  return undefined;
}

function rangesOf(cases: readonly VectorCase[]): ReadonlyMap<string, number> {
  const ranges = new Map<string, number>();
  for (const { outputs } of cases) {
    for (const [output, tensor] of Object.entries(outputs)) {
      let range = ranges.get(output) ?? LEAST_RANGE;
      for (let at = 0; at < tensor.data.length; at++) {
        const size = Math.abs(elementOf(tensor, at));
        if (size > range && size < Number.POSITIVE_INFINITY) range = size;
      }
      ranges.set(output, range);
    }
  }
  return ranges;
}

function tensorDifference(expected: Tensor, given: Tensor, most: number): string | undefined {
  if (given.type !== expected.type || given.shape.join() !== expected.shape.join())
    return `is ${given.type} [${given.shape}], expected ${expected.type} [${expected.shape}]`;
  for (let at = 0; at < expected.data.length; at++) {
    const right = elementOf(expected, at);
    const found = elementOf(given, at);
    // Infinities and NaN are as wanted or not; a difference of theirs is no number.
    if (Object.is(right, found) || Math.abs(right - found) <= most) continue;
    return `element ${at} is ${found}, expected ${right}; it may be off by ${Number(most.toPrecision(3))}`;
  }
  return undefined;
}

function elementOf({ type, data }: Tensor, at: number): number {
  const value = data[at]!;
  return type === 'float16' ? fromHalf(value as number) : Number(value);
}

function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Inputs for a model about which nothing is known but its contract: the same for the same seed. */

import { InputError } from '../../runtime/core/errors.ts';
import { arrayOf } from '../../runtime/pipeline/inference/contract.ts';
import type { Tensor, TensorInfo, Tensors } from '../../runtime/pipeline/inference/session.ts';
import { Random } from '../../simulator/random.ts';

export type Range = readonly [low: number, high: number];

const DEFAULT_RANGE: Range = [-1, 1];
const BYTES: Range = [0, 255];
const SIGNED_BYTES: Range = [-128, 127];
/** With any fraction in the low ten bits, a half-precision number from 1 to 2. */
const HALF_ONE = 0x3c00;
const HALF_FRACTION = 1024;

/**
 * @param ranges real numbers to draw from, by input: without one, [-1, 1] for float (float16: 1 to 2), what fits for bytes, 0 and 1 for
 *   other whole numbers, which are mostly counts or choices
 */
export function randomInputs(
  inputs: readonly TensorInfo[],
  ranges: Readonly<Record<string, Range | undefined>>,
  seed: number,
): Tensors {
  const random = new Random(seed);
  return Object.fromEntries(inputs.map((info) => [info.name, randomTensor(info, ranges[info.name], random)]));
}

function randomTensor({ name, type, shape }: TensorInfo, range: Range | undefined, random: Random): Tensor {
  if (shape.some((size) => size < 0)) {
    throw new InputError(
      'shape-free',
      `input \`${name}\` has the shape [${shape}]: inputs cannot be made up for it`,
    );
  }
  const count = shape.reduce((product, size) => product * size, 1);
  const [low, high] = range ?? defaultRange(type);
  const real = () => random.between(low, high);
  const whole = () => Math.floor(random.between(low, high + 1));
  const data = new (arrayOf(type))(count);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (let at = 0; at < count; at++) data[at] = BigInt(whole());
  } else if (type === 'float16') {
    for (let at = 0; at < count; at++) data[at] = HALF_ONE + Math.floor(random.next() * HALF_FRACTION);
  } else {
    const draw = type.startsWith('float') ? real : whole;
    for (let at = 0; at < count; at++) data[at] = draw();
  }
  return { type, shape, data };
}

function defaultRange(type: string): Range {
  if (type.startsWith('float')) return DEFAULT_RANGE;
  if (type === 'uint8') return BYTES;
  return type === 'int8' ? SIGNED_BYTES : [0, 1];
}

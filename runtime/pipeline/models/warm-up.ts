/** First calls of a fresh session: backends pack weights and lay out memory then, which no sample shall wait for. */

import { arrayOf } from '../inference/contract.ts';
import type { Session, Tensors } from '../inference/session.ts';

const ROUNDS = 2;

/** Zeros, one of each free dimension. @throws as `Session.infer`. */
export async function warmUp(session: Session): Promise<void> {
  const inputs: Record<string, Tensors[string]> = {};
  for (const { name, type, shape } of session.describe().inputs) {
    const sizes = shape.map((size) => (size < 0 ? 1 : size));
    const length = sizes.reduce((product, size) => product * size, 1);
    inputs[name] = { type, shape: sizes, data: new (arrayOf(type))(length) };
  }
  for (let round = 0; round < ROUNDS; round++) await session.infer(inputs);
}

/** The class of a classifier's rows, taken from its probabilities: label outputs differ by exporter, these do not. */

import { ModelError } from '../../core/errors.ts';
import type { SessionFacts, Tensor, TensorInfo } from './session.ts';

export interface Classified {
  /** Index of the class. */
  readonly index: number;
  /** As the model gives it; for one column, of the class that was taken. */
  readonly probability: number;
}

/**
 * The output that holds the probabilities of a classifier, such as those that scikit-learn's exporters write: the one
 * named so, else the only float output. Undefined when there is none, as when they come as a sequence of maps.
 */
export function probabilitiesOutput(facts: Pick<SessionFacts, 'outputs'>): TensorInfo | undefined {
  const floats = facts.outputs.filter(
    ({ type, shape }) => (type === 'float32' || type === 'float64') && shape.length <= 2,
  );
  return floats.find(({ name }) => /prob/i.test(name)) ?? (floats.length === 1 ? floats[0] : undefined);
}

/**
 * @param tensor probabilities, [rows, classes] or [classes]; one column is the probability of class 1 of two.
 * @returns one per row; of equal ones the first class.
 * @throws ModelError `model-run` when a row has no number, or the tensor is something else.
 */
export function classesOf({ type, shape, data }: Tensor): Classified[] {
  const columns = shape.at(-1) ?? 0;
  if ((type !== 'float32' && type !== 'float64') || shape.length > 2 || columns === 0) {
    const text = `the model gave ${type} [${shape.join(', ')}] where probabilities are expected: float [rows, classes]`;
    throw new ModelError('model-run', text);
  }
  const values = data as Float32Array | Float64Array;
  return Array.from({ length: values.length / columns }, (_, row) =>
    best(values.subarray(row * columns, (row + 1) * columns), row),
  );
}

function best(row: Float32Array | Float64Array, number: number): Classified {
  const pair = row.length === 1 ? [1 - row[0]!, row[0]!] : row;
  let index = -1;
  for (let i = 0; i < pair.length; i++) {
    if (!Number.isNaN(pair[i]!) && (index < 0 || pair[i]! > pair[index]!)) index = i;
  }
  if (index < 0) throw new ModelError('model-run', `the probabilities of row ${number} are no numbers`);
  return { index, probability: pair[index]! };
}

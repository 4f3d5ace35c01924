/** What a model of a bundle wants to see: the present row of its tags, or the last rows, by the shape of its input. Pure. */

import { ModelError } from '../../core/errors.ts';
import type { Tensor, TensorInfo } from '../inference/session.ts';

const MOST_ROWS = 10_000;

export interface InputLayout {
  readonly name: string;
  readonly type: 'float32' | 'float64';
  readonly shape: readonly number[];
  /** Rows that one call takes; the present one is the last. */
  readonly rows: number;
  /** [.., tags, rows] instead of [.., rows, tags]. */
  readonly tagsFirst: boolean;
}

/**
 * [tags] or [1, tags] is one row; [1, rows, tags] and [1, tags, rows] are windows, as is [rows, tags]; [1, rows * tags]
 * is a window row by row. Where rows and tags are as many, rows come first.
 * @param inputs of the model. @param tags how many the configuration names.
 * @throws ModelError `model-inputs` that says what does not fit.
 */
export function layoutOf(model: string, inputs: readonly TensorInfo[], tags: number): InputLayout {
  const [info] = inputs;
  if (!info || inputs.length !== 1) throw wrong(model, `it takes ${inputs.length} inputs, expected one`);
  const { name, type } = info;
  if (type !== 'float32' && type !== 'float64')
    throw wrong(model, `its input "${name}" is ${type}, expected float32 or float64`);
  // A leading free dimension is the batch.
  const shape = info.shape.map((size, axis) => (size < 0 && axis === 0 ? 1 : size));
  const sizes = shape[0] === 1 && shape.length > 1 ? shape.slice(1) : shape;
  const [first, second] = sizes as [number, number];
  const one = { name, type, shape } as const;
  if (sizes.length === 1 && first > 0 && first % tags === 0 && first / tags <= MOST_ROWS)
    return { ...one, rows: first / tags, tagsFirst: false };
  if (sizes.length === 2 && second === tags && first > 0 && first <= MOST_ROWS)
    return { ...one, rows: first, tagsFirst: false };
  if (sizes.length === 2 && first === tags && second > 0 && second <= MOST_ROWS)
    return { ...one, rows: second, tagsFirst: true };
  const is = `[${info.shape.join(', ')}]`;
  throw wrong(
    model,
    `its input "${name}" is ${is}, which holds no rows of the ${tags} tags that are configured`,
  );
}

/** The last rows of some tags, as many as the widest model so far wanted. */
export class RowWindow {
  readonly #width: number;
  #rows: Float64Array;
  #capacity: number;
  #count = 0;

  constructor(width: number, capacity = 1) {
    this.#width = width;
    this.#capacity = capacity;
    this.#rows = new Float64Array(width * capacity);
  }

  /** Rows since the start or the last gap, at most the capacity. */
  get count(): number {
    return Math.min(this.#count, this.#capacity);
  }

  /** Makes room for `rows`; keeps those that are there. */
  reserve(rows: number): void {
    if (rows <= this.#capacity) return;
    const kept = this.#ordered(this.count);
    this.#rows = new Float64Array(this.#width * rows);
    this.#rows.set(kept);
    this.#count = kept.length / this.#width;
    this.#capacity = rows;
  }

  push(row: Float64Array): void {
    this.#rows.set(row, (this.#count % this.#capacity) * this.#width);
    this.#count += 1;
  }

  clear(): void {
    this.#count = 0;
  }

  /** Takes over what another one has seen. */
  copy(other: RowWindow): void {
    this.reserve(other.#capacity);
    const rows = other.#ordered(other.count);
    this.clear();
    for (let at = 0; at < rows.length; at += this.#width) this.push(rows.subarray(at, at + this.#width));
  }

  /** A fresh tensor, since calls overlap; undefined while rows are too few or a value is missing. */
  tensor(layout: InputLayout, missingAllowed: boolean): Tensor | undefined {
    const { rows, type, shape, tagsFirst } = layout;
    if (this.count < rows) return undefined;
    const values = this.#ordered(rows);
    const length = rows * this.#width;
    const data = type === 'float64' ? new Float64Array(length) : new Float32Array(length);
    for (let row = 0; row < rows; row++) {
      for (let tag = 0; tag < this.#width; tag++) {
        const value = values[row * this.#width + tag]!;
        if (Number.isNaN(value) && !missingAllowed) return undefined;
        data[tagsFirst ? tag * rows + row : row * this.#width + tag] = value;
      }
    }
    return { type, shape, data };
  }

  /** The last `rows`, oldest first. */
  #ordered(rows: number): Float64Array {
    const out = new Float64Array(rows * this.#width);
    for (let i = 0; i < rows; i++) {
      const at = ((this.#count - rows + i) % this.#capacity) * this.#width;
      out.set(this.#rows.subarray(at, at + this.#width), i * this.#width);
    }
    return out;
  }
}

function wrong(model: string, why: string): ModelError {
  return new ModelError('model-inputs', `${model} does not fit its tags: ${why}`);
}

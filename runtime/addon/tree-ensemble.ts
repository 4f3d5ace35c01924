/** Additive tree ensembles, scored and explained natively. */

import { crc32 } from 'node:zlib';
import { InputError, ModelError } from '../core/errors.ts';
import {
  binding,
  calling,
  type EnsembleFacts,
  type NativeEnsemble,
  type TreeArrays,
  translated,
} from './binding.ts';

const CRC_BYTES = 4;

/**
 * `score(row) = base + scale * sum over trees of the leaf's value`. Rows are read as float32; NaN is missing and
 * goes the way its node says. Methods throw InputError `bad-argument`, and ModelError `model-disposed` after
 * `dispose`.
 */
export class TreeEnsemble {
  readonly #native: NativeEnsemble;
  readonly facts: EnsembleFacts;

  /** Made by the static functions. */
  protected constructor(native: NativeEnsemble) {
    this.#native = native;
    this.facts = native.describe();
  }

  /** @throws ModelError `bad-model` naming the node that is wrong. */
  static fromArrays(arrays: TreeArrays): TreeEnsemble {
    return new TreeEnsemble(calling(() => binding().ensembleFromArrays(arrays)));
  }

  /** Takes back what `serialize` gave. @throws ModelError `bad-model` for anything else. */
  static deserialize(bytes: Uint8Array): TreeEnsemble {
    return new TreeEnsemble(nativeFromBytes(bytes));
  }

  /** Values in a row. */
  get width(): number {
    return this.facts.width;
  }

  /** Mean score over the training rows: what `explain`'s contributions start from. */
  get expectedValue(): number {
    return this.facts.expectedValue;
  }

  /** @param row `width` values. */
  score(row: Float64Array): number {
    try {
      return this.#native.score(row);
    } catch (error) {
      throw translated(error);
    }
  }

  /** @param rows row-major, `width` columns. @param out one score per row. */
  scoreBatch(rows: Float64Array, out: Float64Array): void {
    calling(() => this.#native.scoreBatch(rows, out));
  }

  /** Like `scoreBatch`, on a thread of the pool; `rows` is copied first and may be reused at once. */
  async scoreBatchAsync(rows: Float64Array): Promise<Float64Array> {
    return await calling(() => this.#native.scoreBatchAsync(rows));
  }

  /**
   * Exact path-dependent TreeSHAP: the contributions sum to `score - expectedValue`.
   * @param out `width` contributions, overwritten.
   * @returns the score
   * @throws ModelError `out-of-memory` for an ensemble whose tables would exceed 512 MiB.
   */
  explain(row: Float64Array, out: Float64Array): number {
    try {
      return this.#native.explain(row, out);
    } catch (error) {
      throw translated(error);
    }
  }

  /** Compact, versioned, with a checksum; the same bytes for the same ensemble on every machine. */
  serialize(): Buffer {
    const bytes = calling(() => this.#native.serialize());
    const out = Buffer.alloc(bytes.length + CRC_BYTES);
    out.set(bytes);
    out.writeUInt32LE(crc32(bytes), bytes.length);
    return out;
  }

  /** Gives the memory back now instead of at garbage collection; batches under way still finish. Idempotent. */
  dispose(): void {
    this.#native.dispose();
  }
}

/** For this file and its subclasses: checks the checksum, then the structure. */
export function nativeFromBytes(bytes: Uint8Array): NativeEnsemble {
  if (!(bytes instanceof Uint8Array)) throw new InputError('bad-argument', 'bytes is not a Uint8Array');
  const end = bytes.length - CRC_BYTES;
  if (end < 0) throw new ModelError('bad-model', `${bytes.length} bytes are no saved tree ensemble`);
  const body = bytes.subarray(0, end);
  if (crc32(body) !== new DataView(bytes.buffer, bytes.byteOffset).getUint32(end, true)) {
    throw new ModelError('bad-model', 'the saved tree ensemble is damaged: its checksum does not match');
  }
  return calling(() => binding().deserializeEnsemble(body));
}

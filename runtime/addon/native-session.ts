/** A model loaded by the addon: the typed wrapper of its sessions. Queueing and names are the pipeline's. */

import { ModelError } from '../core/errors.ts';
import {
  binding,
  calling,
  type NativeBackend,
  type NativeLoadOptions,
  type NativeSessionFacts,
  type NativeSessionHandle,
  translated,
} from './binding.ts';

export interface NativeOutput {
  readonly data: ArrayBufferView;
  readonly shape: readonly number[];
}

/** @returns the backends of this addon, with the reason where this machine cannot use one. */
export function nativeBackends(): readonly NativeBackend[] {
  return binding().backends();
}

/**
 * One call at a time. Methods throw InputError `bad-argument` and ModelError `session-busy`, `session-closed`, `model-run`
 * or `out-of-memory`, each text with the model's path.
 */
export class NativeSession {
  readonly path: string;
  readonly facts: NativeSessionFacts;
  /** For other natives of the addon that run this model without its tensors crossing into JavaScript. */
  readonly handle: NativeSessionHandle;
  #closed: Promise<void> | undefined;

  private constructor(path: string, handle: NativeSessionHandle) {
    this.path = path;
    this.handle = handle;
    this.facts = handle.describe();
  }

  /**
   * Loads on a thread of its own, which then runs every call.
   * @param backend a name of `nativeBackends`
   * @throws ModelError `bad-model`, `model-newer`, `model-memory`, `backend-unavailable`, `out-of-memory`; InputError
   * `bad-argument`
   */
  static async load(backend: string, path: string, options: NativeLoadOptions = {}): Promise<NativeSession> {
    try {
      return new NativeSession(path, await binding().loadSession(backend, path, options));
    } catch (error) {
      throw named(path, error);
    }
  }

  /**
   * The arrays are copied once, before this returns.
   * @param arrays in the order of facts.inputs. @param shapes of each.
   * @param into arrays for the outputs, in the order of facts.outputs: one that fits is written to instead of a new one.
   */
  async infer(
    arrays: readonly ArrayBufferView[],
    shapes: readonly (readonly number[])[],
    into?: readonly (ArrayBufferView | undefined)[],
  ): Promise<NativeOutput[]> {
    try {
      return this.#outputs(await this.handle.infer(arrays, shapes, into));
    } catch (error) {
      throw named(this.path, error);
    }
  }

  /** Runs on what the input buffers hold: no copy of the inputs at all. */
  async run(into?: readonly (ArrayBufferView | undefined)[]): Promise<NativeOutput[]> {
    try {
      return this.#outputs(await this.handle.run(into));
    } catch (error) {
      throw named(this.path, error);
    }
  }

  /**
   * The backend's own memory of an input, in its stored form (`facts.inputs[index].stored`), as bytes. Write to it between
   * calls only: a run reads it from another thread. Empty once the session is closed.
   * @throws InputError `bad-argument` when the input's shape is free.
   */
  inputBuffer(index: number): ArrayBuffer {
    return calling(() => this.handle.inputBuffer(index));
  }

  /** Settles when the running call is over and the model is freed. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.handle.close();
    return this.#closed;
  }

  #outputs(results: readonly unknown[]): NativeOutput[] {
    return this.facts.outputs.map(({ shape }, index) => ({
      data: results[2 * index] as ArrayBufferView,
      shape: (results[2 * index + 1] as number[] | undefined) ?? shape,
    }));
  }
}

function named(path: string, error: unknown): unknown {
  const known = translated(error);
  if (!(known instanceof ModelError) || known.message.includes(path)) return known;
  return new ModelError(known.code, `${path}: ${known.message}`, { retryable: known.retryable });
}

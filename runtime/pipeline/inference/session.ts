/** What every inference backend offers: load, describe, infer, close. One loaded model is one session. */

import type { Tensor, TensorData, Tensors, TensorType } from '../../core/tensor.ts';

export type { Tensor, TensorData, Tensors, TensorType };

export interface TensorInfo {
  readonly name: string;
  readonly type: TensorType;
  /** -1 for a dimension that is free until infer. */
  readonly shape: readonly number[];
}

export type BackendName = 'xnnpack' | 'tensorrt' | 'onnxruntime';

export interface SessionFacts {
  readonly backend: BackendName;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  readonly threads: number;
  /** Bytes held beyond the mapped file, as far as the backend tells; 0 where it does not. */
  readonly memoryBytes: number;
}

export interface SessionOptions {
  /** 0: as many as the machine has cores. Default 1. */
  readonly threads?: number;
  /** The load fails with `model-memory` beyond it. */
  readonly memoryLimitBytes?: number;
  /** Cores that the threads may use. */
  readonly affinity?: readonly number[];
  /** For the backend `onnxruntime` alone. */
  readonly onnxruntime?: OnnxRuntimeOptions;
}

export interface OnnxRuntimeOptions {
  /** Default 'sequential': branches of a graph rarely pay for a second pool of threads. */
  readonly executionMode?: 'sequential' | 'parallel';
  /** Threads across operators, for 'parallel'. Default 1; 0: as many as the machine has cores. */
  readonly interOpThreads?: number;
  /** Keeps freed memory for the next call. Default true; false gives it back, at the cost of time. */
  readonly arena?: boolean;
  /** Plans the memory of a call ahead from the first one of the same shape. Default true. */
  readonly memoryPattern?: boolean;
  /** Default 'all'. */
  readonly graphOptimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Further session options by ONNX Runtime's own keys, such as `session.intra_op.allow_spinning`: '0'. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Arrays for outputs, by name. */
export type Buffers = Readonly<Record<string, TensorData>>;

/**
 * A loaded model. Calls of `infer` run one after the other, in order, off the JavaScript thread; at most
 * `MOST_WAITING` may wait. Rejections are ModelError or InputError with the codes
 * bad-argument (input against the contract; names both sides), session-busy (too many wait, retryable),
 * session-closed, model-run (the backend failed), out-of-memory. The session stays usable after all but session-closed.
 */
export interface Session {
  describe(): SessionFacts;
  /**
   * Inputs by name; each is read during the call and may be reused once the promise settled.
   * @param into an output whose array here fits is written to it; others come in new arrays.
   */
  infer(inputs: Tensors, into?: Buffers): Promise<Tensors>;
  /** Lets the running call finish, rejects the waiting ones, frees everything. Idempotent. */
  close(): Promise<void>;
}

export const MOST_WAITING = 8;

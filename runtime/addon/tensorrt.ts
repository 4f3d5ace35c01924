/** TensorRT as the addon finds it on this machine, its log, and the building of engines. */

import { binding, calling, translated } from './binding.ts';

export type TensorrtPrecision = 'fp32' | 'fp16' | 'int8';

export interface TensorrtHere {
  readonly available: true;
  /** Such as `10.3.0`. */
  readonly version: string;
  readonly gpu: string;
  /** The GPU's compute capability, such as `8.7`. */
  readonly capability: string;
  /** Version of the CUDA runtime, such as `12.6`. */
  readonly cuda: string;
  /** Why engines can be run but not built. */
  readonly noBuilder?: string;
  /** The versions of TensorRT's headers that the addon was compiled with. */
  readonly compiledFor: readonly string[];
}

export interface TensorrtAbsent {
  readonly available: false;
  /** What was looked for and where, what was found instead, what to do. */
  readonly reason: string;
  readonly compiledFor: readonly string[];
}

export interface TensorrtLogLine {
  readonly severity: 'fatal' | 'error' | 'warn' | 'info';
  readonly text: string;
}

export interface TensorrtLog {
  readonly lines: readonly TensorrtLogLine[];
  /** Lines lost since the last call because nobody took them in time. */
  readonly dropped: number;
}

export interface NativeTensorrtBuild {
  /** The ONNX file. */
  readonly model: string;
  readonly precision: TensorrtPrecision;
  /** Of a model whose first dimension is free; 1 … 1024. */
  readonly maxBatch: number;
  /** The batch the engine is fastest for; at most `maxBatch`. */
  readonly optimalBatch: number;
  /** 0: no limit. */
  readonly workspaceBytes: number;
  /** Empty: none. */
  readonly calibrationFolder: string;
  readonly timingCache: Uint8Array;
}

export interface NativeTensorrtBuilt {
  readonly engine: Uint8Array;
  readonly timingCache: Uint8Array;
}

export interface TensorrtBinding {
  tensorrtOpen(folders: readonly string[]): TensorrtHere | TensorrtAbsent;
  tensorrtTakeLog(): TensorrtLog;
  tensorrtBuild(options: NativeTensorrtBuild): Promise<NativeTensorrtBuilt>;
}

/**
 * Opens TensorRT's libraries, once for the process; where that fails the next call tries again.
 * @param folders where to look before the usual places.
 */
export function openTensorrt(folders: readonly string[] = []): TensorrtHere | TensorrtAbsent {
  return calling(() => binding().tensorrtOpen(folders));
}

/** What TensorRT wrote since the last call, from sessions and builds alike; the addon keeps 512 lines. */
export function takeTensorrtLog(): TensorrtLog {
  return calling(() => binding().tensorrtTakeLog());
}

/**
 * Takes minutes and all the memory it gets: for a process of its own.
 * @throws ModelError `backend-unavailable`, `bad-model` (naming the node), `out-of-memory`; InputError `bad-argument`.
 */
export async function buildTensorrtEngine(options: NativeTensorrtBuild): Promise<NativeTensorrtBuilt> {
  try {
    return await binding().tensorrtBuild(options);
  } catch (error) {
    throw translated(error);
  }
}

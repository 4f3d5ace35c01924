/** Loads the native addon. The only file that names the `.node` file; everything else goes through the typed binding. */

import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { DeviceError, InputError, ModelError, VigieError } from '../core/errors.ts';
import { packageRoot } from '../core/paths.ts';
import type { CaptureBinding } from './capture.ts';
import type { DrawBinding } from './draw.ts';
import type { TensorrtBinding } from './tensorrt.ts';
import type { NativeVision, Picture } from './vision.ts';

/** The native object of a tree ensemble; every method throws an Error with a `code`. */
export interface NativeEnsemble {
  score(row: Float64Array): number;
  scoreBatch(rows: Float64Array, out: Float64Array): void;
  scoreBatchAsync(rows: Float64Array): Promise<Float64Array>;
  explain(row: Float64Array, out: Float64Array): number;
  serialize(): Uint8Array;
  describe(): EnsembleFacts;
  dispose(): void;
}

export interface EnsembleFacts {
  /** Values in a row. */
  readonly width: number;
  readonly trees: number;
  readonly nodes: number;
  /** Levels below the root of the deepest leaf. */
  readonly depth: number;
  /** Rows each tree of an isolation forest was grown from; 0 for any other ensemble. */
  readonly sampleSize: number;
  /** Mean score over the training rows, as the covers tell it. */
  readonly expectedValue: number;
}

/** Trees as parallel arrays, one entry per node; `left` and `right` are indices into the same arrays. */
export interface TreeArrays {
  /** Values in a row, 1 … 32,767. */
  readonly width: number;
  /** score = base + scale * sum over trees of the leaf's value */
  readonly base: number;
  readonly scale: number;
  /** Index of each tree's root. */
  readonly roots: Int32Array;
  /** -1 in a leaf. */
  readonly feature: Int32Array;
  /** Left is taken when the row's value, rounded to float32, is at most this. */
  readonly threshold: Float32Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** Read in leaves alone. */
  readonly value: Float64Array;
  /** Weight of the training rows that ended in a leaf; read in leaves alone. */
  readonly cover: Float64Array;
  /** 1 where left is taken when the value is less than the threshold, rather than at most. */
  readonly strict: Uint8Array;
  /** 1 where a missing (NaN) value goes left. */
  readonly missingLeft: Uint8Array;
}

export interface NativeFitOptions {
  readonly rows: Float64Array;
  readonly width: number;
  readonly trees: number;
  readonly samples: number;
  readonly maxDepth: number;
  readonly seed: number;
}

/** A tensor of a model as the addon tells it. */
export interface NativeTensorInfo {
  readonly name: string;
  readonly type: string;
  /** -1 for a dimension that is free until infer. */
  readonly shape: readonly number[];
  /** How the backend keeps it: axis i of the stored tensor is axis permutation[i] (empty: the same order). */
  readonly stored: {
    readonly type: string;
    readonly permutation: readonly number[];
    /** real = scale * (stored - zeroPoint) */
    readonly scale: number;
    readonly zeroPoint: number;
  };
}

export interface NativeSessionFacts {
  readonly backend: string;
  readonly inputs: readonly NativeTensorInfo[];
  readonly outputs: readonly NativeTensorInfo[];
  readonly threads: number;
  readonly memoryBytes: number;
  /** What of it the weights take, packed for this processor; 0 where the backend does not tell. */
  readonly weightsBytes: number;
}

/** data, shape, data, shape …: one pair per output; the shape is undefined where the contract has no free dimension. */
export type NativeResults = readonly unknown[];

/** A loaded model: one call at a time (`session-busy`), on a thread of its own. Every method throws Errors with a `code`. */
export interface NativeSessionHandle {
  describe(): NativeSessionFacts;
  /**
   * The arrays are read before this returns.
   * @param arrays one per input, in order. @param shapes per input; undefined: the contract's.
   * @param into arrays that outputs are written to when they fit; others are new.
   */
  infer(
    arrays: readonly unknown[],
    shapes?: readonly (readonly number[] | undefined)[],
    into?: readonly unknown[],
  ): Promise<NativeResults>;
  /** Runs on what the input buffers hold. */
  run(into?: readonly unknown[]): Promise<NativeResults>;
  /** The backend's own memory of an input, in its stored form; detached by close. */
  inputBuffer(index: number): ArrayBuffer;
  /** Nanoseconds of the backend's own computation in the last run, without checks and copies; 0 before the first. */
  lastRunNs(): number;
  /** Settled when the running call is over and the model freed. Idempotent. */
  close(): Promise<void>;
}

export interface NativeLoadOptions {
  readonly threads?: number;
  readonly memoryLimitBytes?: number;
  readonly affinity?: readonly number[];
}

export interface NativeBackend {
  readonly name: string;
  /** Why it cannot be used on this machine. */
  readonly unavailable?: string;
}

export interface Binding extends TensorrtBinding, CaptureBinding, DrawBinding {
  fitIsolationForest(options: NativeFitOptions): NativeEnsemble;
  ensembleFromArrays(arrays: TreeArrays): NativeEnsemble;
  deserializeEnsemble(bytes: Uint8Array): NativeEnsemble;
  clockSynchronised(): boolean | undefined;
  notify(address: string, message: string): void;
  loadSession(backend: string, path: string, options?: NativeLoadOptions): Promise<NativeSessionHandle>;
  backends(): NativeBackend[];
  readonly Vision: new (options: {
    readonly preprocess: unknown;
    readonly decoding: unknown;
  }) => NativeVision;
  decodePicture(bytes: Uint8Array): Picture;
}

/** VIGIE_ADDON names another build, such as one for the processor that is being emulated. */
export const addonPath: string =
  process.env.VIGIE_ADDON ?? join(packageRoot, 'build', 'native', 'Release', 'vigie.node');

const FIX = 'build it with `npm run build:native` in the folder that holds package.json';
let loaded: Binding | undefined;
let switchedOff: string | undefined;

/** From now on the addon is as good as not there. @param why for a person. */
export function switchOffAddon(why: string): void {
  switchedOff = why;
}

/** @throws ModelError `addon-missing` when the addon is not built, built for another machine, or switched off. */
export function binding(): Binding {
  if (switchedOff !== undefined) throw new ModelError('addon-missing', switchedOff);
  loaded ??= loadBinding(addonPath);
  return loaded;
}

/** `binding` for a file elsewhere, without keeping it. */
export function loadBinding(path: string): Binding {
  if (!existsSync(path)) {
    throw new ModelError('addon-missing', `the native addon is not built (${path} does not exist): ${FIX}`);
  }
  try {
    if (isWholeElf(path)) return createRequire(import.meta.url)(path) as Binding;
  } catch (cause) {
    throw new ModelError('addon-missing', `the native addon ${path} does not load: ${FIX}`, { cause });
  }
  throw new ModelError('addon-missing', `the native addon ${path} is cut short or no shared library: ${FIX}`);
}

/** The loader maps a file that ends too early and the process dies at its first page, so that is looked at first. */
function isWholeElf(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const header = Buffer.alloc(64);
    if (readSync(file, header) < header.length || header.readUInt32BE(0) !== 0x7f454c46) return false;
    // The section headers come last in what linkers write: their place (0x28), size (0x3a) and number (0x3c).
    const end = header.readBigUInt64LE(0x28) + BigInt(header.readUInt16LE(0x3a) * header.readUInt16LE(0x3c));
    return BigInt(fstatSync(file).size) >= end;
  } finally {
    closeSync(file);
  }
}

/**
 * Calls into the addon and turns its errors into the project's: InputError `bad-argument`, `bad-picture`, `bad-pipeline`;
 * DeviceError `capture-unavailable`, `capture-failed`; ModelError with any other of
 * the addon's codes (core/error.h lists them).
 */
export function calling<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translated(error);
  }
}

export function translated(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof VigieError) return error;
  const code = (error as Error & { code?: unknown }).code;
  switch (code) {
    case 'bad-argument':
    case 'bad-picture':
    case 'bad-pipeline':
      return new InputError(code, error.message);
    case 'bad-model':
    case 'fit-failed':
    case 'model-disposed':
    case 'model-newer':
    case 'model-memory':
    case 'model-run':
    case 'backend-unavailable':
    case 'session-closed':
    case 'out-of-memory':
      return new ModelError(code, error.message);
    case 'capture-unavailable':
    case 'capture-failed':
      return new DeviceError(code, error.message);
    case 'notify-failed':
      return new VigieError(code, error.message, { retryable: true });
    case 'session-busy':
      return new ModelError(code, error.message, { retryable: true });
    default:
      return error;
  }
}

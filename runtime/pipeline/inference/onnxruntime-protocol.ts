/** What an ONNX Runtime session and its thread say to each other. */

import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { TensorType } from './session.ts';

/** States of the gate: the thread works only after it took the gate from IDLE, and nobody ends it before it gave it back. */
export const IDLE = 0;
export const WORKING = 1;
export const ENDING = 2;

export interface WorkerData {
  readonly path: string;
  readonly options: InferenceSession.SessionOptions;
  /** One Int32 of IDLE, WORKING or ENDING. */
  readonly gate: SharedArrayBuffer;
}

export type RawData = Exclude<OrtTensor['data'], string[]>;

export interface RawTensor {
  readonly type: TensorType;
  readonly shape: readonly number[];
  readonly data: RawData;
}

export interface Request {
  readonly inputs: Readonly<Record<string, RawTensor>>;
  /** Names of the outputs that are wanted. */
  readonly outputs: readonly string[];
}

export interface Metadata {
  readonly inputs: readonly InferenceSession.ValueMetadata[];
  readonly outputs: readonly InferenceSession.ValueMetadata[];
}

export type Reply =
  | { readonly loaded: Metadata }
  | { readonly outputs: Readonly<Record<string, RawTensor>> }
  | { readonly failed: string };

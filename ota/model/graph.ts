/**
 * An ONNX graph as the compiler sees it: static shapes, constants folded, nodes in execution order. Passes rewrite it;
 * lowering turns it into a plan. Layout is ONNX's (NCHW) throughout: only lowering knows NHWC.
 */

export type ElementType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'bool';

/** real = scale[c] * (stored - zeroPoint[c]); one entry, or one per index of `axis`. */
export interface Quantization {
  readonly scale: Float32Array;
  readonly zeroPoint: Int32Array;
  /** Undefined for one scale for the whole tensor. */
  readonly axis?: number;
}

export interface Value {
  readonly name: string;
  readonly type: ElementType;
  /** All known and at least 0; empty for a scalar. */
  readonly shape: readonly number[];
  /** Little-endian elements in row-major order, for a constant. bool: one byte each. */
  readonly data?: Uint8Array;
  /** Set by the quantisation pass alone: the value holds int8, uint8 or int32 that stand for real numbers. */
  readonly quantization?: Quantization;
}

export type Attribute =
  | number
  | string
  | readonly number[]
  | readonly string[]
  /** A tensor attribute; `name` is empty. */
  | Value;

export interface Node {
  /** The ONNX node's name, or `<op>#<index>` where it has none: what every error names. */
  readonly name: string;
  readonly op: string;
  /** '' for ai.onnx; others are never lowered. */
  readonly domain: string;
  /** Names of values; '' for an input left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

export interface Graph {
  /** Version of the ai.onnx operator set, 7 … 25. */
  readonly opset: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly values: ReadonlyMap<string, Value>;
  readonly nodes: readonly Node[];
}

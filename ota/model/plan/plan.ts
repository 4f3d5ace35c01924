/**
 * A plan: what `vigie model compile` writes and the XNNPACK backend builds its subgraph from, one plan node for one
 * XNNPACK operator. The file is
 *
 *     0  magic "VIGIEXNN"       16  u64 offset of the weights, a multiple of 4096
 *     8  u32 format version     24  u64 bytes of weights
 *    12  u32 bytes of header    32  u32 CRC-32 of the header, then of the weights    36  28 bytes 0
 *
 * all little-endian, then from byte 64 on the header (this interface as JSON in UTF-8, at most 8 MiB), zeros up to the
 * weights, and the weights. Each constant starts at a multiple of 64 and at least 128 bytes follow the last.
 */

import type { ElementType } from '../graph.ts';

export const PLAN_MAGIC = 'VIGIEXNN';
export const PLAN_VERSION = 1;

export interface Plan {
  readonly model: { readonly name: string /** Of the ONNX file, in hex. */; readonly sha256: string };
  /** `vigie 0.1.0` */
  readonly producer: string;
  readonly inputs: readonly PlanPort[];
  readonly outputs: readonly PlanPort[];
  /** A value's index is its id. */
  readonly values: readonly PlanValue[];
  /** In execution order. */
  readonly nodes: readonly PlanNode[];
}

/** The model's contract at one end, and the value that holds it. */
export interface PlanPort {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly value: number;
  /** Axis i of the value is axis permutation[i] of the contract; left out where both agree. */
  readonly permutation?: readonly number[];
}

/**
 * f32 real; qs8/qu8 quantised with one scale; qc8 int8 weights with a scale per channel (zero point 0); qs32/qc32 biases;
 * i32 indices (of ArgMax). The XNNPACK types fp32, qint8, quint8, qcint8, qint32, qcint32, int32.
 */
export type PlanType = 'f32' | 'qs8' | 'qu8' | 'qc8' | 'qs32' | 'qc32' | 'i32';

export interface PlanValue {
  readonly type: PlanType;
  /** At most 6; as stored. */
  readonly dims: readonly number[];
  readonly scale?: number;
  readonly zeroPoint?: number;
  /** qc8, qc32: float32 scales in the weights, one per index of `axis`. */
  readonly scales?: Blob;
  readonly axis?: number;
  /** A constant's elements in the weights. */
  readonly data?: Blob;
}

export interface Blob {
  readonly offset: number;
  readonly bytes: number;
}

interface NodeBase {
  /** The ONNX node it comes from, for errors and `inspect`. */
  readonly from: string;
  /** Ids of values. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** Fused bounds of the result; left out: none. */
interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

type Pair = readonly [height: number, width: number];
type Padding = readonly [top: number, right: number, bottom: number, left: number];

interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Padding;
}

/** All pictures are NHWC here; parameters are those of the xnn_define_ function of the same name. */
export type PlanNode = NodeBase &
  (
    | (Window &
        Bounds & {
          /** Inputs: picture, filter [G·O, H, W, I/G], optional bias. */
          readonly op: 'convolution2d';
          readonly dilation: Pair;
          readonly groups: number;
        })
    | (Window &
        Bounds & {
          /** Filter [1, H, W, I·multiplier]. */
          readonly op: 'depthwiseConvolution2d';
          readonly dilation: Pair;
          readonly depthMultiplier: number;
        })
    | (Window &
        Bounds & {
          /** Filter [G·O, H, W, I/G]; stride is the upsampling. */
          readonly op: 'deconvolution2d';
          readonly adjustment: Pair;
          readonly dilation: Pair;
          readonly groups: number;
        })
    | (Window & Bounds & { readonly op: 'maxPool2d'; readonly dilation: Pair })
    | (Window & Bounds & { readonly op: 'averagePool2d' })
    | {
        readonly op: 'reduce';
        readonly kind: 'sum' | 'mean';
        readonly axes: readonly number[];
        readonly keepDims: boolean;
      }
    /** Outputs: value, index (i32). */
    | { readonly op: 'argMaxPool2d'; readonly kernel: Pair; readonly padding: Padding }
    /** Inputs: a, weights [O, I] or [I, O] when transposed, optional bias. */
    | (Bounds & { readonly op: 'fullyConnected'; readonly transposeWeights: boolean })
    | { readonly op: 'batchMatMul'; readonly transposeB: boolean }
    | (Bounds & { readonly op: 'binary'; readonly kind: BinaryKind })
    | (Bounds & { readonly op: 'unary'; readonly kind: UnaryKind; readonly alpha?: number })
    /** Writes table[x] for each byte x of the input; the table is 256 bytes. From and to qs8 or qu8. */
    | { readonly op: 'lookup'; readonly table: Blob }
    /** Over the last axis. */
    | { readonly op: 'softmax' }
    | { readonly op: 'concatenate'; readonly axis: number }
    | { readonly op: 'evenSplit'; readonly axis: number }
    | { readonly op: 'slice'; readonly offsets: readonly number[]; readonly sizes: readonly number[] }
    | { readonly op: 'reshape'; readonly shape: readonly number[] }
    | { readonly op: 'transpose'; readonly permutation: readonly number[] }
    | {
        readonly op: 'constantPad';
        readonly before: readonly number[];
        readonly after: readonly number[];
        readonly value: number;
      }
    | {
        readonly op: 'resizeBilinear2d';
        readonly size: Pair;
        readonly mode: 'half-pixel' | 'align-corners' | 'asymmetric';
      }
    | { readonly op: 'depthToSpace2d' | 'spaceToDepth2d'; readonly block: number }
    | { readonly op: 'copy' }
  );

export type BinaryKind =
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'divide'
  | 'maximum'
  | 'minimum'
  | 'squaredDifference'
  | 'prelu'
  | 'pow';

export type UnaryKind =
  | 'convert'
  | 'clamp'
  | 'abs'
  | 'bankersRounding'
  | 'ceiling'
  | 'elu'
  | 'exp'
  | 'floor'
  | 'gelu'
  | 'hardswish'
  | 'leakyRelu'
  | 'log'
  | 'negate'
  | 'sigmoid'
  | 'square'
  | 'squareRoot'
  | 'reciprocalSquareRoot'
  | 'tanh'
  | 'sign';

/** Which function lowers which operator of ai.onnx. */

import type { Node } from '../graph.ts';
import type { Lowering } from './lowering.ts';
import { refuse } from './not-expressible.ts';
import * as activation from './ops/activation.ts';
import * as arithmetic from './ops/arithmetic.ts';
import * as blocks from './ops/blocks.ts';
import * as convolution from './ops/convolution.ts';
import * as deconvolution from './ops/deconvolution.ts';
import * as joining from './ops/joining.ts';
import * as matrix from './ops/matrix.ts';
import * as normalization from './ops/normalization.ts';
import * as padding from './ops/padding.ts';
import * as pooling from './ops/pooling.ts';
import * as quantisation from './ops/quantisation.ts';
import * as recurrent from './ops/recurrent.ts';
import * as reduction from './ops/reduction.ts';
import * as resize from './ops/resize.ts';
import * as shape from './ops/shape.ts';
import * as slicing from './ops/slicing.ts';
import * as softmax from './ops/softmax.ts';

/** Emits the plan nodes for one ONNX node and places its outputs. @throws NotExpressible with the reason */
export type Lower = (node: Node, lowering: Lowering) => void;

export const OPERATORS: Readonly<Record<string, Lower>> = {
  Abs: activation.unaryOp('abs'),
  Add: arithmetic.binaryOp('add'),
  // XNNPACK's pooling that gives indices reads memory it does not have where the maxima are not read, as in ArgMax.
  ArgMax: () => refuse('XNNPACK gives the places of maxima only beside the maxima'),
  AveragePool: pooling.averagePool,
  BatchNormalization: normalization.batchNormalization,
  Cast: activation.cast,
  Ceil: activation.unaryOp('ceiling'),
  Clip: activation.clamp,
  Concat: joining.concat,
  Conv: convolution.conv,
  ConvTranspose: deconvolution.convTranspose,
  DepthToSpace: blocks.depthToSpace,
  DequantizeLinear: quantisation.convert,
  Div: arithmetic.binaryOp('divide'),
  Dropout: activation.identity,
  Elu: activation.elu,
  Exp: activation.unaryOp('exp'),
  Expand: shape.expand,
  Flatten: shape.reshape,
  Floor: activation.unaryOp('floor'),
  GRU: recurrent.gru,
  Gather: slicing.gather,
  Gelu: activation.gelu,
  Gemm: matrix.gemm,
  GlobalAveragePool: pooling.globalAveragePool,
  GlobalMaxPool: pooling.globalMaxPool,
  HardSigmoid: activation.hardSigmoid,
  HardSwish: activation.unaryOp('hardswish'),
  Identity: activation.identity,
  InstanceNormalization: normalization.instanceNormalization,
  LayerNormalization: normalization.layerNormalization,
  LSTM: recurrent.lstm,
  LeakyRelu: activation.leakyRelu,
  Log: activation.unaryOp('log'),
  MatMul: matrix.matMul,
  Max: arithmetic.variadic('maximum'),
  MaxPool: pooling.maxPool,
  Mean: arithmetic.variadic('add', true),
  Min: arithmetic.variadic('minimum'),
  Mul: arithmetic.binaryOp('multiply'),
  Neg: activation.unaryOp('negate'),
  PRelu: arithmetic.prelu,
  Pad: padding.pad,
  Pow: arithmetic.pow,
  Reciprocal: activation.reciprocal,
  QuantizeLinear: quantisation.convert,
  ReduceMean: reduction.reduce('mean'),
  ReduceSum: reduction.reduce('sum'),
  Relu: activation.clamp,
  Reshape: shape.reshape,
  Resize: resize.resize,
  Round: activation.unaryOp('bankersRounding'),
  Sigmoid: activation.unaryOp('sigmoid'),
  Sign: activation.unaryOp('sign'),
  Slice: slicing.slice,
  Softmax: softmax.softmax,
  Softplus: activation.softplus,
  SpaceToDepth: blocks.spaceToDepth,
  Split: joining.split,
  Sqrt: activation.unaryOp('squareRoot'),
  Squeeze: shape.reshape,
  Sub: arithmetic.binaryOp('subtract'),
  Sum: arithmetic.variadic('add'),
  Tanh: activation.unaryOp('tanh'),
  Tile: shape.tile,
  Transpose: shape.transpose,
  Unsqueeze: shape.reshape,
  Upsample: resize.resize,
};

/** Operators of the quantisation pass, domain `vigie`. */
export const OWN_OPERATORS: Readonly<Record<string, Lower>> = {
  Lookup: quantisation.lookup,
};

/** BatchNormalization behind Conv, ConvTranspose or Gemm goes into their weights, where ONNX Runtime left it. */

import type { Node, Value } from '../../graph.ts';
import { numberOf, numbersIn } from '../attributes.ts';
import { NotExpressible } from '../not-expressible.ts';
import { batchNormScale } from '../ops/normalization.ts';
import type { Rewriter } from './rewriter.ts';

export function foldBatchNorm(rewriter: Rewriter): void {
  for (const norm of rewriter.nodes) {
    if (norm.op !== 'BatchNormalization' || norm.domain !== '') continue;
    const before = rewriter.producer(norm.inputs[0]!);
    if (before?.domain !== '' || !rewriter.isInternal(norm.inputs[0]!)) continue;
    const axis = channelAxis(before);
    const weights = rewriter.constant(before.inputs[1] ?? '');
    const bias = before.inputs[2] ? rewriter.constant(before.inputs[2]) : null;
    if (axis === undefined || !weights || bias === undefined) continue;
    const scale = scaleOf(norm, rewriter);
    if (!scale || (bias && bias.shape[0] !== scale.factor.length)) continue;
    const groups = before.op === 'ConvTranspose' ? numberOf(before, 'group', 1) : 1;
    const numbers = scaled(weights, axis, scale.factor, groups);
    const old = bias ? numbersIn(bias) : scale.factor.map(() => 0);
    const offsets = scale.offset.map((offset, c) => offset + old[c]! * scale.factor[c]!);
    const inputs = [
      before.inputs[0]!,
      rewriter.addFloats(weights.name, weights.shape, numbers),
      rewriter.addFloats(weights.name, [offsets.length], offsets),
    ];
    rewriter.replace([before, norm], { ...before, inputs, outputs: norm.outputs.slice(0, 1) });
  }
}

/** The axis of the weights along which the output channels lie. */
function channelAxis(node: Node): number | undefined {
  if (node.op === 'Conv') return 0;
  if (node.op === 'ConvTranspose') return 1;
  if (node.op !== 'Gemm' || numberOf(node, 'alpha', 1) !== 1 || numberOf(node, 'beta', 1) !== 1)
    return undefined;
  return numberOf(node, 'transB', 0) === 0 ? 1 : 0;
}

function scaleOf(norm: Node, rewriter: Rewriter) {
  try {
    return batchNormScale(norm, rewriter);
  } catch (error) {
    // Lowering will say why.
    if (error instanceof NotExpressible) return undefined;
    throw error;
  }
}

function scaled(weights: Value, axis: number, factor: readonly number[], groups: number): number[] {
  const size = weights.shape[axis]!;
  const inner = weights.shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const perGroup = (weights.shape[0]! / groups) * size * inner;
  return numbersIn(weights).map((number, i) => {
    const group = axis === 1 ? Math.floor(i / perGroup) : 0;
    return number * factor[group * size + (Math.floor(i / inner) % size)]!;
  });
}

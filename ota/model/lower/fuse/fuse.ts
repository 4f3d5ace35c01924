/** Rewrites of the graph before it is lowered: several ONNX nodes that XNNPACK has one operator for become one. */

import type { Graph } from '../../graph.ts';
import { foldBatchNorm } from './batch-norm.ts';
import { foldFocus } from './focus.ts';
import { recogniseHardSwish } from './hard-swish.ts';
import { Rewriter } from './rewriter.ts';

export interface Fusion {
  readonly graph: Graph;
  /** Names of ONNX nodes that became one. */
  readonly fused: readonly string[];
}

export function fuse(graph: Graph): Fusion {
  const rewriter = new Rewriter(graph);
  for (const pass of [foldBatchNorm, foldFocus, recogniseHardSwish]) pass(rewriter);
  return { graph: rewriter.finish(), fused: rewriter.fused };
}

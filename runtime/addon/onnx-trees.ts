/** Reads ONNX models of one `ai.onnx.ml` TreeEnsembleRegressor, such as an isolation forest from scikit-learn. */

import { ModelError } from '../core/errors.ts';
import { readPostprocessing } from './onnx-postprocessing.ts';
import { decodeGraph, type OnnxGraph } from './onnx-proto.ts';
import { type CoverSource, type RegressorTrees, readRegressor } from './onnx-regressor.ts';
import { TreeEnsemble } from './tree-ensemble.ts';

export interface OnnxTrees {
  /** Additive: its score is the regressor's sum after every scaling that the graph applies to it. */
  readonly ensemble: TreeEnsemble;
  /** The graph's output for a score of the ensemble: the score itself, or `factor * 2 ** score + offset`. */
  output(score: number): number;
  /** Where the weights behind `explain` come from; see `CoverSource`. */
  readonly covers: CoverSource;
  /** Names of the graph's input and output. */
  readonly ports: { readonly input: string; readonly output: string };
}

/**
 * Reads a graph that is one TreeEnsembleRegressor over the graph's input (one target, SUM or AVERAGE, no
 * post_transform), followed by a chain of Identity, Neg, Mul, Div, Add, Sub with a constant and at most one Pow with
 * a constant base. This covers isolation forests written as `2 ** (k * depths) - offset`.
 * @throws ModelError `bad-model` for damaged files, `unsupported-model` naming the node or attribute it cannot take.
 */
export async function loadOnnxTrees(bytes: Uint8Array): Promise<OnnxTrees> {
  const graph = await decodeGraph(bytes);
  const at = graph.node.findIndex((node) => node.opType.startsWith('TreeEnsemble'));
  const node = graph.node[at];
  if (!node) throw new ModelError('unsupported-model', 'the ONNX graph has no TreeEnsembleRegressor');
  const width = inputWidth(graph, node.input[0] ?? '');
  const trees = readRegressor(node, width);
  const post = readPostprocessing(graph, node);
  const ensemble = TreeEnsemble.fromArrays({
    ...trees.arrays,
    base: trees.arrays.base * post.scale + post.base,
    scale: trees.arrays.scale * post.scale,
  });
  const ports = { input: node.input[0] ?? '', output: graph.output[0]?.name ?? '' };
  return { ensemble, output: post.output, covers: (trees satisfies RegressorTrees).covers, ports };
}

/** The number of columns the graph declares; undefined when it leaves them open. */
function inputWidth(graph: OnnxGraph, name: string): number | undefined {
  const input = graph.input.find((candidate) => candidate.name === name);
  if (!input) {
    throw new ModelError('unsupported-model', `the trees read ${name}, which is not an input of the graph`);
  }
  const tensor = input.type?.tensorType;
  if (tensor && tensor.elemType !== 1) {
    throw new ModelError(
      'unsupported-model',
      `input ${name} is not float32 (element type ${tensor.elemType})`,
    );
  }
  const declared = tensor?.shape?.dim[1]?.dimValue ?? 0;
  return declared > 0 ? declared : undefined;
}

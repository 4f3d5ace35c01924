/** From an ONNX file to a plan for XNNPACK. */

import { basename, extname } from 'node:path';
import { version } from '../../runtime/cli/version.ts';
import { fuse } from './lower/fuse/fuse.ts';
import { lower } from './lower/lower.ts';
import { unsupportedModel } from './lower/not-expressible.ts';
import { type OnnxGraph, type ReadOptions, readModel } from './onnx/read-model.ts';
import { PlanBuilder } from './plan/builder.ts';
import type { Plan } from './plan/plan.ts';
import { writePlan } from './plan/write.ts';
import { absorbQuantisation } from './qdq/absorb.ts';

export interface CompileOptions extends ReadOptions {
  readonly path: string;
  /** Left out: the file's name without its ending. */
  readonly name?: string;
}

export interface CompileReport {
  /** Nodes of the graph after ONNX Runtime folded it. */
  readonly onnxNodes: number;
  readonly planNodes: number;
  /** How many plan nodes there are of each operator, unary and binary ones by kind. */
  readonly operators: Readonly<Record<string, number>>;
  /** Names of ONNX nodes that became one. */
  readonly fused: readonly string[];
  /** ONNX nodes at which data are transposed at run time. */
  readonly transposes: readonly string[];
  /** Bytes of constants in the plan. */
  readonly weightBytes: number;
}

export interface Compiled {
  /** The plan file. */
  readonly bytes: Uint8Array;
  readonly plan: Plan;
  readonly report: CompileReport;
}

/**
 * @throws ModelError `model-unsupported` when XNNPACK cannot run a node as ONNX says; `facts.nodes` lists every such
 *   node with name, op and reason. `model-too-large` when the plan has too many nodes. All errors of readModel
 */
export async function compileModel(options: CompileOptions): Promise<Compiled> {
  const graph = await readModel(options.path, options);
  return compileGraph(graph, options.name ?? basename(options.path, extname(options.path)));
}

/** @throws ModelError as compileModel, from lowering on */
export function compileGraph(graph: OnnxGraph, name: string): Compiled {
  const fusion = fuse(absorbQuantisation(graph));
  const builder = new PlanBuilder();
  const { fused, unsupported } = lower(fusion.graph, builder);
  const named = new Set(graph.notLowerable.map(({ node }) => node));
  const refused = [...graph.notLowerable, ...unsupported.filter(({ node }) => !named.has(node))];
  if (refused.length > 0) throw unsupportedModel(name, refused);
  const { plan, weights } = builder.finish({ name, sha256: graph.file.sha256 }, `vigie ${version()}`);
  const report: CompileReport = {
    onnxNodes: graph.nodes.length,
    planNodes: plan.nodes.length,
    operators: counts(plan),
    fused: [...fusion.fused, ...fused],
    transposes: plan.nodes.filter(({ op }) => op === 'transpose').map(({ from }) => from),
    weightBytes: weights.length,
  };
  return { bytes: writePlan(plan, weights), plan, report };
}

function counts({ nodes }: Plan): Record<string, number> {
  const all: Record<string, number> = {};
  for (const node of nodes) {
    const kind = node.op === 'unary' || node.op === 'binary' ? node.kind : node.op;
    all[kind] = (all[kind] ?? 0) + 1;
  }
  return all;
}

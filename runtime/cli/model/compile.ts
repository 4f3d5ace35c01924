/** `vigie model compile`: from an ONNX file to the plan that XNNPACK runs, checked against ONNX Runtime. */

import { basename, dirname, extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Compiled } from '../../../ota/model/compile.ts';
import type { OnnxGraph } from '../../../ota/model/onnx/read-model.ts';
import type { VerifyReport } from '../../../ota/model/verify.ts';
import { writeFileAtomic } from '../../core/atomic-file.ts';
import { ModelError, UsageError } from '../../core/errors.ts';
import type { ModelAction } from '../model.ts';
import { assertSame, differencesText, goldenInputs, pictureRanges } from './differences.ts';
import { type NamedShapes, parseShapes } from './shapes.ts';
import { size, table } from './table.ts';
import { keepPlan } from './temporary-plan.ts';

/** Readable by whoever runs the node. */
const MODE = 0o644;

export const compile: ModelAction = {
  help: `Usage: vigie model compile MODEL.onnx [--backend xnnpack] [-o MODEL.xnn]
                           [--shape INPUT=1x3x416x416]… [--golden FILE]…
                           [--manifest FILE] [--json]

Makes a plan: the model's operators as XNNPACK has them, and its weights as the node maps them.
Plan and model then run side by side, on ONNX Runtime the one, on XNNPACK the other; the largest
differences are printed, and where they are too large nothing is written.

A model that XNNPACK cannot run in full is not compiled. Each node that is in the way is named
with the reason; the model stays on ONNX Runtime, which runs it as it is.

Options:
  --backend xnnpack  the one that is compiled for ahead of time. TensorRT builds its engines on
                     the board itself, ONNX Runtime takes the .onnx file
  -o, --output FILE  where to write the plan (default: beside the model, ending in .xnn)
  --shape …          shape of an input that the model leaves free; a plan has fixed shapes
  --golden FILE      inputs to compare on, as for 'vigie model run' (default: seeded noise)
  --manifest FILE    how pictures are prepared, so that noise is in the range of their pixels
                     (default: a manifest beside the model that names it)
  --json             print { model, output, report, verification }

Exit status: 0 written, 1 not compiled or too different, 2 the command line was not understood.

Example:
  vigie model compile yolox_nano.onnx --backend xnnpack -o yolox_nano.xnn
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        backend: { type: 'string', default: 'xnnpack' },
        output: { type: 'string', short: 'o' },
        shape: { type: 'string', multiple: true },
        golden: { type: 'string', multiple: true },
        manifest: { type: 'string' },
        json: { type: 'boolean' },
      },
    });
    const [model] = positionals;
    if (model === undefined || positionals.length > 1) throw new UsageError('usage', 'name one ONNX model');
    if (values.backend !== 'xnnpack')
      throw new UsageError('usage', NOT_COMPILED[values.backend] ?? NO_BACKEND);
    const output = values.output ?? join(dirname(model), `${basename(model, extname(model))}.xnn`);
    const { golden, manifest, json = false } = values;
    const shapes = parseShapes(values.shape);
    const made = await writePlan(output, { model, shapes, golden, manifest }, json);
    if (!made) return 1;
    const { compiled, verification } = made;
    const { report } = compiled;
    if (json) process.stdout.write(`${JSON.stringify({ model, output, report, verification })}\n`);
    else process.stdout.write(text(output, compiled, verification));
    return 0;
  },
};

export interface WrittenPlan {
  readonly compiled: Compiled;
  readonly verification: VerifyReport;
}

/**
 * @param silent nothing is said of how far it is, nor why there is no plan: the error says it.
 * @returns undefined when it said why there is no plan. @throws ModelError `plan-differs`, `model-unsupported`; what reading throws.
 */
export async function writePlan(
  output: string,
  options: Comparing,
  silent: boolean,
): Promise<WrittenPlan | undefined> {
  const { model, shapes } = options;
  const say = (line: string) => void (silent || process.stderr.write(`${line}\n`));
  // Workstation code: a node never compiles.
  const { readModel } = await import('../../../ota/model/onnx/read-model.ts');
  say(`reading ${model}`);
  const graph = await readModel(model, { shapes });
  const compiled = await planOf(graph, model, silent);
  if (!compiled) return undefined;
  const { report } = compiled;
  say(`${report.onnxNodes} nodes became ${report.planNodes}; comparing with ONNX Runtime`);
  const verification = await compare(compiled, graph, options);
  writeFileAtomic(output, compiled.bytes, MODE);
  return { compiled, verification };
}

const NO_BACKEND = '--backend takes xnnpack';
const NOT_COMPILED: Readonly<Record<string, string>> = {
  tensorrt: 'TensorRT engines are built on the board itself, from the .onnx file: nothing to compile here',
  onnxruntime: 'ONNX Runtime runs the .onnx file as it is: nothing to compile',
};

export interface Refusal {
  readonly node: string;
  readonly op: string;
  readonly reason: string;
}

/** @returns undefined when it said why there is no plan; JSON says so through the error itself. */
async function planOf(graph: OnnxGraph, model: string, silent: boolean): Promise<Compiled | undefined> {
  const { compileGraph } = await import('../../../ota/model/compile.ts');
  try {
    return compileGraph(graph, basename(model, extname(model)));
  } catch (error) {
    if (silent || !(error instanceof ModelError) || error.code !== 'model-unsupported') throw error;
    process.stderr.write(`vigie: ${refusalText(model, refusals(error))}`);
    return undefined;
  }
}

/** The nodes that a ModelError `model-unsupported` names. */
export const refusals = (error: ModelError) => (error.facts.nodes ?? []) as readonly Refusal[];

export function refusalText(model: string, nodes: readonly Refusal[]): string {
  const rows = nodes.map(({ node, op, reason }) => [node, op, reason]);
  return `${model} cannot be compiled for XNNPACK because of these nodes:
${table(['node', 'op', 'reason'], rows)}The model stays on ONNX Runtime, which runs it as it is: give the node the .onnx file.
`;
}

interface Comparing {
  readonly model: string;
  readonly shapes: NamedShapes;
  readonly golden?: readonly string[] | undefined;
  readonly manifest?: string | undefined;
}

/** @throws ModelError `plan-differs`. */
async function compare(compiled: Compiled, graph: OnnxGraph, options: Comparing): Promise<VerifyReport> {
  const { verifyPlan } = await import('../../../ota/model/verify.ts');
  const { model, shapes, golden, manifest } = options;
  const { plan } = compiled;
  const inputs = golden && { inputs: goldenInputs(golden, plan.inputs, shapes) };
  const kept = keepPlan(compiled.bytes, plan.model.name);
  try {
    const ranges = pictureRanges(model, manifest);
    const report = await verifyPlan({ plan: kept.path, onnx: model, graph, ranges, ...inputs });
    assertSame(`the plan of ${model}`, report, '. Nothing was written; the model stays on ONNX Runtime');
    return report;
  } finally {
    kept.remove();
  }
}

function text(output: string, { report, bytes }: Compiled, verification: VerifyReport): string {
  return `${differencesText(verification)}
${output}: ${size(bytes.length)}, ${report.planNodes} operators, ${size(report.weightBytes)} of weights
Run it: vigie model run ${output} INPUT
`;
}

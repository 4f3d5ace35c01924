/** `vigie model inspect`: what a model file holds. */

import { parseArgs } from 'node:util';
import type { Manifest } from '../../../ota/bundle/manifest.ts';
import type { CompileReport } from '../../../ota/model/compile.ts';
import type { OnnxGraph } from '../../../ota/model/onnx/read-model.ts';
import type { PlanFile } from '../../../ota/model/plan/read.ts';
import { ModelError, UsageError } from '../../core/errors.ts';
import type { ModelAction } from '../model.ts';
import { type Refusal, refusals, refusalText } from './compile.ts';
import { kindOf } from './kind.ts';
import { parseShapes } from './shapes.ts';
import { size, table, tensorText } from './table.ts';
import { countOf } from './tensors.ts';

export const inspect: ModelAction = {
  help: `Usage: vigie model inspect FILE [--shape INPUT=1x3x416x416]… [--json]

FILE is an ONNX model, a plan that 'vigie model compile' wrote, or a manifest. Of an ONNX model
it prints inputs, outputs, operators, size, whether it is quantised, and whether XNNPACK can run
all of it; if not, each node that it cannot run with the reason. Of a plan: what it was compiled
from, its operators, weights and memory. Nothing is written.

Options:
  --shape INPUT=1x3x416x416  shape of an input that the model leaves free; once per input
  --json                     print everything as one object

Exit status: 0 read, 1 the file cannot be read, 2 the command line was not understood.

Examples:
  vigie model inspect yolox_nano.onnx
  vigie model inspect yolox_nano.xnn --json
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { shape: { type: 'string', multiple: true }, json: { type: 'boolean' } },
    });
    const [file] = positionals;
    if (file === undefined || positionals.length > 1) throw new UsageError('usage', 'name one file');
    const shapes = parseShapes(values.shape);
    const kind = kindOf(file);
    if (kind === 'manifest') {
      const { loadManifest } = await import('../../../ota/bundle/read-manifest.ts');
      const { manifest } = loadManifest(file);
      process.stdout.write(values.json ? `${JSON.stringify(manifest)}\n` : manifestText(file, manifest));
      return 0;
    }
    const facts = kind === 'plan' ? await planFacts(file) : await onnxFacts(file, shapes);
    process.stdout.write(values.json ? `${JSON.stringify(facts)}\n` : text(facts));
    return 0;
  },
};

interface Facts {
  readonly file: string;
  readonly kind: 'onnx' | 'plan';
  readonly bytes: number;
  readonly about: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Operators by count, the most frequent first. */
  readonly operators: Readonly<Record<string, number>>;
  readonly nodes: number;
  readonly parameters: number;
  readonly parameterBytes: number;
  readonly quantised: boolean;
  /** Of a plan: bytes of all values that are no constants, before XNNPACK lets them share memory. */
  readonly valueBytes?: number;
  readonly sha256?: string;
  /** Of an ONNX model: what compiling it for XNNPACK comes to. */
  readonly xnnpack?:
    | { readonly compiles: true; readonly report: CompileReport }
    | { readonly compiles: false; readonly nodes: readonly Refusal[] };
}

interface Port {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

async function onnxFacts(file: string, shapes: Readonly<Record<string, readonly number[]>>): Promise<Facts> {
  // Workstation code: a node that never inspects never loads it.
  const { readModel } = await import('../../../ota/model/onnx/read-model.ts');
  const graph = await readModel(file, { shapes });
  const constants = [...graph.values.values()].filter(({ data }) => data !== undefined);
  const operators = counted(graph.nodes.map(({ op, domain }) => (domain ? `${domain}.${op}` : op)));
  const { file: facts } = graph;
  const about = [`operator set ${graph.opset}`, `IR ${facts.irVersion}`, facts.producer].filter(Boolean);
  return {
    file,
    kind: 'onnx',
    bytes: facts.bytes,
    about: about.join(', '),
    inputs: ports(graph, graph.inputs),
    outputs: ports(graph, graph.outputs),
    operators,
    nodes: graph.nodes.length,
    parameters: sum(constants.map(({ shape }) => countOf(shape))),
    parameterBytes: sum(constants.map(({ data }) => data!.length)),
    quantised: 'QuantizeLinear' in operators || 'DequantizeLinear' in operators,
    sha256: facts.sha256,
    xnnpack: await compiles(graph, file),
  };
}

async function compiles(graph: OnnxGraph, file: string): Promise<NonNullable<Facts['xnnpack']>> {
  const { compileGraph } = await import('../../../ota/model/compile.ts');
  try {
    return { compiles: true, report: compileGraph(graph, file).report };
  } catch (error) {
    if (!(error instanceof ModelError) || error.code !== 'model-unsupported') throw error;
    return { compiles: false, nodes: refusals(error) };
  }
}

function ports(graph: OnnxGraph, names: readonly string[]): Port[] {
  const declared = new Map([...graph.file.inputs, ...graph.file.outputs].map((one) => [one.name, one.shape]));
  return names.map((name) => {
    const value = graph.values.get(name);
    const shape = value?.shape ?? declared.get(name) ?? ['?'];
    return { name, type: value?.type ?? 'unknown until run', shape };
  });
}

/** Bytes of an element by plan type. */
const ELEMENT: Readonly<Record<string, number>> = {
  f32: 4,
  qs8: 1,
  qu8: 1,
  qc8: 1,
  qs32: 4,
  qc32: 4,
  i32: 4,
};

async function planFacts(file: string): Promise<Facts> {
  const { readPlan } = await import('../../../ota/model/plan/read.ts');
  const { plan, bytes, weightBytes }: PlanFile = readPlan(file);
  const constants = plan.values.filter(({ data }) => data !== undefined);
  const others = plan.values.filter(({ data }) => data === undefined);
  return {
    file,
    kind: 'plan',
    bytes,
    about: `compiled from ${plan.model.name} by ${plan.producer}`,
    inputs: plan.inputs.map(({ name, type, shape }) => ({ name, type, shape })),
    outputs: plan.outputs.map(({ name, type, shape }) => ({ name, type, shape })),
    operators: counted(plan.nodes.map(({ op }) => op)),
    nodes: plan.nodes.length,
    parameters: sum(constants.map(({ dims }) => countOf(dims))),
    parameterBytes: weightBytes,
    quantised: plan.values.some(({ type }) => type === 'qs8' || type === 'qu8'),
    valueBytes: sum(others.map(({ dims, type }) => countOf(dims) * (ELEMENT[type] ?? 0))),
    sha256: plan.model.sha256,
  };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);

function counted(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, n], [b, m]) => m - n || a.localeCompare(b)));
}

function text(facts: Facts): string {
  const port = (direction: string) => (one: Port) => [direction, one.name, tensorText(one.type, one.shape)];
  const operators = Object.entries(facts.operators).map(([op, count]) => `${op} ${count}`);
  const lines = [
    `${facts.file}: ${facts.kind === 'onnx' ? 'ONNX model' : 'XNNPACK plan'}, ${size(facts.bytes)}, ${facts.about}`,
    '',
    table(['', 'name', 'tensor'], [...facts.inputs.map(port('input')), ...facts.outputs.map(port('output'))]),
    `nodes       ${facts.nodes}: ${operators.join(', ')}`,
    `parameters  ${facts.parameters.toLocaleString('en')} in ${size(facts.parameterBytes)}`,
    `quantised   ${facts.quantised ? 'yes' : 'no'}`,
    ...(facts.valueBytes === undefined
      ? []
      : [`values      ${size(facts.valueBytes)}, before they share memory`]),
  ];
  return `${lines.join('\n')}\n${xnnpackText(facts)}`;
}

function xnnpackText({ file, xnnpack }: Facts): string {
  if (!xnnpack) return '';
  if (!xnnpack.compiles) return `\n${refusalText(file, xnnpack.nodes)}`;
  const { planNodes, transposes } = xnnpack.report;
  return `XNNPACK     can run all of it: ${planNodes} operators, ${transposes.length} of them transposes; vigie model compile ${file}\n`;
}

function manifestText(file: string, { name, version, task, inputs, outputs, artifacts }: Manifest): string {
  const port = (direction: string) => (one: Port) => [direction, one.name, tensorText(one.type, one.shape)];
  const files = artifacts.map(({ backend, precision, path }) => [backend, precision, path]);
  return `${file}: ${name} ${version}, ${task}

${table(['', 'name', 'tensor'], [...inputs.map(port('input')), ...outputs.map(port('output'))])}
${table(['backend', 'precision', 'file'], files)}`;
}

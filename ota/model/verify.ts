/** Runs a plan beside ONNX Runtime on the same inputs and says how far apart the answers are. */

import { loadSession } from '../../runtime/pipeline/inference/load-session.ts';
import type { Session, Tensor, Tensors } from '../../runtime/pipeline/inference/session.ts';
import { type Comparison, compareTensors, type StepTolerance, type Tolerance } from './compare.ts';
import type { Graph } from './graph.ts';
import { type OnnxGraph, readModel } from './onnx/read-model.ts';
import { isQuantised, outputStep, quantisedRange } from './quantised-ports.ts';
import { type Range, randomInputs } from './random-inputs.ts';

export interface VerifyOptions {
  /** Paths. */
  readonly onnx: string;
  readonly plan: string;
  /** Golden inputs, one set per run; left out: random ones. */
  readonly inputs?: readonly Tensors[];
  /** What random inputs are drawn from, by input: [0, 255] for a picture. Default: what its QuantizeLinear tells apart, else see randomInputs. */
  readonly ranges?: Readonly<Record<string, Range>>;
  /** Sets of random inputs; default 3. */
  readonly samples?: number;
  readonly seed?: number;
  readonly tolerance?: Partial<VerifyTolerance>;
  /** Of `onnx`, when the caller has it already. */
  readonly graph?: OnnxGraph;
}

export interface VerifyTolerance {
  /**
   * Of models without quantisation. `absolute` is for outputs up to 1 and grows with the expected output's largest
   * magnitude: sums are rounded at the size of their terms, so that next to nothing beside large values is inexact.
   */
  readonly float: Tolerance;
  /** The least share of a quantised model's output elements that must be at most one step from ONNX Runtime's. */
  readonly withinOneStep: number;
  /**
   * The step of an output that is computed from quantised values but not quantised itself, as a share of the
   * expected output's largest magnitude: the roundings of all layers meet there.
   */
  readonly stepShare: number;
}

export const DEFAULT_TOLERANCE: VerifyTolerance = {
  float: { absolute: 3e-4, relative: 1e-3 },
  withinOneStep: 0.95,
  stepShare: 1 / 64,
};

export interface VerifiedOutput extends Comparison {
  readonly name: string;
  /** Which set of inputs was the worst; the numbers are of this run. */
  readonly sample: number;
}

export interface VerifyReport {
  readonly passed: boolean;
  readonly samples: number;
  readonly quantised: boolean;
  readonly outputs: readonly VerifiedOutput[];
}

const DEFAULT_SAMPLES = 3;

/**
 * @throws what readModel, loadSession and Session.infer throw; a plan that answers wrongly is no error but a report
 *   that did not pass
 */
export async function verifyPlan(options: VerifyOptions): Promise<VerifyReport> {
  const subject = await loadSession({ path: options.plan, backend: 'xnnpack' });
  try {
    const reference = await loadSession({ path: options.onnx, backend: 'onnxruntime' });
    try {
      const shapes = Object.fromEntries(subject.describe().inputs.map(({ name, shape }) => [name, shape]));
      const graph = options.graph ?? (await readModel(options.onnx, { shapes }));
      return await verify(graph, reference, subject, options);
    } finally {
      await reference.close();
    }
  } finally {
    await subject.close();
  }
}

async function verify(
  graph: Graph,
  reference: Session,
  subject: Session,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const tolerance = { ...DEFAULT_TOLERANCE, ...options.tolerance };
  const quantised = isQuantised(graph);
  const names = subject.describe().outputs.map(({ name }) => name);
  const worst = new Map<string, VerifiedOutput>();
  const runs = options.inputs ?? madeUp(graph, subject, options);
  for (const [sample, inputs] of runs.entries()) {
    const expected = await reference.infer(inputs);
    const actual = await subject.infer(inputs);
    for (const name of names) {
      const steps = quantised ? stepsOf(graph, name, expected[name]!, tolerance) : undefined;
      const near = scaled(tolerance.float, expected[name]!);
      const comparison = compareTensors(expected[name]!, actual[name]!, near, steps);
      const before = worst.get(name);
      if (!before || isWorse(comparison, before)) worst.set(name, { name, sample, ...comparison });
    }
  }
  const outputs = [...worst.values()];
  return { passed: outputs.every(({ passed }) => passed), samples: runs.length, quantised, outputs };
}

function isWorse(one: Comparison, other: Comparison): boolean {
  return one.passed === other.passed ? one.worstAbsolute > other.worstAbsolute : !one.passed;
}

function stepsOf(graph: Graph, name: string, expected: Tensor, tolerance: VerifyTolerance): StepTolerance {
  const { withinOneStep, stepShare } = tolerance;
  if (!expected.type.startsWith('float')) return { step: 1, withinOneStep };
  const step = outputStep(graph, name);
  if (step !== undefined) return { step, withinOneStep };
  return { step: largestOf(expected) * stepShare || Number.EPSILON, withinOneStep };
}

function scaled({ absolute, relative }: Tolerance, expected: Tensor): Tolerance {
  return { absolute: absolute * Math.max(1, largestOf(expected)), relative };
}

/** Magnitude; infinities and NaN, which have to be equal anyway, are passed over. */
function largestOf({ data }: Tensor): number {
  let largest = 0;
  for (const value of data) {
    const size = Math.abs(Number(value));
    if (size > largest && size < Number.POSITIVE_INFINITY) largest = size;
  }
  return largest;
}

function madeUp(graph: Graph, subject: Session, options: VerifyOptions): Tensors[] {
  const { inputs } = subject.describe();
  const ranges = Object.fromEntries(
    inputs.map(({ name }) => [name, options.ranges?.[name] ?? quantisedRange(graph, name)]),
  );
  const { samples = DEFAULT_SAMPLES, seed = 1 } = options;
  return Array.from({ length: samples }, (_, run) => randomInputs(inputs, ranges, seed + run));
}

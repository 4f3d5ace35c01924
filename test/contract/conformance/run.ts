/** Runs node tests on a backend and judges the answers as ONNX's own runner does. */

import { compareTensors, ONNX_TOLERANCE } from '../../../ota/model/compare.ts';
import { VigieError } from '../../../runtime/core/errors.ts';
import { type Artifact, loadSession } from '../../../runtime/pipeline/inference/load-session.ts';
import type { Tensors } from '../../../runtime/pipeline/inference/session.ts';
import { nodeTests } from '../../support/onnx-node-tests.ts';
import { type Case, planPath, readCases } from './case-file.ts';
import type { Outcome } from './outcome.ts';

/** A backend refuses a model with one of these before it runs; all other errors are wrong answers. */
const REFUSALS = ['bad-model', 'model-unsupported'];

/** What `compileAll` left in a folder. */
export async function runCompiled(folder: string): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const prepared of readCases(folder)) {
    if ('outcome' in prepared) outcomes.push(prepared.outcome);
    else {
      const path = planPath(folder, prepared.case.test);
      outcomes.push(await judge(prepared.case, { path, backend: 'xnnpack' }, []));
    }
  }
  return outcomes;
}

export async function runOnOnnxRuntime(source: string): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { name: test, ops, modelPath: path, inputs, outputs } of nodeTests(source)) {
    const one = { test, ops, constants: false, inputs, outputs };
    outcomes.push(await judge(one, { path, backend: 'onnxruntime' }, REFUSALS));
  }
  return outcomes;
}

async function judge(one: Case, artifact: Artifact, refusals: readonly string[]): Promise<Outcome> {
  const { test, ops, constants, inputs, outputs } = one;
  const facts = { test, ops, constants };
  try {
    const session = await loadSession(artifact);
    try {
      return { ...facts, ...verdict(outputs, await session.infer(inputs)) };
    } finally {
      await session.close();
    }
  } catch (error) {
    if (!(error instanceof VigieError)) throw error;
    const { code, message: reason } = error;
    return { ...facts, result: refusals.includes(code) ? 'unsupported' : 'wrong', code, reason };
  }
}

function verdict(expected: Tensors, actual: Tensors): Pick<Outcome, 'result' | 'code' | 'reason'> {
  for (const [name, tensor] of Object.entries(expected)) {
    const given = actual[name];
    if (!given) return { result: 'wrong', code: 'output-missing', reason: name };
    const { passed, worstAbsolute, worstAt, reason } = compareTensors(tensor, given, ONNX_TOLERANCE);
    const text = `output ${name}: ${reason}; the worst by ${worstAbsolute} at ${worstAt}`;
    if (!passed) return { result: 'wrong', code: 'output-differs', reason: text };
  }
  return { result: 'pass' };
}

/** Compiles the node tests for XNNPACK into a folder. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileModel } from '../../../ota/model/compile.ts';
import { rewriteModel } from '../../../ota/model/onnx/rewrite.ts';
import { dataTypeOf } from '../../../ota/model/onnx/tensor-data.ts';
import { VigieError } from '../../../runtime/core/errors.ts';
import { type NodeTest, nodeTests } from '../../support/onnx-node-tests.ts';
import { planPath, writeCase } from './case-file.ts';

/** Compiling waits for a child process most of the time. */
const AT_ONCE = 2;
const LEAST_IR = 4;
/** What these take is data, all of it. */
const OF_DATA = ['Add', 'Concat', 'Div', 'MatMul', 'Max', 'Min', 'Mul', 'Sub'];

/** Writes, for each test below `source`, NAME.json and, where it can be compiled, NAME.xnn. */
export async function compileAll(source: string, folder: string): Promise<void> {
  const waiting = nodeTests(source);
  const work = async () => {
    for (let test = waiting.shift(); test; test = waiting.shift()) await compileTest(test, folder);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

async function compileTest(test: NodeTest, folder: string): Promise<void> {
  const constants = Object.keys(test.inputs).length > 1 && !test.ops.every((op) => OF_DATA.includes(op));
  const path = constants ? join(folder, `${test.name}.onnx`) : test.modelPath;
  if (constants) writeFileSync(path, withConstants(test));
  finish(test, folder, constants, await attempt(test, path, folder));
}

/** @returns why it cannot be compiled */
async function attempt(test: NodeTest, path: string, folder: string): Promise<VigieError | undefined> {
  try {
    writeFileSync(planPath(folder, test.name), (await compileModel({ path })).bytes);
    return undefined;
  } catch (error) {
    if (error instanceof VigieError) return error;
    throw error;
  }
}

function finish(test: NodeTest, folder: string, constants: boolean, error: VigieError | undefined): void {
  const { name, ops, outputs } = test;
  if (error) {
    const { code, message: reason } = error;
    writeCase(folder, name, { outcome: { test: name, ops, result: 'unsupported', constants, code, reason } });
    return;
  }
  const inputs = constants ? Object.fromEntries(Object.entries(test.inputs).slice(0, 1)) : test.inputs;
  writeCase(folder, name, { case: { test: name, ops, constants, inputs, outputs } });
}

/** Node tests pass weights, axes and shapes as inputs, which models have as constants. */
function withConstants({ modelPath, model, inputs }: NodeTest): Uint8Array {
  const graph = model.graph!;
  const constants = Object.entries(inputs)
    .slice(1)
    .map(([name, { type, shape, data }]) => ({
      name,
      dataType: dataTypeOf(type),
      dims: shape,
      rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    }));
  return rewriteModel(readFileSync(modelPath), Math.max(Number(model.irVersion), LEAST_IR), {
    inputs: graph.input!.slice(0, 1),
    initializers: [...(graph.initializer ?? []), ...constants],
  });
}

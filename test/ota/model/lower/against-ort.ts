/** Runs small ONNX models as XNNPACK plans and in ONNX Runtime, and compares. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import * as ort from 'onnxruntime-node';
import * as assert from 'uvu/assert';
import { type Compiled, compileModel } from '../../../../ota/model/compile.ts';
import type { UnsupportedNode } from '../../../../ota/model/lower/not-expressible.ts';
import { binding } from '../../../../runtime/addon/binding.ts';
import { ModelError } from '../../../../runtime/core/errors.ts';
import {
  type AttributeValue,
  constant,
  info,
  type Json,
  node,
  onnxModel,
} from '../../../support/onnx-writer.ts';

/** A shape is an input of the model; numbers or integers with a shape are a constant; undefined is left out. */
export type Operand =
  | readonly number[]
  | { readonly floats: readonly number[]; readonly shape?: readonly number[] }
  | { readonly integers: readonly number[]; readonly shape?: readonly number[] }
  | { readonly random: readonly number[] }
  /** An input whose numbers are above 0. */
  | { readonly positive: readonly number[] }
  | undefined;

export interface Case {
  readonly op: string;
  readonly operands: readonly Operand[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** How many outputs the node has; default 1. */
  readonly outputs?: number;
  /** Nodes in front of its first input and behind its first output: operator and attributes. */
  readonly before?: readonly Step[];
  readonly behind?: readonly Step[];
  /** Type of the outputs; default float32. */
  readonly type?: 'float32' | 'int64';
}

export type Step = readonly [op: string, attributes?: Readonly<Record<string, AttributeValue>>];

interface Feed {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

interface Model {
  readonly nodes: Json[];
  readonly inputs: Json[];
  readonly outputs: Json[];
  readonly initializers: Json[];
  readonly feeds: Feed[];
}

/** Deterministic numbers in [-2, 2). */
function numbers(count: number, seed: number): Float32Array {
  let state = (seed * 2654435761 + 1) >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32) * 4 - 2;
  });
}

const count = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

function addCase(model: Model, one: Case, index: number): void {
  const operands = one.operands.map((operand, i) =>
    addOperand(model, operand, `c${index}x${i}`, index * 31 + i),
  );
  let first = operands[0]!;
  for (const [i, [op, attributes]] of (one.before ?? []).entries()) {
    const name = `c${index}b${i}`;
    model.nodes.push(node(op, [first], [name], { ...attributes }));
    first = name;
  }
  const made = Array.from({ length: one.outputs ?? 1 }, (_, i) => `c${index}y${i}`);
  model.nodes.push(node(one.op, [first, ...operands.slice(1)], made, { ...one.attributes }, `case-${index}`));
  let last = made[0]!;
  for (const [i, [op, attributes]] of (one.behind ?? []).entries()) {
    const name = `c${index}z${i}`;
    model.nodes.push(node(op, [last], [name], { ...attributes }));
    last = name;
  }
  for (const name of [last, ...made.slice(1)]) model.outputs.push(info(name, one.type ?? 'float32'));
}

function addOperand(model: Model, operand: Operand, name: string, seed: number): string {
  if (operand === undefined) return '';
  if ('floats' in operand) {
    const { floats, shape = [floats.length] } = operand;
    model.initializers.push(constant(name, 'float32', shape, floats));
  } else if ('integers' in operand) {
    const { integers, shape = [integers.length] } = operand;
    model.initializers.push(constant(name, 'int64', shape, integers));
  } else if ('random' in operand) {
    model.initializers.push(constant(name, 'float32', operand.random, numbers(count(operand.random), seed)));
  } else {
    const shape = 'positive' in operand ? operand.positive : operand;
    const data = numbers(count(shape), seed).map((x) => ('positive' in operand ? Math.abs(x) + 0.01 : x));
    model.inputs.push(info(name, 'float32', shape));
    model.feeds.push({ name, shape, data });
  }
  return name;
}

export function modelOf(cases: readonly Case[], opset: number): { bytes: Buffer; feeds: readonly Feed[] } {
  const model: Model = { nodes: [], inputs: [], outputs: [], initializers: [], feeds: [] };
  for (const [index, one] of cases.entries()) addCase(model, one, index);
  return { bytes: onnxModel({ ...model, opset }), feeds: model.feeds };
}

/** @returns what the function gives for a file with these bytes, which is gone afterwards */
export async function withFile<T>(
  bytes: Uint8Array,
  use: (path: string) => Promise<T>,
  ending = 'onnx',
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-lower-'));
  try {
    const path = join(folder, `model.${ending}`);
    writeFileSync(path, bytes);
    return await use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Compiles one model of all the cases. */
export async function compiled(cases: readonly Case[], opset = 17): Promise<Compiled> {
  return withFile(modelOf(cases, opset).bytes, (path) => compileModel({ path }));
}

/** The nodes that a model of these cases is refused for. */
export async function refusals(cases: readonly Case[], opset = 17): Promise<readonly UnsupportedNode[]> {
  try {
    await compiled(cases, opset);
  } catch (error) {
    if (!(error instanceof ModelError) || error.code !== 'model-unsupported') throw error;
    return error.facts.nodes as readonly UnsupportedNode[];
  }
  return [];
}

export interface Comparison {
  readonly opset?: number;
  /** Largest difference, relative to the largest number of the output. */
  readonly tolerance?: number;
  /** Cases may be refused; left out, none may. */
  readonly mayRefuse?: boolean;
}

/**
 * Runs the cases in one plan and in ONNX Runtime.
 * @returns how many were compared: those refused are left out
 */
export async function compare(cases: readonly Case[], options: Comparison = {}): Promise<number> {
  const { opset = 17, tolerance = 2e-6 } = options;
  const refused = options.mayRefuse ? await refusals(cases, opset) : [];
  const kept = cases.filter((_, i) => !refused.some(({ node }) => node === `case-${i}`));
  if (kept.length === 0) return 0;
  const what = (name: string) => `${name} of ${JSON.stringify(kept[Number(/^c(\d+)/.exec(name)![1])])}`;
  await compareModel(modelOf(kept, opset), tolerance, what);
  return kept.length;
}

/** Runs one model both ways. @returns what the compiler made of it */
export async function compareModel(
  { bytes, feeds }: { bytes: Buffer; feeds: readonly Feed[] },
  tolerance = 2e-6,
  what = (name: string) => name,
): Promise<Compiled> {
  return withFile(bytes, async (path) => {
    const made = await compileModel({ path });
    const arrays = made.plan.inputs.map(({ name }) => feeds.find((feed) => feed.name === name)!.data);
    const actual = await withFile(made.bytes, (file) => runPlan(file, arrays), 'xnn');
    const session = await ort.InferenceSession.create(path, { logSeverityLevel: 3 });
    const tensors = feeds.map(
      ({ name, data, shape }) => [name, new ort.Tensor('float32', data, shape)] as const,
    );
    const expected = await session.run(Object.fromEntries(tensors));
    await session.release();
    for (const [i, { name }] of made.plan.outputs.entries()) {
      assertNear(actual[i]!, expected[name]!.data as ArrayLike<number>, tolerance, what(name));
    }
    return made;
  });
}

async function runPlan(path: string, arrays: readonly Float32Array[]): Promise<ArrayLike<number>[]> {
  const session = await binding().loadSession('xnnpack', path, { threads: 1 });
  try {
    const results = await session.infer(arrays);
    return results.filter((_, i) => i % 2 === 0) as ArrayLike<number>[];
  } finally {
    await session.close();
  }
}

function assertNear(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  assert.is(actual.length, expected.length, `length of ${what}`);
  let largest = 1;
  for (let i = 0; i < expected.length; i++) {
    const size = Math.abs(Number(expected[i]));
    if (Number.isFinite(size)) largest = Math.max(largest, size);
  }
  for (let i = 0; i < expected.length; i++) {
    const a = Number(actual[i]);
    const b = Number(expected[i]);
    if (Object.is(a, b) || Math.abs(a - b) <= tolerance * largest) continue;
    assert.unreachable(`${what}: element ${i} is ${a}, ONNX Runtime has ${b}`);
  }
}

/** As many samples of an arbitrary; the same in every run. */
export function samples<T>(arbitrary: fc.Arbitrary<T>, numRuns = 40, seed = 20261121): T[] {
  return fc.sample(arbitrary, { numRuns, seed });
}

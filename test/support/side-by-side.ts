/** Runs an ONNX model as an XNNPACK plan and in ONNX Runtime, on the same random inputs. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileModel } from '../../ota/model/compile.ts';
import type { Plan } from '../../ota/model/plan/plan.ts';
import { binding } from '../../runtime/addon/binding.ts';

export interface Pair {
  readonly name: string;
  readonly plan: Float32Array;
  readonly reference: Float32Array;
  /** With all of ONNX Runtime's optimisations, where asked for: its own int8 kernels. */
  readonly optimised?: Float32Array;
}

export interface SideBySide {
  readonly outputs: readonly Pair[];
  readonly plan: Plan;
}

/** Numbers in [0, 1) that a seed determines. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface RunOptions {
  /** Fills element `index` of an input. */
  readonly fill: (index: number) => number;
  /** Runs ONNX Runtime twice; the reference is always without optimisations: each operator as ONNX defines it. */
  readonly optimised?: boolean;
}

export async function sideBySide(model: string | Buffer, options: RunOptions): Promise<SideBySide> {
  const folder = await mkdtemp(join(tmpdir(), 'vigie-side-by-side-'));
  try {
    const path = typeof model === 'string' ? model : join(folder, 'model.onnx');
    if (typeof model !== 'string') await writeFile(path, model);
    const compiled = await compileModel({ path });
    const planPath = join(folder, 'model.xnn');
    await writeFile(planPath, compiled.bytes);
    return { outputs: await runBoth(path, planPath, options), plan: compiled.plan };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function runBoth(path: string, planPath: string, options: RunOptions): Promise<Pair[]> {
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  const native = await binding().loadSession('xnnpack', planPath, { threads: 1 });
  try {
    const { inputs, outputs } = native.describe();
    const arrays = inputs.map(({ shape }) => {
      const size = shape.reduce((product, one) => product * one, 1);
      return Float32Array.from({ length: size }, (_, index) => options.fill(index));
    });
    const results = await native.infer(arrays);
    const feeds = Object.fromEntries(
      inputs.map(({ name, shape }, i) => [name, new Tensor('float32', arrays[i]!, shape)] as const),
    );
    const at = async (graphOptimizationLevel: 'disabled' | 'all') => {
      const session = await InferenceSession.create(path, { graphOptimizationLevel, intraOpNumThreads: 1 });
      const expected = await session.run(feeds);
      await session.release();
      return (name: string) => expected[name]!.data as Float32Array;
    };
    const reference = await at('disabled');
    const optimised = options.optimised ? await at('all') : undefined;
    return outputs.map(({ name }, i) => ({
      name,
      plan: results[2 * i] as Float32Array,
      reference: reference(name),
      ...(optimised && { optimised: optimised(name) }),
    }));
  } finally {
    await native.close();
  }
}

/** @returns the largest difference in steps of the scale, and the share of elements that are the same step */
export function inSteps({ plan, reference }: Pair, scale: number): { worst: number; equal: number } {
  let worst = 0;
  let equal = 0;
  for (const [i, one] of reference.entries()) {
    const steps = Math.abs(one - plan[i]!) / scale;
    worst = Math.max(worst, steps);
    if (steps < 0.01) equal++;
  }
  return { worst, equal: equal / reference.length };
}

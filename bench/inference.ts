/**
 * Inference, side by side in one run: each model in float32 and int8, as a plan under XNNPACK and as ONNX under
 * onnxruntime-node, one thread, in turns so that a busy machine slows all alike. And a picture to its boxes: the node's
 * own way against sharp, onnxruntime-node and JavaScript.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileModel } from '../ota/model/compile.ts';
import type { Tensor } from '../runtime/pipeline/inference/session.ts';
import { atLeast, atMost, type BenchOptions, type BenchResult, info, percentile } from './bench.ts';
import { type ModelPair, modelPairs } from './inference/models.ts';
import { pictureToBoxes } from './inference/picture-to-boxes.ts';
import { measureLoad } from './inference/plan-load.ts';
import { onnxRuntimeSubject, type PlanSubject, planSubject, type Subject } from './inference/subjects.ts';

export const summary = 'XNNPACK and ONNX Runtime on detection and classification models, one thread';

const WARM_UP = 5;
/** Each model under each backend runs for a while, as a camera would have it, then the next: so often. */
const TURNS = 20;
const TURN_MS = 120;

export async function run({ progress }: BenchOptions): Promise<readonly BenchResult[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'vigie-inference-'));
  try {
    const pairs = modelPairs(scratch);
    const measured: Medians[] = [];
    for (const pair of pairs) {
      progress(`${pair.name}: compiling and measuring`);
      measured.push(await measure(pair, scratch));
    }
    progress('picture to boxes');
    const planned = (name: string, precision: 'float' | 'int8') => ({
      onnx: pairs.find((pair) => pair.name === name)![precision],
      plan: planPath(scratch, name, precision),
    });
    return [
      ...summed(measured),
      ...(await pictureToBoxes(
        pairs.map(({ name }) => name),
        planned,
      )),
      ...(await measureLoad(planned(pairs[0]!.name, 'float').plan)),
      ...measured.flatMap(details),
    ];
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Milliseconds; overhead in microseconds. */
interface Medians {
  readonly name: string;
  readonly planFloat: number;
  readonly planInt8: number;
  readonly onnxFloat: number;
  readonly onnxInt8: number;
  readonly overheadUs: number;
}

const planPath = (scratch: string, name: string, precision: string) =>
  join(scratch, `${name}_${precision}.xnn`);

async function measure({ name, float, int8, range }: ModelPair, scratch: string): Promise<Medians> {
  const floatPlan = planPath(scratch, name, 'float');
  const int8Plan = planPath(scratch, name, 'int8');
  const { plan, bytes } = await compileModel({ path: float });
  writeFileSync(floatPlan, bytes);
  writeFileSync(int8Plan, (await compileModel({ path: int8 })).bytes);
  const input = ramp(plan.inputs[0]!.shape, range);
  const subjects = {
    planFloat: await planSubject(floatPlan, input),
    planInt8: await planSubject(int8Plan, input),
    onnxFloat: await onnxRuntimeSubject(float, input),
    onnxInt8: await onnxRuntimeSubject(int8, input),
  };
  const times = { planFloat: [], planInt8: [], onnxFloat: [], onnxInt8: [] } as Record<
    keyof typeof subjects,
    number[]
  >;
  const overheads: number[] = [];
  for (let turn = -WARM_UP; turn < TURNS; turn++) {
    for (const [key, subject] of Object.entries(subjects) as [keyof typeof subjects, Subject][]) {
      // The model before left the caches full of its own.
      await subject.call();
      const until = performance.now() + (turn < 0 ? 0 : TURN_MS);
      while (performance.now() < until) {
        const start = performance.now();
        await subject.call();
        const took = performance.now() - start;
        times[key].push(took);
        if (key === 'planFloat') overheads.push(took * 1000 - (await (subject as PlanSubject).lastRunUs()));
      }
    }
  }
  for (const subject of Object.values(subjects)) await subject.close();
  const median = (key: keyof typeof subjects) => percentile(times[key], 0.5);
  return {
    name,
    planFloat: median('planFloat'),
    planInt8: median('planInt8'),
    onnxFloat: median('onnxFloat'),
    onnxInt8: median('onnxInt8'),
    overheadUs: percentile(overheads, 0.5),
  };
}

/** Values that vary, so that no branch is always taken; what they are changes no timing. */
function ramp(shape: readonly number[], [least, most]: readonly [number, number]): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  const data = Float32Array.from(
    { length: count },
    (_, i) => least + ((i * 7919) % 1009) * ((most - least) / 1009),
  );
  return { type: 'float32', shape, data };
}

function summed(measured: readonly Medians[]): BenchResult[] {
  const most = (of: (medians: Medians) => number) => Math.max(...measured.map(of));
  const least = (of: (medians: Medians) => number) => Math.min(...measured.map(of));
  return [
    atMost(
      'xnnpack_fp32_vs_ort_ratio_max',
      most(({ planFloat, onnxFloat }) => planFloat / onnxFloat),
      '',
      1,
    ),
    atLeast(
      'xnnpack_int8_speedup_vs_ort_fp32',
      least(({ planInt8, onnxFloat }) => onnxFloat / planInt8),
      'x',
      2,
    ),
    atLeast(
      'xnnpack_int8_speedup_vs_ort_int8',
      least(({ planInt8, onnxInt8 }) => onnxInt8 / planInt8),
      'x',
      1,
    ),
    atMost(
      'call_overhead_p50_us',
      most(({ overheadUs }) => overheadUs),
      'us',
      60,
    ),
  ];
}

const details = ({ name, planFloat, planInt8, onnxFloat, onnxInt8, overheadUs }: Medians): BenchResult[] => [
  info(`${name}_xnnpack_fp32_ms`, planFloat, 'ms'),
  info(`${name}_ort_fp32_ms`, onnxFloat, 'ms'),
  info(`${name}_xnnpack_int8_ms`, planInt8, 'ms'),
  info(`${name}_ort_int8_ms`, onnxInt8, 'ms'),
  info(`${name}_call_overhead_us`, overheadUs, 'us'),
];

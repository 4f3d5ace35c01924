/** Small models for tests of sessions: the same arithmetic as an ONNX file and as a plan. */

import { PlanBuilder } from '../../ota/model/plan/builder.ts';
import { writePlan } from '../../ota/model/plan/write.ts';
import { constant, info, node, onnxModel } from './onnx-writer.ts';

export const SLOW_SHAPE = [1, 1 << 18];
const MODEL = { name: 'tiny', sha256: '00'.repeat(32) };
const bytesOf = (data: Float32Array) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** y = x + [1, 2, 3, 4] with x: float32 [1, 4]. */
export function addPlan(): Uint8Array {
  const plan = new PlanBuilder();
  const x = plan.value('f32', [1, 4]);
  const bias = plan.constant('f32', [4], bytesOf(Float32Array.of(1, 2, 3, 4)));
  const y = plan.value('f32', [1, 4]);
  plan.node({ op: 'binary', kind: 'add', from: 'add', inputs: [x, bias], outputs: [y] });
  plan.input({ name: 'x', type: 'float32', shape: [1, 4], value: x });
  plan.output({ name: 'y', type: 'float32', shape: [1, 4], value: y });
  return finished(plan);
}

export function addOnnx(): Uint8Array {
  return onnxModel({
    inputs: [info('x', 'float32', [1, 4])],
    outputs: [info('y', 'float32', [1, 4])],
    nodes: [node('Add', ['x', 'b'], ['y'])],
    initializers: [constant('b', 'float32', [4], [1, 2, 3, 4])],
  });
}

/** y = x + x with x: float32 [1, 3, 2, 2], kept as NHWC. */
export function nchwPlan(): Uint8Array {
  const plan = new PlanBuilder();
  const x = plan.value('f32', [1, 2, 2, 3]);
  const y = plan.value('f32', [1, 2, 2, 3]);
  plan.node({ op: 'binary', kind: 'add', from: 'add', inputs: [x, x], outputs: [y] });
  const port = { type: 'float32', shape: [1, 3, 2, 2], permutation: [0, 2, 3, 1] } as const;
  plan.input({ ...port, name: 'x', value: x });
  plan.output({ ...port, name: 'y', value: y });
  return finished(plan);
}

/** y = |x| with x: float32 [1, 262144], `layers` times over: some 0.05 ms each. */
export function slowPlan(layers: number): Uint8Array {
  const plan = new PlanBuilder();
  const x = plan.value('f32', SLOW_SHAPE);
  let last = x;
  for (let i = 0; i < layers; i++) {
    const next = plan.value('f32', SLOW_SHAPE);
    plan.node({ op: 'unary', kind: 'abs', from: `layer${i}`, inputs: [last], outputs: [next] });
    last = next;
  }
  plan.input({ name: 'x', type: 'float32', shape: SLOW_SHAPE, value: x });
  plan.output({ name: 'y', type: 'float32', shape: SLOW_SHAPE, value: last });
  return finished(plan);
}

export function slowOnnx(layers: number): Uint8Array {
  const names = ['x', ...Array.from({ length: layers - 1 }, (_, i) => `h${i}`), 'y'];
  return onnxModel({
    inputs: [info('x', 'float32', SLOW_SHAPE)],
    outputs: [info('y', 'float32', SLOW_SHAPE)],
    nodes: names.slice(1).map((name, i) => node('Abs', [names[i]!], [name])),
  });
}

function finished(builder: PlanBuilder): Uint8Array {
  const { plan, weights } = builder.finish(MODEL, 'vigie test');
  return writePlan(plan, weights);
}

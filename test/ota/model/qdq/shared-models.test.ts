/** The quantised models beside the checkout: as near to ONNX Runtime as ONNX Runtime is to ONNX's definition. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sharedPath } from '../../../support/shared.ts';
import { sideBySide } from '../../../support/side-by-side.ts';

interface Model {
  readonly file: string;
  readonly size: number;
  readonly low: number;
  readonly high: number;
  /** How many times ONNX Runtime's own distance from ONNX's definition the plan may be off. */
  readonly factor: number;
  /** The most operators of the plan that convert to or from float32. */
  readonly converts: number;
}

const MODELS: readonly Model[] = [
  { file: 'vww_96_int8_qdq', size: 96, low: 0, high: 1, factor: 1, converts: 2 },
  { file: 'mobilenet_v2_1.0_224_uint8_qdq', size: 224, low: -1, high: 1, factor: 2, converts: 2 },
  { file: 'fastestdet_352_int8_qdq', size: 352, low: 0, high: 1, factor: 1, converts: 3 },
  { file: 'yolox_nano_416_int8_qdq', size: 416, low: 0, high: 255, factor: 1, converts: 27 },
];

/** Waves of light and dark in three colours. */
function picture({ size, low, high }: Model): (index: number) => number {
  return (index) => {
    const colour = Math.floor(index / size / size);
    const y = Math.floor(index / size) % size;
    const x = index % size;
    const light = 0.5 + 0.3 * Math.sin(x / 17 + colour) + 0.2 * Math.cos(y / 23 - colour);
    return low + (high - low) * light;
  };
}

for (const model of MODELS) {
  test(`${model.file} stays in int8 and gives what ONNX Runtime gives`, async () => {
    const path = sharedPath(`models/small/${model.file}.onnx`);
    if (!path) return;
    const { outputs, plan } = await sideBySide(path, { fill: picture(model), optimised: true });
    const converts = plan.nodes.filter((node) => node.op === 'unary' && node.kind === 'convert');
    assert.ok(converts.length <= model.converts, `${converts.length} converts`);
    for (const { plan: ours, reference, optimised } of outputs) {
      const own = meanDistance(optimised!, reference);
      const nearest = Math.min(meanDistance(ours, optimised!), meanDistance(ours, reference));
      assert.ok(
        nearest <= model.factor * own + 1e-7,
        `${nearest} off, where ONNX Runtime is ${own} off itself`,
      );
    }
  });
}

function meanDistance(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, one, i) => sum + Math.abs(one - b[i]!), 0) / a.length;
}

test.run();

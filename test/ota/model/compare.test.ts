import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compareTensors, ONNX_TOLERANCE } from '../../../ota/model/compare.ts';
import type { Tensor } from '../../../runtime/pipeline/inference/session.ts';

const floats = (...values: number[]): Tensor => ({
  type: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});

test('judges each element by absolute and relative error', () => {
  const near = { absolute: 0.01, relative: 0.1 };
  const result = compareTensors(floats(0, 100, -10), floats(0.005, 109, -10), near);
  assert.is(result.passed, true);
  assert.is(result.worstAbsolute, 9);
  assert.is(result.worstAt, 1);
  assert.ok(Math.abs(result.worstRelative - 0.09) < 1e-6);
  const far = compareTensors(floats(0, 100), floats(0.02, 100), near);
  assert.is(far.passed, false);
  assert.match(far.reason!, /1 of 2 elements/);
});

test('takes NaN for NaN and infinity for infinity, and neither for a number', () => {
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  assert.is(compareTensors(floats(...odd), floats(...odd), ONNX_TOLERANCE).passed, true);
  for (const value of odd) {
    assert.is(compareTensors(floats(value), floats(1), ONNX_TOLERANCE).passed, false, `${value} expected`);
    assert.is(compareTensors(floats(1), floats(value), ONNX_TOLERANCE).passed, false, `${value} given`);
  }
  assert.is(compareTensors(floats(odd[1]!), floats(odd[2]!), ONNX_TOLERANCE).passed, false);
});

test('wants whole numbers to be the same, and types and shapes', () => {
  const whole = (value: number): Tensor => ({ type: 'int32', shape: [1], data: Int32Array.of(value) });
  const loose = { absolute: 10, relative: 10 };
  assert.is(compareTensors(whole(5), whole(5), loose).passed, true);
  assert.is(compareTensors(whole(5), whole(6), loose).passed, false);
  assert.match(compareTensors(whole(5), floats(5), loose).reason!, /it is float32\[1\] where int32\[1\]/);
  assert.is(compareTensors(floats(1, 2), { ...floats(1, 2), shape: [2, 1] }, loose).passed, false);
  const big = (value: bigint): Tensor => ({ type: 'int64', shape: [1], data: BigInt64Array.of(value) });
  assert.is(compareTensors(big(-3n), big(-3n), loose).passed, true);
});

test('reads half precision', () => {
  const halves = (...bits: number[]): Tensor => ({
    type: 'float16',
    shape: [bits.length],
    data: Uint16Array.from(bits),
  });
  const near = { absolute: 1e-3, relative: 0 };
  assert.is(compareTensors(halves(0x3c00, 0x0001), halves(0x3c00, 0x0002), near).passed, true);
  assert.is(compareTensors(halves(0x3c00), halves(0xbc00), near).worstAbsolute, 2);
  assert.is(compareTensors(halves(0x7c00), halves(0x7e00), near).passed, false);
});

test('counts quantisation steps', () => {
  const near = { absolute: 0, relative: 0 };
  const step = { step: 0.5, withinOneStep: 0.5 };
  const result = compareTensors(floats(0, 0, 0, 0), floats(0, 0.5, 1, 5), near, step);
  assert.equal(result.steps, { step: 0.5, counts: [1, 1, 1, 1], worst: 10 });
  assert.is(result.passed, true);
  const strict = compareTensors(floats(0, 0, 0, 0), floats(0, 0.5, 1, 5), near, {
    ...step,
    withinOneStep: 0.9,
  });
  assert.match(strict.reason!, /50.0 % of the elements are within one step/);
  const nan = compareTensors(floats(0), floats(Number.NaN), near, step);
  assert.is(nan.passed, false);
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ModelError } from '../../../runtime/core/errors.ts';
import { classesOf, probabilitiesOutput } from '../../../runtime/pipeline/inference/classes.ts';
import type { Tensor, TensorInfo } from '../../../runtime/pipeline/inference/session.ts';

const floats = (shape: number[], ...values: number[]): Tensor => ({
  type: 'float32',
  shape,
  data: Float32Array.from(values),
});

test('the class is the one of the greatest probability; of equals the first; NaN is none', () => {
  assert.equal(classesOf(floats([2, 3], 0.25, 0.5, 0.25, 0.5, 0.5, 0)), [
    { index: 1, probability: 0.5 },
    { index: 0, probability: 0.5 },
  ]);
  assert.equal(classesOf(floats([3], Number.NaN, 0.25, 0.5)), [{ index: 2, probability: 0.5 }]);
  assert.equal(classesOf(floats([0, 3])), []);
});

test('one column is the probability of class 1', () => {
  assert.equal(classesOf(floats([2, 1], 0.75, 0.25)), [
    { index: 1, probability: 0.75 },
    { index: 0, probability: 0.75 },
  ]);
});

test('what holds no probabilities is refused', () => {
  const wrong: Tensor[] = [
    floats([1, 2], Number.NaN, Number.NaN),
    floats([1, 1], Number.NaN),
    floats([1, 1, 2], 0, 1),
    floats([], 1),
    { type: 'int64', shape: [1], data: BigInt64Array.of(1n) },
  ];
  for (const tensor of wrong) {
    try {
      classesOf(tensor);
      assert.unreachable();
    } catch (error) {
      assert.ok(error instanceof ModelError && error.code === 'model-run', String(error));
    }
  }
});

test('the output of probabilities is found beside the label', () => {
  const info = (name: string, type: TensorInfo['type'], shape = [-1, 3]): TensorInfo => ({
    name,
    type,
    shape,
  });
  const named = [info('label', 'int64', [-1]), info('scores', 'float32'), info('probabilities', 'float32')];
  assert.is(probabilitiesOutput({ outputs: named })?.name, 'probabilities');
  assert.is(probabilitiesOutput({ outputs: named.slice(0, 2) })?.name, 'scores');
  assert.is(probabilitiesOutput({ outputs: named.slice(0, 1) }), undefined);
  const two = [info('a', 'float32'), info('b', 'float32')];
  assert.is(probabilitiesOutput({ outputs: two }), undefined);
});

test.run();

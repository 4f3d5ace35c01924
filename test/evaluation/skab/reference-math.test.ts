import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fCumulative } from '../../../evaluation/skab/f-distribution.ts';
import { rollingMaximum, rollingMedian } from '../../../evaluation/skab/rolling.ts';
import { eigenvaluesInSolverOrder } from '../../../evaluation/skab/unsymmetric-eigenvalues.ts';

const near = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) < tolerance, `${actual} is not ${expected}`);

test('the F distribution in closed form', () => {
  // With 2 and n degrees of freedom, P(F <= x) = 1 - (1 + 2x/n)^(-n/2).
  for (const x of [0.1, 1, 3, 7]) {
    for (const n of [4, 30, 394]) near(fCumulative(x, 2, n), 1 - (1 + (2 * x) / n) ** (-n / 2));
  }
  // By symmetry, F with equal degrees of freedom has its median at 1.
  for (const n of [1, 5, 40]) near(fCumulative(1, n, n), 0.5);
  assert.is(fCumulative(0, 3, 3), 0);
});

test('eigenvalues are right, whatever their order', () => {
  const found = eigenvaluesInSolverOrder([
    [2, -1, 0, 0],
    [-1, 2, -1, 0],
    [0, -1, 2, -1],
    [0, 0, -1, 2],
  ]).sort((a, b) => a - b);
  for (let k = 0; k < 4; k++) near(found[k]!, 2 - 2 * Math.cos(((k + 1) * Math.PI) / 5));
});

test('eigenvalues of small matrices', () => {
  assert.equal(eigenvaluesInSolverOrder([[3]]), [3]);
  const [a, b] = eigenvaluesInSolverOrder([
    [1, 2],
    [2, 1],
  ]);
  near(a!, 3);
  near(b!, -1);
});

test('rolling statistics are NaN until their window is full', () => {
  assert.equal(Array.from(rollingMedian([5, 1, 3, 9], 3)), [Number.NaN, Number.NaN, 3, 3]);
  assert.equal(Array.from(rollingMedian([1, 2, 4, 4], 2)), [Number.NaN, 1.5, 3, 4]);
  assert.equal(Array.from(rollingMaximum([0, 1, 0, 0], 2)), [Number.NaN, 1, 1, 0]);
});

test.run();

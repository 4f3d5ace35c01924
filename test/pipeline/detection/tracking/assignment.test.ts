import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../../../runtime/core/errors.ts';
import { assign, MOST_SIDES } from '../../../../runtime/pipeline/detection/tracking/assignment.ts';

/** Least sum over every partial pairing; an unpaired row costs the limit. */
function bruteForce(costs: readonly number[], rows: number, columns: number, limit: number): number {
  const from = (row: number, taken: number): number => {
    if (row === rows) return 0;
    let best = limit + from(row + 1, taken);
    for (let column = 0; column < columns; column++) {
      if (taken & (1 << column)) continue;
      best = Math.min(best, costs[row * columns + column]! + from(row + 1, taken | (1 << column)));
    }
    return best;
  };
  return from(0, 0);
}

function sumOf(result: Int32Array, costs: readonly number[], columns: number, limit: number): number {
  return [...result].reduce(
    (sum, column, row) => sum + (column < 0 ? limit : costs[row * columns + column]!),
    0,
  );
}

const cost = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 20 }).map((n) => n / 16) },
  { weight: 1, arbitrary: fc.constant(Number.POSITIVE_INFINITY) },
);

test('no pairing is cheaper, and no column is taken twice', () => {
  const problem = fc
    .tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 20 }))
    .chain(([rows, columns, limit]) =>
      fc
        .array(cost, { minLength: rows * columns, maxLength: rows * columns })
        .map((costs) => ({ rows, columns, limit: limit / 16, costs })),
    );
  fc.assert(
    fc.property(problem, ({ rows, columns, limit, costs }) => {
      const result = assign(Float64Array.from(costs), rows, columns, limit);
      assert.is(result.length, rows);
      const taken = [...result].filter((column) => column >= 0);
      assert.is(new Set(taken).size, taken.length);
      assert.is(sumOf(result, costs, columns, limit), bruteForce(costs, rows, columns, limit));
    }),
    { numRuns: 1500 },
  );
});

test('a hundred crossed pairs come out as they were made', () => {
  const n = 100;
  const costs = new Float64Array(n * n).fill(1);
  for (let row = 0; row < n; row++) costs[row * n + ((row * 37 + 11) % n)] = 0.25;
  const result = assign(costs, n, n, 0.9);
  for (let row = 0; row < n; row++) assert.is(result[row], (row * 37 + 11) % n);
});

test('what is no problem of assignment is refused', () => {
  const refused = (costs: number[], rows: number, columns: number, limit: number) => {
    try {
      assign(Float64Array.from(costs), rows, columns, limit);
    } catch (error) {
      assert.ok(error instanceof InputError);
      assert.is(error.code, 'bad-argument');
      return;
    }
    assert.unreachable('was not refused');
  };
  refused([Number.NaN], 1, 1, 1);
  refused([-1], 1, 1, 1);
  refused([1, 2], 1, 1, 1);
  refused([1], 1, 1, Number.NaN);
  refused([], MOST_SIDES + 1, 0, 1);
});

test.run();

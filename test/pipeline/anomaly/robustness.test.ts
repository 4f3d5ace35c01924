import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DETECTORS } from '../../../runtime/config/schema/anomaly.ts';
import type { Detector } from '../../../runtime/pipeline/anomaly/detector.ts';
import { createDetectors } from '../../../runtime/pipeline/anomaly/standard-set.ts';
import { explained, makeTags, Process } from './made-rows.ts';

const WIDTH = 4;
/** Rows within which every detector must have forgotten a burst of nonsense. */
const RECOVERY_ROWS = 400;

const absurd = fc.oneof(
  fc.constantFrom(
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    1e308,
    -1e308,
    0,
    -0,
    5e-324,
  ),
  fc.double(),
);
const burst = fc.array(fc.array(absurd, { minLength: WIDTH, maxLength: WIDTH }), {
  minLength: 1,
  maxLength: 40,
});

function fitted(seed: number, change?: (row: Float64Array, i: number) => void): [Detector[], Process] {
  const process = new Process(WIDTH, seed);
  const rows = process.rows(600, change);
  const detectors = createDetectors(makeTags(WIDTH), { detectors: DETECTORS });
  for (const detector of detectors) detector.fit(rows);
  return [detectors, process];
}

test('absurd values never throw, never score NaN for long, and are forgotten', () => {
  fc.assert(
    fc.property(burst, (rows) => {
      const [detectors, process] = fitted(3);
      for (const row of rows) {
        process.next();
        for (const detector of detectors) {
          const score = detector.step(Float64Array.from(row), process.mono);
          assert.ok(Number.isNaN(score) || score >= 0, `${detector.name}: ${score}`);
          assert.ok(
            explained(detector).every(Number.isFinite),
            `${detector.name} explains with finite numbers`,
          );
        }
      }
      for (let i = 0; i < RECOVERY_ROWS; i++) {
        const row = process.next();
        for (const detector of detectors) {
          const score = detector.step(row, process.mono);
          assert.ok(Number.isFinite(score), `${detector.name}: ${score} on a normal row`);
          if (i === RECOVERY_ROWS - 1) assert.ok(score < 1, `${detector.name} still scores ${score}`);
        }
      }
    }),
    { numRuns: 25 },
  );
});

test('a baseline with absurd values in it is learned all the same', () => {
  fc.assert(
    fc.property(burst, fc.integer({ min: 0, max: 500 }), (nonsense, at) => {
      const [detectors, process] = fitted(5, (row, i) => {
        if (i >= at && i < at + Math.min(10, nonsense.length)) row.set(nonsense[i - at]!);
      });
      const scores = detectors.map((detector) => process.run(detector, 50));
      assert.ok(scores.every(Number.isFinite), String(scores));
    }),
    { numRuns: 25 },
  );
});

test('faults are found although two percent of the baseline were outliers', () => {
  const [detectors, process] = fitted(9, (row, i) => {
    if (i % 50 === 7) row[i % WIDTH]! += 25;
  });
  for (const detector of detectors.filter(({ name }) => ['ewma', 'mewma'].includes(name))) {
    const score = process.run(detector, 100, (row) => {
      row[1]! += 12;
    });
    assert.ok(score >= 1, `${detector.name}: ${score}`);
  }
});

test('the scores do not depend on the unit of measure', () => {
  const scaled = (change: (row: Float64Array) => void) => {
    const [detectors, process] = fitted(4, change);
    return detectors.map((detector) => detector.step(changed(process.next(), change), process.mono));
  };
  const inBar = scaled(() => {});
  const inPascal = scaled((row) => row.set(row.map((value) => value * 1e5)));
  for (const [i, score] of inBar.entries()) {
    assert.ok(Math.abs(score - inPascal[i]!) < 1e-3 * (1 + score), DETECTORS[i]);
  }
});

function changed(row: Float64Array, change: (row: Float64Array) => void): Float64Array {
  change(row);
  return row;
}

test.run();

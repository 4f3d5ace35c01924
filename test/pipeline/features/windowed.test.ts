import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FEATURES, sumByTag, WindowedFeatures } from '../../../runtime/pipeline/features/windowed.ts';

const at = (windows: WindowedFeatures, tag: number, feature: (typeof FEATURES)[number]) =>
  windows.features[tag * FEATURES.length + FEATURES.indexOf(feature)]!;

const near = (actual: number, expected: number, tolerance = 1e-6) =>
  assert.ok(Math.abs(actual - expected) < tolerance, `${actual} is not ${expected}`);

test('level and spread come to the mean and the logarithm of the deviation', () => {
  const windows = new WindowedFeatures(1, { short: 10, long: 50 });
  for (let i = 0; i < 2000; i++) windows.step(Float64Array.of(3 + (i % 2 === 0 ? 1 : -1)));
  near(at(windows, 0, 'level'), 3, 0.1);
  near(at(windows, 0, 'spread'), Math.log(1), 0.1);
});

test('a ramp shows as a trend, a step as a jump that fades', () => {
  const windows = new WindowedFeatures(1, { short: 5, long: 50 });
  for (let i = 0; i < 1000; i++) windows.step(Float64Array.of(0.01 * i));
  // The exponential mean of a ramp lags by its time constant less one row.
  near(at(windows, 0, 'trend'), 0.01 * (50 - 5), 1e-3);
  windows.reset();
  windows.step(Float64Array.of(4));
  near(at(windows, 0, 'jump'), 4);
  windows.step(Float64Array.of(4));
  near(at(windows, 0, 'jump'), 4 * (1 - 1 / 5));
});

test('a missing value leaves its tag as it was and others go on', () => {
  const windows = new WindowedFeatures(2, { short: 5, long: 20 });
  windows.step(Float64Array.of(1, 1));
  const before = windows.features.slice(0, FEATURES.length);
  windows.step(Float64Array.of(Number.NaN, 2));
  assert.equal(windows.features.slice(0, FEATURES.length), before);
  assert.ok(at(windows, 1, 'level') > before[0]!);
});

test('contributions of features are summed by tag', () => {
  const into = new Float64Array(2);
  sumByTag(Float64Array.of(1, 2, 3, 4, -1, 0, 0.5, 0), into);
  assert.equal(Array.from(into), [10, -0.5]);
});

test.run();

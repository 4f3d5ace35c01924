import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  addCounts,
  changesOf,
  confusion,
  NOTHING,
  nabCounts,
  nabScore,
  outlierScore,
} from '../../evaluation/scorer.ts';

const bits = (text: string) => Uint8Array.from(text, Number);
const everySecond = (count: number) => Float64Array.from({ length: count }, (_, i) => 1000 * i);
const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);

test('counts and rates of a case worked by hand', () => {
  const counts = confusion(bits('0011110000'), bits('0110110100'));
  assert.equal(counts, { tp: 3, fp: 2, fn: 1, tn: 4 });
  const { f1, far, mar } = outlierScore(counts);
  near(f1, 3 / 4.5);
  near(far, (100 * 2) / 6);
  near(mar, 25);
  assert.equal(addCounts(counts, counts), { tp: 6, fp: 4, fn: 2, tn: 8 });
});

test('rates without rows are 0, not NaN', () => {
  assert.equal(outlierScore(NOTHING), { f1: 0, far: 0, mar: 0 });
  assert.is(outlierScore(confusion(bits('000'), bits('000'))).f1, 0);
});

test('changepoints of a prediction are where it comes and goes', () => {
  assert.equal(changesOf(bits('0110010')), bits('0101011'));
  assert.equal(changesOf(bits('1100')), bits('1010'));
});

test('silence scores 0 and every changepoint at once 100', () => {
  const truth = new Uint8Array(400);
  truth[100] = 1;
  truth[300] = 1;
  near(nabScore(nabCounts(truth, new Uint8Array(400), everySecond(400))), 0);
  near(nabScore(nabCounts(truth, truth, everySecond(400))), 100);
});

test('a detection earns less the later it comes; outside the window it costs 0.11', () => {
  const truth = new Uint8Array(300);
  truth[100] = 1;
  const scoreAt = (row: number) => {
    const predicted = new Uint8Array(300);
    predicted[row] = 1;
    return nabCounts(truth, predicted, everySecond(300)).score;
  };
  near(scoreAt(100), 1);
  // Halfway the curve is at the middle between 1 and -0.11, but for the table's step.
  assert.ok(Math.abs(scoreAt(130) - 0.445) < 1e-3);
  near(scoreAt(160), -0.11);
  near(scoreAt(161), -1 - 0.11);
  near(scoreAt(99), -1 - 0.11);
});

test('only the first detection in a window counts, and none of the others costs', () => {
  const truth = new Uint8Array(300);
  truth[100] = 1;
  const predicted = new Uint8Array(300);
  predicted.fill(1, 100, 150);
  near(nabCounts(truth, predicted, everySecond(300)).score, 1);
});

test('a window begins where the one before it ends', () => {
  const truth = new Uint8Array(300);
  truth[100] = 1;
  truth[130] = 1;
  const predicted = new Uint8Array(300);
  predicted[140] = 1;
  // 140 lies in the first window (100 to 160) alone: the second is 160 to 190 and stays empty.
  const { score, changepoints } = nabCounts(truth, predicted, everySecond(300));
  assert.is(changepoints, 2);
  assert.ok(score > -1 && score < 0, String(score));
});

test('a recording without changepoints has no NAB score', () => {
  const nothing = new Uint8Array(10);
  assert.ok(Number.isNaN(nabScore(nabCounts(nothing, nothing, everySecond(10)))));
});

test.run();

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  atThreshold,
  averagePrecision,
  type Box,
  cocoMean,
  cocoPrecision,
  type Judged,
} from '../../../evaluation/detection/average-precision.ts';

const A: Box = [0, 0, 10, 10];
const B: Box = [50, 50, 10, 10];
const AWAY: Box = [200, 200, 10, 10];
const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-12, `${a}, expected ${b}`);

test('all found is 1, nothing found is 0, nothing there is not a number', () => {
  const perfect: Judged[] = [{ truth: [A, B], found: [A, B].map((box) => ({ box, score: 0.9 })) }];
  near(averagePrecision(perfect), 1);
  near(cocoMean(perfect), 1);
  near(cocoPrecision(perfect, 0.95), 1);
  near(cocoPrecision([{ truth: [A], found: [] }], 0.5), 0);
  assert.ok(Number.isNaN(cocoMean([{ truth: [], found: [] }])));
});

test('by hand: hit, miss, hit of two boxes', () => {
  const found = [
    { box: A, score: 0.9 },
    { box: AWAY, score: 0.8 },
    { box: B, score: 0.7 },
  ];
  const judged = [{ truth: [A, B], found }];
  // Precision 1 up to recall 0.5 (51 points of the 101), then 2/3.
  near(cocoPrecision(judged, 0.5), (51 + (50 * 2) / 3) / 101);
  near(averagePrecision(judged), 0.5 + 0.5 * (2 / 3));
  assert.equal(atThreshold(judged, 0.75), { precision: 0.5, recall: 0.5 });
  assert.equal(atThreshold(judged, 0.7), { precision: 2 / 3, recall: 1 });
});

test('a box found twice is one hit', () => {
  const found = [
    { box: A, score: 0.9 },
    { box: A, score: 0.8 },
  ];
  assert.equal(atThreshold([{ truth: [A], found }], 0), { precision: 0.5, recall: 1 });
});

test('a box that overlaps by 0.72 counts up to an overlap of 0.7', () => {
  const wide: Box = [0, 0, 10, 10 / 0.72];
  const judged = [{ truth: [A], found: [{ box: wide, score: 0.9 }] }];
  near(cocoMean(judged), 5 / 10);
});

test('a higher overlap never scores more, and a found box of nothing at the end changes nothing', () => {
  const box = fc
    .tuple(fc.nat(30), fc.nat(30), fc.integer({ min: 5, max: 20 }), fc.integer({ min: 5, max: 20 }))
    .map((b): Box => b);
  const scored = fc.record({ box, score: fc.integer({ min: 1, max: 100 }).map((n) => n / 100) });
  const picture = fc.record({
    truth: fc.array(box, { maxLength: 4 }),
    found: fc.array(scored, { maxLength: 6 }),
  });
  fc.assert(
    fc.property(fc.array(picture, { minLength: 1, maxLength: 4 }), (pictures) => {
      const values = [0.5, 0.75].map((least) => cocoPrecision(pictures, least));
      if (values.some(Number.isNaN)) return;
      assert.ok(values.every((value) => value >= 0 && value <= 1));
      const last = { truth: [], found: [{ box: AWAY, score: 0 }] };
      assert.is(cocoPrecision([...pictures, last], 0.5), values[0]);
    }),
  );
});

test.run();

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Fusion } from '../../../runtime/pipeline/decide/fusion.ts';

const NAMES = ['a', 'b', 'c'];

test('the strongest weighted score wins and is named', () => {
  const fusion = new Fusion(NAMES, { weights: { b: 0.5 } });
  assert.is(fusion.dominant, -1);
  assert.is(fusion.step([0.2, 1.6, 0.3]), 0.8);
  assert.is(fusion.dominant, 1);
  assert.is(fusion.step([0.9, 1.6, 0.3]), 0.9);
  assert.is(fusion.dominant, 0);
});

test('weight 0 never counts, even for an endless score', () => {
  const fusion = new Fusion(NAMES, { weights: { a: 0 } });
  assert.is(fusion.step([Number.POSITIVE_INFINITY, 0.1, Number.NaN]), 0.1);
  assert.is(fusion.dominant, 1);
});

test('without any score there is none', () => {
  const fusion = new Fusion(NAMES, { weights: {} });
  assert.ok(Number.isNaN(fusion.step([Number.NaN, Number.NaN, Number.NaN])));
  assert.is(fusion.dominant, -1);
  assert.ok(Number.isNaN(new Fusion([], { weights: {} }).step([])));
});

const score = fc.oneof(fc.constant(Number.NaN), fc.double({ min: 0, max: 1e6, noNaN: true }));

test('agrees with the plain definition', () => {
  const cases = fc.array(fc.record({ score, weight: fc.constantFrom(0, 0.4, 1, 2) }), { maxLength: 8 });
  fc.assert(
    fc.property(cases, (detectors) => {
      const names = detectors.map((_, i) => `d${i}`);
      const weights = Object.fromEntries(detectors.map(({ weight }, i) => [`d${i}`, weight]));
      const fusion = new Fusion(names, { weights });
      const fused = fusion.step(detectors.map((detector) => detector.score));
      const counted = detectors
        .filter(({ score, weight }) => weight > 0 && !Number.isNaN(score))
        .map(({ score, weight }) => score * weight);
      assert.ok(Object.is(fused, counted.length > 0 ? Math.max(...counted) : Number.NaN));
      const winner = detectors[fusion.dominant];
      assert.is(winner === undefined, counted.length === 0);
      if (winner) assert.is(winner.score * winner.weight, fused);
    }),
  );
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DETECTORS } from '../../../runtime/config/schema/anomaly.ts';
import { createDetectors, FUSION_WEIGHTS } from '../../../runtime/pipeline/anomaly/standard-set.ts';
import { Fusion } from '../../../runtime/pipeline/decide/fusion.ts';
import { makeTags } from './made-rows.ts';

test('makes the detectors asked for, in that order, under their own names', () => {
  const made = createDetectors(makeTags(3), { detectors: DETECTORS });
  assert.equal(
    made.map((detector) => detector.name),
    [...DETECTORS],
  );
  assert.ok(made.every((detector) => !detector.ready && detector.columns.length === 3));
  assert.equal(
    createDetectors(makeTags(3), { detectors: ['pca', 'range'] }).map((detector) => detector.name),
    ['pca', 'range'],
  );
});

test('a cumulative sum that has not run down neither raises nor keeps up an alarm', () => {
  const fusion = new Fusion(['ewma', 'cusum'], { weights: FUSION_WEIGHTS });
  assert.is(fusion.step([0.5, 1.5]), 0.5 * FUSION_WEIGHTS.ewma);
  assert.is(fusion.dominant, 0);
});

test.run();

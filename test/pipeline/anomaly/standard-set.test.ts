import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { anomalyConfig, DETECTORS } from '../../../runtime/config/schema/anomaly.ts';
import { createDetectors, FUSION_WEIGHTS } from '../../../runtime/pipeline/anomaly/standard-set.ts';
import { makeTags, Process } from './made-rows.ts';

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

test('a saturated cumulative sum neither raises nor keeps up an alarm', () => {
  const [cusum] = createDetectors(makeTags(2), { detectors: ['cusum'] });
  const process = new Process(2);
  cusum!.fit(process.rows(300));
  const saturated = process.run(cusum!, 5000, (row) => {
    row[0]! += 100;
  });
  assert.ok(saturated > 1);
  assert.ok(saturated * FUSION_WEIGHTS.cusum < anomalyConfig.parse({}).alarm.clear);
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CrossSensorBalanceDetector } from '../../../runtime/pipeline/anomaly/cross-sensor-balance.ts';
import type { Detector } from '../../../runtime/pipeline/anomaly/detector.ts';
import { IsolationForestDetector } from '../../../runtime/pipeline/anomaly/isolation-forest.ts';
import { MewmaDetector } from '../../../runtime/pipeline/anomaly/mewma.ts';
import { PcaDetector } from '../../../runtime/pipeline/anomaly/pca.ts';
import { createDetectors } from '../../../runtime/pipeline/anomaly/standard-set.ts';
import { explained, makeTags, normalFrom, Process, sum, top } from './made-rows.ts';

const WIDTH = 6;
const TAG = 4;
const TAGS = makeTags(WIDTH);
const GROUP_DETECTORS = ['cross-sensor-balance', 'mewma', 'pca', 'isolation-forest'] as const;

const mewma = () => new MewmaDetector(TAGS, { lambda: 0.1, limitFactor: 1.5 });
const pca = () => new PcaDetector(TAGS, { variance: 0.85, smoothing: 0.3, limitFactor: 1.5 });
const balance = () =>
  new CrossSensorBalanceDetector(TAGS, { smoothing: 0.1, limitFactor: 1.5, minExplained: 0.5 });
const forest = () =>
  new IsolationForestDetector(TAGS, {
    trees: 50,
    samples: 256,
    seed: 3,
    long: 20,
    short: 3,
    smoothing: 0.2,
    limitFactor: 1.3,
  });

const learned = (detector: Detector): [Detector, Process] => {
  const process = new Process(WIDTH, 11);
  detector.fit(process.rows(1500));
  return [detector, process];
};

/** A shift far too small to see in the tag's own spread of about 1.5, but not in its relation to the others. */
const shift = (row: Float64Array) => {
  row[TAG]! += 1.5;
};

for (const make of [mewma, pca, balance]) {
  test(`${make().name} finds a tag that leaves the others and names it`, () => {
    const [detector, process] = learned(make());
    const quiet = process.run(detector, 1500);
    assert.ok(quiet < 1, `score ${quiet} on normal rows`);
    const score = process.run(detector, 60, shift);
    assert.ok(score >= 1, `score ${score} on the fault`);
    assert.is(top(explained(detector)), TAG);
  });
}

test('isolation-forest finds an unusual pattern and names its tags', () => {
  const [detector, process] = learned(forest());
  const quiet = process.run(detector, 1000);
  assert.ok(quiet < 1, `score ${quiet} on normal rows`);
  const wild = (row: Float64Array, i: number) => {
    for (let j = 3; j < WIDTH; j++) row[j]! += i % 2 === 0 ? 12 : -12;
  };
  const score = process.run(detector, 80, wild);
  assert.ok(score >= 1, `score ${score} on the fault`);
  const parts = explained(detector);
  assert.ok(sum(parts.subarray(3)) > 2 * Math.max(0, sum(parts.subarray(0, 3))));
});

test('contributions of MEWMA and PCA are never negative and sum to the score', () => {
  for (const detector of [mewma(), pca()]) {
    const [, process] = learned(detector);
    for (let i = 0; i < 300; i++) {
      const row = process.next();
      if (i > 150) row[i % WIDTH]! += 3;
      const score = detector.step(row, process.mono);
      const parts = explained(detector);
      assert.ok(parts.every((part) => part >= 0));
      assert.ok(Math.abs(sum(parts) - score) < 1e-9 * (1 + score), `${sum(parts)} is not ${score}`);
    }
  }
});

test('the slow reference follows a day, not a fault', () => {
  const [detector, process] = learned(mewma());
  const slow = process.run(detector, 30_000, (row, i) => {
    for (let j = 0; j < WIDTH; j++) row[j]! += 5e-5 * i;
  });
  assert.ok(slow < 1, `score ${slow} while the whole group drifts slowly by 1.5`);
  const fault = process.run(detector, 2000, (row) => {
    for (let j = 0; j < WIDTH; j++) row[j]! += j === TAG ? 9.5 : 1.5;
  });
  assert.ok(fault >= 1);
  const still = detector.step(
    Float64Array.from(process.next(), (v, j) => (j === TAG ? v + 9.5 : v + 1.5)),
    process.mono,
  );
  assert.ok(still >= 1, `score ${still} after 2000 rows of fault`);
});

test('a sensor that drifts too slowly for the reference breaks its balance all the same', () => {
  const [detector, process] = learned(balance());
  const score = process.run(detector, 6000, (row, i) => {
    row[TAG]! += 2.5e-4 * i;
  });
  assert.ok(score >= 1, `score ${score}`);
  assert.is(top(explained(detector)), TAG);
});

test('constant, absent and doubled columns do no harm', () => {
  const spoil = (row: Float64Array) => {
    row[0] = 7;
    row[1] = Number.NaN;
    row[3] = row[2]!;
  };
  for (const detector of createDetectors(TAGS, { detectors: GROUP_DETECTORS })) {
    const process = new Process(WIDTH, 5);
    detector.fit(process.rows(600, spoil));
    const score = process.run(detector, 600, spoil);
    assert.ok(Number.isFinite(score) && score < 1, `${detector.name}: ${score}`);
    assert.ok(explained(detector).every(Number.isFinite), detector.name);
  }
});

test('a group of one tag, and a group without any variation, can be learned', () => {
  for (const name of GROUP_DETECTORS) {
    const single = createDetectors(makeTags(1), { detectors: [name] })[0]!;
    const process = new Process(1);
    single.fit(process.rows(200));
    assert.ok(process.run(single, 200) < 1, name);
    if (name === 'isolation-forest') continue;
    const flat = createDetectors(TAGS, { detectors: [name] })[0]!;
    const still = new Process(WIDTH);
    flat.fit(still.rows(100, (row) => row.fill(5)));
    assert.is(
      still.run(flat, 10, (row) => row.fill(5)),
      0,
      name,
    );
  }
});

test('more columns than rows can be learned; normal rows stay quiet', () => {
  const width = 30;
  for (const detector of createDetectors(makeTags(width), { detectors: GROUP_DETECTORS })) {
    const process = new Process(width, 2);
    detector.fit(process.rows(25));
    const score = process.run(detector, 200);
    assert.ok(score < 2.5, `${detector.name}: ${score}`);
  }
});

test('a baseline of less than a minute is not taken for all of what is normal', () => {
  // Slow wandering of all tags, of which 45 rows see next to nothing.
  const wander = (seed: number) => {
    const process = new Process(WIDTH, seed);
    const walk = normalFrom(seed);
    let level = 0;
    return {
      process,
      change: (row: Float64Array) => {
        level = 0.97 * level + 0.25 * walk();
        for (let j = 0; j < WIDTH; j++) row[j]! += level;
      },
    };
  };
  const alarms = Array.from({ length: 20 }, (_, seed) => {
    const { process, change } = wander(seed + 1);
    const [detector] = createDetectors(TAGS, { detectors: ['mewma'] });
    detector!.fit(process.rows(45, change));
    return process.run(detector!, 300, change) >= 1;
  }).filter(Boolean).length;
  assert.ok(alarms <= 2, `${alarms} of 20 in alarm`);
});

test('rows of the wrong shape or too few are refused, and the detector is not ready', () => {
  for (const detector of createDetectors(TAGS, { detectors: GROUP_DETECTORS })) {
    const failed = (run: () => void) => assert.throws(run, (e: { code?: string }) => e.code === 'fit-failed');
    failed(() => detector.fit(new Process(WIDTH + 1).rows(100)));
    failed(() => detector.fit(new Process(WIDTH).rows(3)));
    assert.not.ok(detector.ready);
  }
});

test.run();

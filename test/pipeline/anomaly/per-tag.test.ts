import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DETECTORS } from '../../../runtime/config/schema/anomaly.ts';
import { CusumDetector } from '../../../runtime/pipeline/anomaly/cusum.ts';
import type { Detector } from '../../../runtime/pipeline/anomaly/detector.ts';
import { EwmaDetector } from '../../../runtime/pipeline/anomaly/ewma.ts';
import { FrozenValueDetector } from '../../../runtime/pipeline/anomaly/frozen-value.ts';
import { MissingDataDetector } from '../../../runtime/pipeline/anomaly/missing-data.ts';
import { RangeDetector } from '../../../runtime/pipeline/anomaly/range.ts';
import { RateOfChangeDetector } from '../../../runtime/pipeline/anomaly/rate-of-change.ts';
import { createDetectors } from '../../../runtime/pipeline/anomaly/standard-set.ts';
import { RowStore } from '../../../runtime/pipeline/window/row-store.ts';
import { explained, makeTags, Process, top } from './made-rows.ts';

const WIDTH = 5;
const TAG = 3;
const TAGS = makeTags(WIDTH);

interface Case {
  readonly detector: Detector;
  /** Rows of the fault before it must have been seen. */
  readonly within: number;
  readonly fault: (row: Float64Array, i: number) => void;
}

const CASES: readonly Case[] = [
  {
    detector: new RangeDetector(TAGS),
    within: 1,
    fault: (row) => {
      row[TAG] = 0;
    },
  },
  {
    detector: new RateOfChangeDetector(TAGS),
    within: 1,
    fault: (row) => {
      row[TAG]! += 60;
    },
  },
  {
    detector: new FrozenValueDetector(TAGS),
    within: 15,
    fault: (row) => {
      row[TAG] = 401.25;
    },
  },
  {
    detector: new MissingDataDetector(TAGS),
    within: 10,
    fault: (row) => {
      row[TAG] = Number.NaN;
    },
  },
  {
    detector: new EwmaDetector(TAGS, { lambda: 0.1, limitFactor: 2 }),
    within: 60,
    fault: (row) => {
      row[TAG]! += 5;
    },
  },
  {
    detector: new CusumDetector(TAGS, { slack: 0.5, limitFactor: 2 }),
    within: 200,
    fault: (row, i) => {
      row[TAG]! += 0.02 * i;
    },
  },
];

for (const { detector, within, fault } of CASES) {
  test(`${detector.name} finds its fault and keeps quiet before`, () => {
    const process = new Process(WIDTH, 7);
    assert.not.ok(detector.ready);
    assert.ok(Number.isNaN(detector.step(process.next(), process.mono)));
    detector.fit(process.rows(1000));
    assert.ok(detector.ready);
    const quiet = process.run(detector, 1000);
    assert.ok(quiet < 1, `score ${quiet} on normal rows`);
    const score = process.run(detector, within, fault);
    assert.ok(score >= 1, `score ${score} on the fault`);
    assert.is(top(explained(detector)), TAG);
    detector.reset();
    assert.ok(process.run(detector, 200) < 1, 'quiet again after a reset');
  });
}

test('the configured range alarms beyond its ends, not at them', () => {
  const range = { low: 0, high: 1 };
  const [tag] = makeTags(1);
  const detector = new RangeDetector([{ ...tag!, range }]);
  const process = new Process(1);
  detector.fit(process.rows(50, (row) => row.fill(1)));
  assert.is(
    process.run(detector, 1, (row) => row.fill(1)),
    0,
  );
  assert.is(
    process.run(detector, 1, (row) => row.fill(0)),
    0,
  );
  assert.is(
    process.run(detector, 1, (row) => row.fill(1.5)),
    1.5,
  );
});

test('tags that stand still by nature are no frozen sensors', () => {
  const detector = new FrozenValueDetector(makeTags(2));
  const process = new Process(2);
  const pumps = (row: Float64Array, i: number) => {
    row[0] = i % 400 < 200 ? 1 : 0;
    row[1] = 7;
  };
  detector.fit(process.rows(1000, pumps));
  assert.is(
    process.run(detector, 1000, (row) => row.fill(1)),
    0,
  );
});

test('a baseline kept as runs with gaps between teaches the same limits', () => {
  for (const make of [
    () => new FrozenValueDetector(TAGS),
    () => new MissingDataDetector(TAGS),
    () => new RateOfChangeDetector(TAGS),
  ]) {
    const process = new Process(WIDTH, 13);
    const whole = process.rows(2000);
    const kept = Array.from({ length: 2000 }, (_, i) => i).filter((i) => i % 400 < 100);
    const data = new Float64Array(kept.flatMap((i) => [...whole.data.subarray(i * WIDTH, (i + 1) * WIDTH)]));
    const mono = Float64Array.from(kept, (i) => whole.mono[i]!);
    const detector = make();
    detector.fit({ count: kept.length, width: WIDTH, data, mono });
    assert.ok(process.run(detector, 500) < 1, `${detector.name} is quiet`);
    const fault = CASES.find((one) => one.detector.name === detector.name)!;
    assert.ok(process.run(detector, fault.within, fault.fault) >= 1, `${detector.name} finds its fault`);
  }
});

test('rows thinned as they are while learning teach the limits of the row period, not of what was left out', () => {
  const rules = ['frozen-value', 'missing-data', 'rate-of-change'];
  for (const maxRows of [100, 1000, 5000]) {
    const process = new Process(WIDTH, 17);
    const store = new RowStore(WIDTH, maxRows);
    for (let i = 0; i < 17_280; i++) store.push(process.next(), process.mono);
    const rows = store.rows(TAGS.map((_, column) => column));
    for (const detector of createDetectors(TAGS, { detectors: DETECTORS })) {
      if (!rules.includes(detector.name)) continue;
      detector.fit(rows);
      const what = `${detector.name} from ${rows.count} rows`;
      assert.ok(process.run(detector, 500) < 1, `${what} is quiet`);
      const { within, fault } = CASES.find((one) => one.detector.name === detector.name)!;
      assert.ok(process.run(detector, within, fault) >= 1, `${what} finds its fault`);
      detector.reset();
    }
  }
});

test('a tag that switches now and then by nature has no rate limit', () => {
  const detector = new RateOfChangeDetector(makeTags(1));
  const process = new Process(1);
  const pump = (row: Float64Array, i: number) => row.fill(i % 100 < 50 ? 1 : 0);
  detector.fit(process.rows(1000, pump));
  assert.is(process.run(detector, 400, pump), 0);
});

test('usual gaps are not missing data; a tag that never delivered is not expected', () => {
  const detector = new MissingDataDetector(makeTags(2));
  const process = new Process(2);
  const gaps = (row: Float64Array, i: number) => {
    if (i % 20 > 12) row[0] = Number.NaN;
    row[1] = Number.NaN;
  };
  detector.fit(process.rows(1000, gaps));
  assert.ok(process.run(detector, 400, gaps) < 1);
  assert.ok(process.run(detector, 60, (row) => row.fill(Number.NaN)) >= 1);
  assert.equal(
    Array.from(explained(detector)).map((c) => c >= 1),
    [true, false],
  );
});

test('a row without any value says nothing', () => {
  const detector = new EwmaDetector(TAGS, { lambda: 0.1, limitFactor: 2 });
  const process = new Process(WIDTH);
  detector.fit(process.rows(200));
  assert.ok(Number.isNaN(detector.step(new Float64Array(WIDTH).fill(Number.NaN), process.mono)));
});

test('the sums of CUSUM stop growing, so that the alarm ends soon after a long fault', () => {
  const detector = new CusumDetector(TAGS, { slack: 1, limitFactor: 2 });
  const process = new Process(WIDTH);
  detector.fit(process.rows(500));
  const far = (row: Float64Array) => {
    row[TAG]! += 30;
  };
  assert.is(process.run(detector, 5000, far), 1.5);
  process.run(detector, 100);
  assert.ok(process.run(detector, 50) < 1);
});

test.run();

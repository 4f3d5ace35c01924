/** The detectors, fusion and alarm of a node, offline, on the simulated wastewater plant and its faults. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFAULT_ALARM } from '../../evaluation/judges.ts';
import { DETECTORS } from '../../runtime/config/schema/anomaly.ts';
import type { Tag } from '../../runtime/core/messages.ts';
import { type Millis, seconds } from '../../runtime/core/units.ts';
import type { Detector } from '../../runtime/pipeline/anomaly/detector.ts';
import { createDetectors, FUSION_WEIGHTS } from '../../runtime/pipeline/anomaly/standard-set.ts';
import { AlarmLatch } from '../../runtime/pipeline/decide/alarm.ts';
import { Fusion } from '../../runtime/pipeline/decide/fusion.ts';
import { MODES } from '../../simulator/faults/catalogue.ts';
import { FaultInjector, type TruthEntry } from '../../simulator/faults/injector.ts';
import { Plant, SENSORS } from '../../simulator/plant/plant.ts';
import { STAGES } from '../../simulator/plant/sensor.ts';
import { Random } from '../../simulator/random.ts';

const BASELINE_ROWS = 300;
const QUIET_ROWS = 1800;
const SETTLE_ROWS = 60;

interface Group {
  readonly name: string;
  readonly columns: readonly number[];
  readonly detectors: readonly Detector[];
  readonly fusion: Fusion;
  readonly latch: AlarmLatch;
}

/** A plant read once a second and watched group by group, with a baseline of five minutes. */
class WatchedPlant {
  readonly truth: TruthEntry[] = [];
  readonly faults: FaultInjector;
  readonly #plant: Plant;
  readonly #groups: readonly Group[];
  #elapsed = 0;

  constructor(seed: number) {
    this.#plant = new Plant({ seed });
    this.faults = new FaultInjector(new Random(seed), 0, (entry) => this.truth.push(entry));
    const values: Float64Array[] = [];
    const mono = new Float64Array(BASELINE_ROWS);
    for (let i = 0; i < BASELINE_ROWS; i++) {
      values.push(this.#read().slice());
      mono[i] = seconds(this.#elapsed);
    }
    this.#groups = STAGES.map((name) => {
      const columns = SENSORS.flatMap((sensor, i) => (sensor.stage === name ? [i] : []));
      const tags = columns.map((column, index) => tagOf(column, index));
      const detectors = createDetectors(tags, { detectors: DETECTORS });
      const data = Float64Array.from(values.flatMap((row) => columns.map((column) => row[column]!)));
      const rows = { count: BASELINE_ROWS, width: columns.length, data, mono };
      for (const detector of detectors) detector.fit(rows);
      const fusion = new Fusion(DETECTORS, { weights: FUSION_WEIGHTS });
      return { name, columns, detectors, fusion, latch: new AlarmLatch(DEFAULT_ALARM) };
    });
  }

  /** @returns the groups that were in alarm at some time during the next `rows` seconds. */
  watch(rows: number): Set<string> {
    const alarmed = new Set<string>();
    for (let i = 0; i < rows; i++) {
      const values = this.#read();
      const now = seconds(this.#elapsed);
      for (const { name, columns, detectors, fusion, latch } of this.#groups) {
        const row = Float64Array.from(columns, (column) => values[column]!);
        const scores = detectors.map((detector) => detector.step(row, now as Millis));
        if (latch.step(fusion.step(scores), now)) alarmed.add(name);
      }
    }
    return alarmed;
  }

  #read(): Float64Array {
    this.#plant.step(1, this.faults.forces(this.#elapsed, 1));
    this.faults.tamper(this.#plant.values);
    this.#elapsed += 1;
    return this.#plant.values;
  }
}

function tagOf(column: number, index: number): Tag {
  const { name, stage, range } = SENSORS[column]!;
  const common = { source: 'plant', kind: '', unit: '', period: seconds(1), deadband: 0 };
  return { ...common, name, index, group: stage, range: { low: range[0], high: range[1] } };
}

test('half an hour without a fault after five minutes of baseline brings next to no alarm', () => {
  const alarmed = new WatchedPlant(1).watch(QUIET_ROWS);
  assert.ok(alarmed.size <= 1, [...alarmed].join(', '));
});

test('the modes of fault raise an alarm in the group they act on', () => {
  const missed = MODES.filter((mode) => {
    const plant = new WatchedPlant(2);
    plant.watch(SETTLE_ROWS);
    plant.faults.inject({ what: mode.name });
    const alarmed = plant.watch(mode.duration);
    const stage = SENSORS.find(({ name }) => name === plant.truth[0]!.tags[0])!.stage;
    return !alarmed.has(stage);
  });
  assert.ok(missed.length <= 1, missed.map(({ name }) => name).join(', '));
});

test.run();

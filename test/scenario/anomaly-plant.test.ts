/** The whole plant, 127 sensors in eight groups: learned for an hour, then broken in every way the simulator knows. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AnomalyEvent, FaultKind } from '../../runtime/core/messages.ts';
import { millis } from '../../runtime/core/units.ts';
import { FaultInjector } from '../../simulator/faults/injector.ts';
import { Plant, SENSORS } from '../../simulator/plant/plant.ts';
import { Random } from '../../simulator/random.ts';
import { validateEvent } from '../contract/asyncapi.ts';
import { makeConfig, makeTag, World } from '../pipeline/analysis/harness.ts';

const PERIOD_S = 5;
const LEARN_S = 3600;

const TAGS = SENSORS.map((sensor, index) =>
  makeTag(index, {
    name: sensor.name,
    group: sensor.stage,
    source: sensor.stage,
    kind: sensor.kind,
    unit: sensor.unit,
    period: millis(PERIOD_S * 1000),
    range: { low: sensor.range[0], high: sensor.range[1] },
  }),
);

class WatchedPlant {
  readonly world = new World(TAGS, { config: makeConfig({ baseline: { learn: '1h' } }) });
  readonly #plant = new Plant({ seed: 3 });
  readonly #faults = new FaultInjector(new Random(5), 0, () => {});
  #elapsed = 0;

  run(seconds: number): void {
    for (const end = this.#elapsed + seconds; this.#elapsed < end; this.#elapsed += PERIOD_S) {
      this.#plant.step(PERIOD_S, this.#faults.forces(this.#elapsed, PERIOD_S));
      this.#faults.tamper(this.#plant.values);
      this.world.step(this.#plant.values, PERIOD_S * 1000);
    }
  }

  /** Learned, and watched for five calm minutes. */
  async learn(): Promise<void> {
    await this.world.start();
    this.run(LEARN_S + 30);
    await this.world.settle();
    for (const { state, detail } of Object.values(this.world.analysis.status()))
      assert.is(state, 'ready', detail);
    this.run(300);
    await this.world.settle();
    assert.equal(this.world.events, [], 'a calm plant raises nothing');
  }

  /** What the group reported of one fault and of the time after it. */
  async break(
    what: string,
    target: string | undefined,
    group: string,
    after: number,
  ): Promise<AnomalyEvent[]> {
    this.#faults.inject(target === undefined ? { what } : { what, target });
    this.run(after);
    await this.world.settle();
    return this.world.events.filter((event) => event.group === group);
  }
}

interface Case {
  readonly what: string;
  readonly target?: string;
  readonly group: string;
  readonly tops: readonly string[];
  readonly kinds: readonly FaultKind[];
  /** False where the process takes longer to recover than the test watches. */
  readonly ends?: boolean;
}

const BIOLOGY = 'biological-treatment';
const CASES: readonly Case[] = [
  { what: 'stuck', target: 'bio-do-2', group: BIOLOGY, tops: ['bio-do-2'], kinds: ['sensor-failure'] },
  { what: 'dead', target: 'bio-nh4-1', group: BIOLOGY, tops: ['bio-nh4-1'], kinds: ['sensor-failure'] },
  {
    what: 'spiking',
    target: 'pri-cod',
    group: 'primary-settling',
    tops: ['pri-cod'],
    kinds: ['sensor-failure'],
  },
  { what: 'offset', target: 'ter-flow', group: 'tertiary', tops: ['ter-flow'], kinds: ['sensor-failure'] },
  { what: 'drift', target: 'bio-do-3', group: BIOLOGY, tops: ['bio-do-3'], kinds: ['sensor-drift'] },
  { what: 'drift', target: 'dis-cl2', group: 'disinfection', tops: ['dis-cl2'], kinds: ['sensor-drift'] },
  {
    what: 'organic-peak',
    group: 'pretreatment',
    tops: ['pre-cod', 'pre-tss', 'pre-turb'],
    kinds: ['process-upset'],
    ends: false,
  },
  {
    what: 'blower-failure',
    group: BIOLOGY,
    tops: ['bio-blower-1-power', 'bio-air-1', 'bio-air-2', 'bio-air-3', 'bio-air-pressure'],
    kinds: ['process-upset'],
    ends: false,
  },
  {
    what: 'pump-trip',
    group: 'pretreatment',
    tops: ['pre-flow', 'pre-power', 'pre-level'],
    kinds: ['process-upset'],
    ends: false,
  },
  {
    what: 'forged-constant',
    target: 'disinfection',
    group: 'disinfection',
    tops: ['dis-ph', 'dis-uvt', 'dis-cl2', 'dis-dose'],
    kinds: ['process-upset', 'inconsistent-values'],
  },
];

for (const { what, target, group, tops, kinds, ends = true } of CASES) {
  test(`${what} ${target ?? ''}: one event, the right tag, a plausible kind${ends ? ', an end' : ''}`, async () => {
    const plant = new WatchedPlant();
    await plant.learn();
    const events = await plant.break(what, target, group, 900);
    const [start] = events;
    assert.ok(start?.phase === 'start', `nothing was reported in ${group}`);
    assert.ok(tops.includes(start.contributions[0]!.tag), start.summary);
    assert.ok(kinds.includes(start.faultKind), start.summary);
    assert.equal(
      events.map(({ phase }) => phase).filter((phase) => phase !== 'update'),
      ends ? ['start', 'end'] : ['start'],
    );
    assert.is(new Set(events.map(({ id }) => id)).size, 1);
    for (const event of events) assert.equal(validateEvent(event), [], event.summary);
    if (ends) assert.ok(kinds.includes(events.at(-1)!.faultKind), events.at(-1)!.summary);
    if (target !== undefined && what !== 'forged-constant') {
      assert.is(
        new Set(plant.world.events.map((event) => event.group)).size,
        1,
        'no other group raises an alarm',
      );
    }
    await plant.world.analysis.stop();
    assert.equal(plant.world.analysis.active(), []);
  });
}

test.run();

/** Before a group knows what is normal: what its configuration alone suffices for is reported from the first minute. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AnomalyEvent, Tag } from '../../runtime/core/messages.ts';
import { millis } from '../../runtime/core/units.ts';
import { validateEvent } from '../contract/asyncapi.ts';
import {
  gaussian,
  makeConfig,
  makeTag,
  type Reading,
  temporaryFolder,
  World,
} from '../pipeline/analysis/harness.ts';

const tagsOf = (period: number): Tag[] =>
  Array.from({ length: 6 }, (_, i) =>
    makeTag(i, {
      name: `s${i}`,
      source: i < 4 ? 'plc' : 'weather',
      period: millis(period),
      ...(i === 5 ? {} : { range: { low: 0, high: 40 } }),
    }),
  );

/** A group of six tags at one row per `period` that learns for 300 s. */
class Node {
  readonly world: World;
  readonly #period: number;
  readonly #noise = gaussian(4);

  constructor(period = 1000, options: { detectors?: string[]; directory?: string } = {}) {
    const { directory = temporaryFolder(), ...part } = options;
    this.#period = period;
    const config = makeConfig({ baseline: { learn: '300s', minRows: 20 }, ...part });
    this.world = new World(tagsOf(period), { config, directory });
  }

  run(seconds: number, change: (row: Reading[]) => void = () => {}): void {
    for (let t = 0; t < seconds * 1000; t += this.#period) {
      const row: Reading[] = this.world.tags.map((_, i) => 10 + i + 0.3 * this.#noise());
      change(row);
      this.world.step(row, this.#period);
    }
  }

  async learned(): Promise<void> {
    await this.world.settle();
    const { state, detail } = this.world.analysis.status().g!;
    assert.is(state, 'ready', detail);
  }

  async lasting(): Promise<readonly AnomalyEvent[]> {
    await this.world.settle();
    return this.world.events.filter(({ phase }) => phase !== 'update');
  }
}

async function started(...of: ConstructorParameters<typeof Node>): Promise<Node> {
  const node = new Node(...of);
  await node.world.start();
  return node;
}

const tooHigh = (row: Reading[]) => {
  row[2] = 60;
};
const missing = (column: number) => (row: Reading[]) => {
  row[column] = null;
};
const phases = (events: readonly AnomalyEvent[]) => events.map(({ phase }) => phase);

test('a value out of its configured range is an explained event that says that normal is not learned yet', async () => {
  const node = await started();
  node.run(10);
  node.run(8, tooHigh);
  const [start, ...more] = await node.lasting();
  assert.is(more.length, 0);
  assert.is(start!.learning, true);
  assert.is(start!.detector, 'range');
  assert.is(start!.faultKind, 'sensor-failure');
  assert.equal(start!.contributions[0]!.normal, { low: 0, high: 40 });
  assert.is(
    start!.summary,
    'g: s2 at 60 mg/L (valid 0 … 40); looks like a sensor failure; what is normal is not learned yet',
  );
  assert.equal(validateEvent(start!), []);
  assert.is(node.world.analysis.status().g!.state, 'learning');
  node.run(60);
  const events = await node.lasting();
  assert.equal(phases(events), ['start', 'end']);
  assert.equal(validateEvent(events[1]!), []);
});

test('missing data is an event within a minute at one row in five seconds; a tag without a range claims no normal', async () => {
  const node = await started(5000);
  node.run(30);
  node.run(55, missing(5));
  const [start] = await node.lasting();
  assert.is(start!.detector, 'missing-data');
  assert.is(start!.faultKind, 'sensor-failure');
  assert.is(start!.contributions[0]!.tag, 's5');
  assert.is(start!.contributions[0]!.normal, null);
  assert.equal(validateEvent(start!), []);
});

test('a source that falls silent is a communication fault', async () => {
  const node = await started();
  node.run(10);
  node.run(30, (row) => row.fill(undefined, 0, 4));
  const [start] = await node.lasting();
  assert.is(start?.faultKind, 'communication');
});

test('a tag that never had a number is no alarm, nor is anything within its range', async () => {
  const node = await started();
  const odd = (row: Reading[]) => {
    row[0] = 'auto';
    row[1] = null;
    row[3] = 39;
  };
  node.run(350, odd);
  assert.equal(await node.lasting(), []);
  await node.learned();
  assert.match(node.world.analysis.status().g!.detail, /of 4 tags; no values, so not analysed: s0, s1/);
});

for (const [what, change] of [
  ['out of range', tooHigh],
  ['missing', missing(2)],
] as const) {
  for (const [since, calm] of [
    ['shortly before', 200],
    ['for nearly all the time', 20],
  ] as const) {
    test(`an episode of a tag ${what} since ${since} goes on when the group has learned: one start, one end`, async () => {
      const node = await started(10_000);
      node.run(calm);
      node.run(350 - calm, change);
      await node.learned();
      node.run(300, change);
      assert.equal(phases(await node.lasting()), ['start']);
      assert.is(node.world.analysis.active()[0]!.contributions[0]!.tag, 's2');
      node.run(200);
      const events = await node.lasting();
      assert.equal(phases(events), ['start', 'end']);
      assert.is(events[0]!.id, events[1]!.id);
      assert.ok(events[1]!.durationMs > 350_000);
    });
  }
}

test('values out of range do not teach the baseline', async () => {
  const node = await started();
  node.run(100);
  node.run(100, tooHigh);
  node.run(150);
  await node.learned();
  node.world.records.length = 0;
  node.run(60, (row) => {
    row[2] = 25;
  });
  const [start] = await node.lasting();
  const top = start!.contributions[0]!;
  assert.is(top.tag, 's2');
  assert.ok(top.normal!.high < 15, String(top.normal!.high));
  assert.not(start!.learning);
});

test('while a baseline is learned anew the configured range still counts', async () => {
  const node = await started();
  node.run(310);
  await node.learned();
  node.run(20, tooHigh);
  await node.world.analysis.commands()[0]!.run({ group: 'g' });
  node.run(20, tooHigh);
  const events = await node.lasting();
  assert.equal(phases(events), ['start', 'end', 'start']);
  assert.equal(
    events.map(({ learning }) => learning),
    [undefined, undefined, true],
  );
});

test('only the detectors that are configured take part', async () => {
  const node = await started(1000, { detectors: ['pca', 'missing-data'] });
  node.run(20, tooHigh);
  assert.equal(await node.lasting(), []);
  const none = await started(1000, { detectors: ['pca'] });
  none.run(20, missing(1));
  assert.equal(await none.lasting(), []);
});

test.run();

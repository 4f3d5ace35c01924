import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Tag } from '../../../runtime/core/messages.ts';
import { millis } from '../../../runtime/core/units.ts';
import type { Detector, Rows } from '../../../runtime/pipeline/anomaly/detector.ts';
import { makeConfig, makeTag, temporaryFolder, World } from './harness.ts';

/** Scores the first column as it is: an alarm from 1 on. */
class Plain implements Detector {
  readonly name: string;
  readonly columns: readonly Tag[];
  ready = false;
  fits = 0;
  steps = 0;
  /** What the next call of the method does instead. */
  breaks: { fit?: Error; step?: Error } = {};
  #last = 0;

  constructor(columns: readonly Tag[], name = 'plain') {
    this.columns = columns;
    this.name = name;
  }
  fit(_rows: Rows): void {
    this.fits += 1;
    if (this.breaks.fit) throw this.breaks.fit;
    this.ready = true;
  }
  step(row: Float64Array): number {
    this.steps += 1;
    if (this.breaks.step) throw this.breaks.step;
    this.#last = row[0]!;
    return this.#last;
  }
  explain(into: Float64Array): void {
    into.fill(0);
    into[0] = Math.max(0, this.#last);
  }
  reset(): void {}
  save(): unknown {
    return { version: 1 };
  }
  load(): void {
    this.ready = true;
  }
}

const CONFIG = makeConfig({
  baseline: { learn: '20s', minRows: 20 },
  alarm: { delayOn: '2s', delayOff: '5s', minDuration: '5s' },
});

/** Two groups of one tag each, with detectors the test can reach. */
function plain(names: readonly string[] = ['plain'], directory = temporaryFolder()) {
  const made: Plain[] = [];
  const tags = [makeTag(0, { group: 'a' }), makeTag(1, { group: 'b' })];
  const world = new World(tags, {
    config: CONFIG,
    directory,
    createDetectors(columns) {
      const set = names.map((name) => new Plain(columns, name));
      made.push(...set);
      return set;
    },
  });
  return { world, made };
}

async function learned(world: World): Promise<World> {
  await world.start();
  for (let i = 0; i < 22; i++) world.step([0.1, 0.2]);
  await world.settle();
  for (const status of Object.values(world.analysis.status()))
    assert.is(status.state, 'ready', status.detail);
  return world;
}

const steps = (world: World, count: number, readings: ArrayLike<number | null | undefined>) => {
  for (let i = 0; i < count; i++) world.step(readings);
};

test('while it learns it says so and raises nothing', async () => {
  const { world } = plain();
  await world.start();
  steps(world, 10, [50, 50]);
  const status = world.analysis.status().a!;
  assert.is(status.state, 'learning');
  assert.ok(status.progress > 0.4 && status.progress < 0.6);
  assert.match(status.detail, /10 rows seen, 50 % learned/);
  assert.is(world.analysis.health().state, 'ok');
  assert.is(await world.metric('vigie_anomaly_baseline_rows', { group: 'a' }), 10);
  assert.is(await world.metric('vigie_anomaly_baseline_ready', { group: 'a' }), 0);
  assert.equal(world.events, []);
});

test('an alarm is one record of class event, with its metrics, and one end', async () => {
  const { world } = plain();
  await learned(world);
  assert.is(await world.metric('vigie_anomaly_baseline_ready', { group: 'a' }), 1);
  steps(world, 5, [3, 0.2]);
  await world.settle();
  const [record] = world.records;
  assert.is(record!.class, 'event');
  assert.is(record!.topic, 'events/anomaly');
  assert.is(world.events[0]!.id, 'boot-1');
  assert.is(world.events[0]!.group, 'a');
  assert.is(world.events[0]!.durationMs, 2000, 'from the onset, before the on-delay');
  assert.is(world.analysis.active()[0]!.id, 'boot-1');
  assert.is(await world.metric('vigie_anomaly_active', { group: 'a' }), 1);
  assert.is(await world.metric('vigie_anomaly_alarms_last_hour'), 1);
  assert.is(await world.metric('vigie_anomaly_alarm_budget_per_hour'), 6);
  assert.is(await world.metric('vigie_anomaly_score_ratio', { group: 'a' }), 3);
  steps(world, 20, [0.1, 0.2]);
  await world.settle();
  assert.equal(world.phases(), ['start', 'end']);
  assert.equal(world.analysis.active(), []);
  assert.is(await world.metric('vigie_anomaly_active', { group: 'a' }), 0);
  assert.equal(world.seen, world.events);
});

test('the event follows the sample that made it, without waiting for a timer', async () => {
  const { world } = plain();
  await learned(world);
  world.step([3, 0.2]);
  world.step([3, 0.2]);
  world.timers.advance(1000);
  assert.is(world.seen.length, 0);
  world.feed([3, 0.2]);
  assert.is(world.seen.length, 1);
  assert.ok((await world.metric('vigie_analysis_score_latency_seconds', { le: '+Inf' }))! > 0);
});

test('silent tags are stepped by the timer; nothing is stepped twice a round', async () => {
  const { world, made } = plain();
  await learned(world);
  const before = made[0]!.steps;
  steps(world, 100, [0.1, 0.2]);
  assert.is(made[0]!.steps - before, 100);
  steps(world, 100, [undefined, 0.2]);
  const silent = made[0]!.steps - before - 100;
  assert.ok(silent >= 70 && silent <= 90, `${silent} steps in 100 s of silence`);
});

test('a detector that throws is counted and named; the others and the other groups go on', async () => {
  const { world, made } = plain(['plain', 'second']);
  await learned(world);
  made[1]!.breaks.step = new TypeError('broken');
  steps(world, 10, [3, 0.2]);
  await world.settle();
  assert.equal(world.phases('a'), ['start']);
  assert.not(world.events[0]!.scores.second);
  const health = world.analysis.health();
  assert.is(health.state, 'degraded');
  assert.match(health.detail, /a: detectors that fail: second/);
  assert.is(health.parts!.b!.state, 'ok');
  assert.is(
    await world.metric('vigie_anomaly_detector_errors_total', { group: 'a', detector: 'second' }),
    10,
  );
  made[1]!.breaks = {};
  steps(world, 1, [0.1, 0.2]);
  assert.is(world.analysis.health().state, 'ok');
});

test('a detector that cannot learn is left out and named; without any the group has failed', async () => {
  const world = new World([makeTag(0, { group: 'a' }), makeTag(1, { group: 'b' })], {
    config: CONFIG,
    createDetectors(columns) {
      const bad = new Plain(columns, 'bad');
      bad.breaks.fit = new TypeError('too flat');
      return columns[0]!.group === 'a' ? [bad, new Plain(columns)] : [bad];
    },
  });
  await world.start();
  steps(world, 22, [0.1, 0.2]);
  await world.settle();
  const { a, b } = world.analysis.status();
  assert.is(a!.state, 'ready');
  assert.match(a!.detail, /without bad \(too flat\)/);
  assert.is(b!.state, 'failed');
  assert.match(b!.detail, /bad: too flat.*baseline-refresh/);
  assert.match(world.analysis.health().detail, /b: no detector could learn/);
  await world.analysis.commands()[0]!.run({ group: 'b' });
  assert.is(world.analysis.status().b!.state, 'learning');
});

test('text tags are not analysed and do not count as missing', async () => {
  const tags = [makeTag(0), makeTag(1)];
  const world = new World(tags, { config: CONFIG, createDetectors: (columns) => [new Plain(columns)] });
  await world.start();
  for (let i = 0; i < 22; i++) {
    world.timers.advance(1000);
    world.analysis.accept([world.sample(tags[0]!, 0.1), world.sample(tags[1]!, 'auto')]);
  }
  await world.settle();
  assert.match(world.analysis.status().g!.detail, /of 1 tags; no values, so not analysed: t1/);
  assert.is(await world.metric('vigie_analysis_ignored_samples_total', { reason: 'text' }), 22);
});

test('a refresh ends the episode, forgets the baseline on disk too, and learns anew', async () => {
  const { world, made } = plain();
  await learned(world);
  steps(world, 5, [3, 0.2]);
  const result = await world.analysis.commands()[0]!.run({ group: 'a' });
  assert.equal(result, { groups: ['a'] });
  await world.settle();
  assert.equal(world.phases(), ['start', 'end']);
  assert.is(world.analysis.status().a!.state, 'learning');
  assert.match(world.analysis.status().a!.detail, /learned anew on command/);
  assert.is(world.analysis.status().b!.state, 'ready');
  const again = plain(['plain'], world.directory);
  await again.world.start();
  assert.is(again.world.analysis.status().a!.state, 'learning');
  assert.is(again.world.analysis.status().b!.state, 'ready');
  steps(world, 22, [0.1, 0.2]);
  await world.settle();
  assert.is(world.analysis.status().a!.state, 'ready');
  assert.is(made.filter(({ columns }) => columns[0]!.group === 'a').length, 2);
});

test('the command says what is wrong with its arguments', async () => {
  const { world } = plain();
  const [command] = world.analysis.commands();
  const refused = async (args: Record<string, unknown>, pattern: RegExp) => {
    try {
      await command!.run(args);
      assert.unreachable();
    } catch (error) {
      assert.is((error as { code: string }).code, 'bad-arguments');
      assert.match((error as Error).message, pattern);
    }
  };
  await refused({ group: 'nope' }, /no group 'nope'; known: a, b/);
  await refused({ grup: 'a' }, /unknown argument 'grup'/);
  await refused({ group: 7 }, /no group '7'/);
});

test('events the outbox refuses are kept and sent later; health says so', async () => {
  const { world } = plain();
  await learned(world);
  world.refusal = new TypeError('disk full');
  steps(world, 5, [3, 0.2]);
  await world.settle();
  assert.equal(world.events, []);
  assert.match(world.analysis.health().detail, /events wait for the outbox: disk full/);
  world.refusal = undefined;
  world.timers.advance(5000);
  await world.settle();
  assert.equal(world.phases('a'), ['start']);
  assert.is(world.analysis.health().state, 'ok');
});

test('stop ends open episodes, stops the timers, and is idempotent', async () => {
  const { world } = plain();
  await learned(world);
  steps(world, 5, [3, 0.2]);
  await world.analysis.stop();
  await world.analysis.stop();
  assert.equal(world.phases(), ['start', 'end']);
  assert.is(world.timers.count, 0);
  assert.is(world.analysis.health().state, 'stopped');
  world.feed([3, 3]);
});

test('an episode that was open when the node died is ended by its next start', async () => {
  const { world } = plain();
  await learned(world);
  steps(world, 12, [3, 0.2]);
  const [open] = world.analysis.active();
  const next = plain(['plain'], world.directory).world;
  await next.start();
  assert.equal(next.phases(), ['end']);
  assert.is(next.events[0]!.id, open!.id);
  next.timers.advance(5000);
  const third = plain(['plain'], world.directory).world;
  await third.start();
  assert.equal(third.phases(), []);
});

test('a disk that takes nothing degrades health, not the analysis', async () => {
  const directory = temporaryFolder();
  writeFileSync(join(directory, 'baselines'), 'in the way');
  mkdirSync(join(directory, 'episodes.json'));
  const { world } = plain(['plain'], directory);
  await learned(world);
  steps(world, 12, [3, 0.2]);
  await world.settle();
  assert.equal(world.phases('a'), ['start']);
  assert.match(world.analysis.health().detail, /cannot save the baseline.*open episodes cannot be saved/);
  assert.ok((await world.metric('vigie_anomaly_baseline_file_errors_total', { group: 'a' }))! > 0);
});

test('samples of tags it does not know are none of its business', async () => {
  const { world } = plain();
  await world.start();
  world.analysis.accept([world.sample(makeTag(9), 1), world.sample(makeTag(0, { group: 'a' }), 1)]);
  assert.is(world.analysis.status().a!.progress, 0);
});

test('switched off, it starts, takes samples and does nothing', async () => {
  const world = new World([makeTag(0)], { config: makeConfig({ enabled: false }) });
  await world.start();
  steps(world, 10, [1]);
  assert.equal(world.analysis.status(), {});
  await world.analysis.stop();
});

test('tags of very different periods make one row at the shortest', async () => {
  const tags = [makeTag(0), makeTag(1, { period: millis(60_000) })];
  const made: Plain[] = [];
  const world = new World(tags, {
    config: CONFIG,
    createDetectors(columns) {
      made.push(new Plain(columns));
      return made;
    },
  });
  await world.start();
  for (let i = 0; i < 200; i++) world.step([0.1, i % 60 === 0 ? 5 : undefined]);
  await world.settle();
  assert.match(world.analysis.status().g!.detail, /of 2 tags$/);
});

test.run();

/** What the analysis must survive: restarts, broken files, changed tags, wrong clocks, absurd and missing values. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AnomalyConfig } from '../../runtime/config/schema/anomaly.ts';
import type { Tag } from '../../runtime/core/messages.ts';
import { millis } from '../../runtime/core/units.ts';
import {
  gaussian,
  makeConfig,
  makeTag,
  type Reading,
  temporaryFolder,
  World,
} from '../pipeline/analysis/harness.ts';

const TAGS = Array.from({ length: 8 }, (_, i) =>
  makeTag(i, { name: `s${i}`, source: i < 6 ? 'plc' : 'weather', range: { low: -100, high: 100 } }),
);

/** Eight tags that move together, with some noise of their own. */
class Process {
  readonly #noise: () => number;
  #common = 0;

  constructor(seed = 1) {
    this.#noise = gaussian(seed);
  }

  row(count = TAGS.length): Reading[] {
    this.#common = 0.9 * this.#common + 0.3 * this.#noise();
    return Array.from(
      { length: count },
      (_, i) => 10 + i + this.#common * (1 + i * 0.1) + 0.2 * this.#noise(),
    );
  }
}

function run(
  world: World,
  process: Process,
  steps: number,
  change: (row: Reading[]) => void = () => {},
): void {
  for (let i = 0; i < steps; i++) {
    const row = process.row(world.tags.length);
    change(row);
    world.step(row);
  }
}

interface Setting {
  directory?: string;
  config?: AnomalyConfig;
  tags?: readonly Tag[];
}

async function started({ directory = temporaryFolder(), config = makeConfig(), tags = TAGS }: Setting = {}) {
  return new World(tags, { directory, config }).start();
}

async function learned(setting: Setting = {}): Promise<{ world: World; process: Process }> {
  const world = await started(setting);
  const process = new Process();
  run(world, process, 310);
  await world.settle();
  assert.is(world.analysis.status().g!.state, 'ready', world.analysis.status().g!.detail);
  run(world, process, 100);
  return { world, process };
}

const single = (world: World) => {
  assert.equal(
    world.phases().filter((phase) => phase !== 'update'),
    ['start', 'end'],
    world.events.map(({ summary }) => summary).join('\n'),
  );
  return world.events[0]!;
};

test('a restart in the middle of learning goes on where it was', async () => {
  const directory = temporaryFolder();
  const first = await started({ directory });
  run(first, new Process(), 200);
  await first.analysis.stop();
  const second = await started({ directory });
  const { state, progress } = second.analysis.status().g!;
  assert.is(state, 'learning');
  assert.ok(progress > 0.6 && progress < 0.7, String(progress));
  run(second, new Process(2), 110);
  await second.settle();
  assert.match(second.analysis.status().g!.detail, /learned from 3\d\d rows/);
});

test('a power cut loses at most what was learned since the last save', async () => {
  const directory = temporaryFolder();
  const config = makeConfig({ baseline: { learn: '4h' } });
  const first = await started({ directory, config });
  run(first, new Process(), 3000);
  const second = await started({ directory, config });
  const { progress } = second.analysis.status().g!;
  assert.ok(progress > 1700 / 14_400 && progress < 3000 / 14_400, String(progress));
});

test('a restart after learning watches at once, and finds the same', async () => {
  const directory = temporaryFolder();
  const before = await learned({ directory });
  await before.world.analysis.stop();
  const world = await started({ directory });
  assert.is(world.analysis.status().g!.state, 'ready');
  const process = new Process(3);
  run(world, process, 100);
  run(world, process, 60, (row) => {
    row[2] = (row[2] as number) + 5;
  });
  run(world, process, 200);
  await world.settle();
  const start = single(world);
  assert.is(start.contributions[0]!.tag, 's2');
  assert.is(start.contributions[0]!.direction, 'high');
  const { low, high } = start.contributions[0]!.normal!;
  assert.ok(low > 9 && high < 16);
});

test('other detectors than before are fitted at once from the rows kept', async () => {
  const directory = temporaryFolder();
  const few = makeConfig({ detectors: ['range', 'pca'] });
  const before = await learned({ directory, config: few });
  await before.world.analysis.stop();
  const world = await started({ directory });
  assert.is(world.analysis.status().g!.state, 'ready');
  run(world, new Process(), 20, (row) => {
    row[0] = 50;
  });
  await world.settle();
  assert.ok('mewma' in world.events[0]!.scores);
});

test('a corrupt baseline is moved aside, reported, and made anew from the rows', async () => {
  const directory = temporaryFolder();
  const before = await learned({ directory });
  await before.world.analysis.stop();
  const path = join(directory, 'baselines', 'g.json');
  writeFileSync(path, readFileSync(path).subarray(0, 1000));
  const world = await started({ directory });
  assert.is(world.analysis.status().g!.state, 'ready');
  assert.ok(existsSync(`${path}.corrupt`));
  assert.ok((await world.metric('vigie_anomaly_baseline_file_errors_total', { group: 'g' }))! >= 1);
  assert.is((JSON.parse(readFileSync(path, 'utf8')) as { rows: number }).rows >= 300, true);
});

test('with the rows corrupt as well it learns again, and health and status say so', async () => {
  const directory = temporaryFolder();
  const before = await learned({ directory });
  await before.world.analysis.stop();
  for (const name of readdirSync(join(directory, 'baselines'))) {
    writeFileSync(join(directory, 'baselines', name), '{"version":1,');
  }
  const world = await started({ directory });
  const status = world.analysis.status().g!;
  assert.is(status.state, 'learning');
  assert.match(status.detail, /could not be read and was moved to .*corrupt/);
  assert.is(world.analysis.health().state, 'degraded');
  run(world, new Process(), 310);
  await world.settle();
  assert.is(world.analysis.status().g!.state, 'ready');
  assert.is(world.analysis.health().state, 'ok');
});

test('property: no content of the files stops the node', async () => {
  const directory = temporaryFolder();
  const before = await learned({ directory });
  await before.world.analysis.stop();
  const paths = ['g.json', 'g~rows.json'].map((name) => join(directory, 'baselines', name));
  const sound = paths.map((path) => readFileSync(path));
  const damage = fc.record({
    at: fc.double({ min: 0, max: 0.999, noNaN: true }),
    byte: fc.integer({ min: 0, max: 255 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 5 }), fc.boolean(), async (hits, both) => {
      for (const [i, path] of paths.entries()) {
        const bytes = Buffer.from(sound[i]!);
        if (i === 0 || both) for (const { at, byte } of hits) bytes[Math.floor(at * bytes.length)] = byte;
        writeFileSync(path, bytes);
      }
      const world = await started({ directory });
      run(world, new Process(), 5);
      assert.ok(['learning', 'ready', 'failed'].includes(world.analysis.status().g!.state));
      await world.analysis.stop();
    }),
    { numRuns: 25 },
  );
});

test('a changed set of tags is learned anew, and the status says why', async () => {
  const directory = temporaryFolder();
  const before = await learned({ directory });
  await before.world.analysis.stop();
  const tags = [...TAGS.slice(0, 7), makeTag(7, { name: 's7', unit: 'g/L' })];
  const world = await started({ directory, tags });
  const status = world.analysis.status().g!;
  assert.is(status.state, 'learning');
  assert.match(status.detail, /the tags of the group changed/);
  run(world, new Process(), 310);
  await world.settle();
  assert.is(world.analysis.status().g!.state, 'ready');
});

test('a wall clock that starts in 1970 and jumps changes nothing', async () => {
  const calm = await learned();
  const jumping = await started();
  jumping.clock.wallOffset = -jumping.clock.now;
  const process = new Process();
  for (let i = 0; i < 410; i++) {
    if (i === 50) jumping.clock.wallOffset = 1.8e12;
    if (i === 150) jumping.clock.wallOffset = -1e12;
    run(jumping, process, 1);
    if (i === 309) await jumping.settle();
  }
  for (const one of [calm, { world: jumping, process }]) {
    run(one.world, one.process, 60, (row) => {
      row[4] = (row[4] as number) - 6;
      one.world.clock.wallOffset += one.world === jumping ? 1e9 : 0;
    });
    run(one.world, one.process, 200);
    await one.world.settle();
  }
  assert.equal(jumping.events, calm.world.events);
  assert.is(single(jumping).contributions[0]!.direction, 'low');
});

test('absurd values, NaN and Inf raise one event of that tag, which ends', async () => {
  for (const value of [1e300, -1e300, Number.NaN, Number.POSITIVE_INFINITY, 1e15]) {
    const { world, process } = await learned();
    run(world, process, 60, (row) => {
      row[1] = value;
    });
    run(world, process, 300);
    await world.settle();
    const start = single(world);
    assert.is(start.contributions[0]!.tag, 's1', `${value}: ${start.summary}`);
    assert.is(start.faultKind, 'sensor-failure', `${value}: ${start.summary}`);
    const numbers = world.events.flatMap(({ score, peak, scores }) => [
      score,
      peak,
      ...Object.values(scores),
    ]);
    assert.ok(numbers.every(Number.isFinite));
  }
});

test('absurd values while learning do not blind the node', async () => {
  const world = await started();
  const process = new Process();
  for (let i = 0; i < 310; i++) {
    run(world, process, 1, (row) => {
      if (i % 100 === 7) row[1] = 1e300;
    });
  }
  await world.settle();
  run(world, process, 60, (row) => {
    row[1] = (row[1] as number) + 6;
  });
  await world.settle();
  assert.is(world.events[0]!.contributions[0]!.tag, 's1');
});

test('a source that fails is one communication event; its silence as well', async () => {
  for (const reading of [null, undefined]) {
    const { world, process } = await learned();
    run(world, process, 60, (row) => {
      row.fill(reading, 0, 6);
    });
    run(world, process, 200);
    await world.settle();
    const start = single(world);
    assert.is(start.faultKind, 'communication', start.summary);
    assert.is(start.contributions[0]!.direction, 'missing');
    assert.is(start.contributions[0]!.value, null);
    assert.is(start.contributions.length, 6);
  }
});

test('a group without any value at all is a communication event', async () => {
  const { world, process } = await learned();
  run(world, process, 60, (row) => {
    row.fill(undefined);
  });
  run(world, process, 200);
  await world.settle();
  assert.is(single(world).faultKind, 'communication');
});

test('one tag without values is a sensor failure', async () => {
  const { world, process } = await learned();
  run(world, process, 60, (row) => {
    row[5] = null;
  });
  run(world, process, 200);
  await world.settle();
  const start = single(world);
  assert.is(start.faultKind, 'sensor-failure');
  assert.match(start.summary, /s5 gives no data/);
});

test('a fault that flaps is one episode', async () => {
  const { world, process } = await learned();
  for (let i = 0; i < 20; i++) {
    run(world, process, 10, (row) => {
      row[3] = (row[3] as number) + 8;
    });
    run(world, process, 10);
  }
  run(world, process, 300);
  await world.settle();
  assert.is(single(world).contributions[0]!.tag, 's3');
});

test('many tags far off at once are a process upset', async () => {
  const { world, process } = await learned();
  run(world, process, 60, (row) => {
    for (let i = 0; i < 6; i++) row[i] = (row[i] as number) + 8;
  });
  run(world, process, 300);
  await world.settle();
  assert.is(single(world).faultKind, 'process-upset');
});

test('a value forged within its own range does not fit the others', async () => {
  const { world, process } = await learned();
  run(world, process, 60, (row) => {
    // The others are at the upper end of what is normal for them, this one is told to be at its lower end.
    for (let k = 0; k < 8; k++) row[k] = 11.6 + k + 0.3 * ((row[k] as number) - 10 - k);
    row[1] = (row[1] as number) - 2.8;
  });
  await world.settle();
  const start = world.events[0]!;
  assert.is(start.contributions[0]!.tag, 's1', start.summary);
  assert.is(start.faultKind, 'inconsistent-values', start.summary);
});

test('a tag read once a minute among fast ones looks neither frozen nor missing, until it is', async () => {
  const tags = [...TAGS.slice(0, 7), makeTag(7, { name: 's7', period: millis(60_000) })];
  const world = await started({ tags, config: makeConfig({ baseline: { learn: '40min', maxRows: 5000 } }) });
  const process = new Process();
  let second = 0;
  const slowly = (row: Reading[]) => {
    if (second++ % 60 !== 0) row[7] = undefined;
  };
  run(world, process, 2410, slowly);
  await world.settle();
  assert.is(world.analysis.status().g!.state, 'ready', world.analysis.status().g!.detail);
  run(world, process, 1200, slowly);
  await world.settle();
  assert.equal(
    world.events.filter(({ scores }) => scores['frozen-value']! >= 1 || scores['missing-data']! >= 1),
    [],
  );
  run(world, process, 600, (row) => {
    slowly(row);
    if (row[7] !== undefined) row[7] = 17;
  });
  await world.settle();
  const last = world.events.at(-1)!;
  assert.is(last.contributions[0]!.tag, 's7', last.summary);
  assert.is(last.contributions[0]!.direction, 'frozen');
});

test('property: whatever comes after learning, nothing throws and every episode is whole', async () => {
  const directory = temporaryFolder();
  const before = await learned({ directory });
  await before.world.analysis.stop();
  const reading = fc.oneof(
    { weight: 4, arbitrary: fc.double({ min: -50, max: 60, noNaN: true }) },
    fc.double(),
    fc.constantFrom<Reading>(null, undefined, true, 'text', 1e308, -1e308, 12n ** 40n),
  );
  const block = fc.record({
    steps: fc.integer({ min: 1, max: 60 }),
    period: fc.constantFrom(1, 900, 1000, 4000, 100_000),
    change: fc.array(fc.tuple(fc.integer({ min: 0, max: 7 }), reading), { maxLength: 8 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(block, { maxLength: 12 }), async (blocks) => {
      const world = await started({ directory });
      const process = new Process();
      for (const { steps, period, change } of blocks) {
        for (let i = 0; i < steps; i++) {
          const row = process.row();
          for (const [column, value] of change) row[column] = value;
          world.step(row, period);
        }
      }
      await world.analysis.stop();
      assert.is(await world.metric('vigie_analysis_step_errors_total', { group: 'g' }), 0);
      assert.is(await world.metric('vigie_anomaly_detector_errors_total', { group: 'g' }), undefined);
      let open: string | undefined;
      for (const event of world.events) {
        assert.is(open, event.phase === 'start' ? undefined : event.id);
        open = event.phase === 'end' ? undefined : event.id;
        assert.ok(event.contributions.length <= 8 && event.durationMs >= 0);
        assert.ok(event.contributions.reduce((sum, { share }) => sum + share, 0) <= 1 + 1e-9);
        assert.equal(JSON.parse(JSON.stringify(event)), event, 'an event is plain JSON');
      }
      assert.is(open, undefined, 'stop ends what is open');
    }),
    { numRuns: 40 },
  );
});

test.run();

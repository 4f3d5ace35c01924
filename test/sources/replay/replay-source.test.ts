import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { replaySource } from '../../../runtime/config/schema/replay.ts';
import { buildTags } from '../../../runtime/config/tags.ts';
import type { Sample } from '../../../runtime/core/messages.ts';
import { millis } from '../../../runtime/core/units.ts';
import { Pace, ReplaySource } from '../../../runtime/sources/replay/replay-source.ts';
import { testSpine } from '../../support/spine.ts';
import { waitFor } from '../../support/wait.ts';

const test = suite('replay', { directory: '' });
test.before.each((context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'vigie-'));
});
test.after.each((context) => rmSync(context.directory, { recursive: true }));

async function play(directory: string, csv: string, over: Record<string, unknown> = {}) {
  const file = join(directory, 'recording.csv');
  writeFileSync(file, csv);
  const config = replaySource.parse({
    type: 'replay',
    name: 'old',
    file,
    speed: 1000,
    tags: [{ name: 'flow', range: [0, 10] }],
    ...over,
  });
  const tags = new Map(buildTags({ sources: [config] }).map((tag) => [tag.name, tag]));
  const samples: Sample[] = [];
  const source = new ReplaySource({ ...testSpine(), config, tags, emit: (batch) => samples.push(...batch) });
  await source.start();
  return { source, samples };
}

test('rows carry their own wall time; missing cells are bad, absurd ones uncertain', async ({
  directory,
}) => {
  const { source, samples } = await play(
    directory,
    'time,flow\n2020-01-01 00:00:00,1.5\n2020-01-01 00:00:01,\n2020-01-01 00:00:02,99\n',
  );
  await waitFor('the end', () => source.health().detail.includes('end'));
  assert.equal(
    samples.map(({ value, quality, wall }) => [value, quality, wall]),
    [
      [1.5, 'good', Date.UTC(2020, 0, 1)],
      [null, 'bad', Date.UTC(2020, 0, 1, 0, 0, 1)],
      [99, 'uncertain', Date.UTC(2020, 0, 1, 0, 0, 2)],
    ],
  );
  await source.stop();
});

test('a loop starts again until it is stopped', async ({ directory }) => {
  const { source, samples } = await play(
    directory,
    'time,flow\n2020-01-01 00:00:00,1\n2020-01-01 00:00:01,2\n',
    { loop: true },
  );
  await waitFor('three rounds', () => samples.length >= 6);
  await source.stop();
  assert.is(source.health().state, 'stopped');
});

test('between the last row and the first of the next round passes a step, so that a short recording never spins', async ({
  directory,
}) => {
  const row = 'time,flow\n2020-01-01 00:00:00,1\n';
  const quick = await play(directory, `${row}2020-01-01 00:00:01,2\n`, { loop: true, speed: 100 });
  const slow = await play(directory, row, { loop: true, speed: 0.001 });
  await waitFor('ten rounds', () => quick.samples.length >= 20);
  assert.is(slow.samples.length, 1);
  await quick.source.stop();
  await slow.source.stop();
  // Nineteen steps of 10 ms. Held as a whole: one timer may end early by what its turn of the event loop took before it.
  assert.ok(quick.samples[19]!.mono - quick.samples[0]!.mono >= 95, 'every step is waited for');
});

test('a column that is not there, and a row that breaks the form, are named with their place', async ({
  directory,
}) => {
  const first = await play(directory, 'time,level\n2020-01-01 00:00:00,1\n');
  await waitFor('failure', () => first.source.health().state === 'failed');
  assert.match(first.source.health().detail, /tag 'flow': .*no numeric column 'flow'; there are: level/);
  const second = await play(directory, 'time,flow\n2020-01-01 00:00:00,1\n2020-01-01 00:00:01,wet\n');
  await waitFor('failure', () => second.source.health().state === 'failed');
  assert.match(second.source.health().detail, /recording\.csv:3:21: 'wet'/);
  await first.source.stop();
  await second.source.stop();
});

test('the pace keeps the rhythm without drifting, and shortens a long gap', () => {
  const pace = new Pace(1_000_000, millis(50), 2);
  assert.is(pace.delay(1_000_000, millis(50)), 0);
  assert.is(pace.delay(1_002_000, millis(50)), 1000);
  assert.is(pace.delay(1_004_000, millis(1075)), 975);
  assert.is(pace.delay(1_004_000, millis(9999)), 0);
  assert.is(pace.delay(9_004_000, millis(10_000)), 60_000);
  assert.is(pace.delay(9_006_000, millis(70_000)), 1000);
});

test.run();

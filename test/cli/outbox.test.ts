/** `vigie outbox` on a queue that a node left behind. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../runtime/core/paths.ts';
import { record, startOutbox } from '../sinks/outbox/support/harness.ts';
import { vigieHere } from '../support/cli.ts';

const test = suite('outbox', { folder: '' });
test.before.each(async (context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'vigie-outbox-cli-'));
  const { outbox, clock } = await startOutbox(context.folder);
  for (const name of ['reading', 'reading', 'event', 'health', 'reading'] as const)
    await outbox.accept(record(clock, name, { schema: 'test/1', name }));
  await outbox.stop();
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }));

test('show says what waits, as text and as JSON', async ({ folder }) => {
  const text = await vigieHere(['outbox', 'show', folder]);
  assert.is(text.code, 0);
  assert.match(text.stdout, /no node has it open/);
  assert.match(text.stdout, /^reading +3 records/m);
  const { classes, running, bootIds } = JSON.parse(
    (await vigieHere(['outbox', 'show', folder, '--json'])).stdout,
  );
  assert.equal([classes.event.records, classes.health.records, classes.reading.records], [1, 1, 3]);
  assert.equal([running, bootIds.length, classes.event.oldest.seq], [false, 1, 3]);
});

test('export prints each record as a line of JSON, in sending order, or one class of them', async ({
  folder,
}) => {
  const lines = async (...more: string[]) => {
    const { code, stdout } = await vigieHere(['outbox', 'export', folder, ...more]);
    assert.is(code, 0);
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  };
  const all = await lines();
  assert.equal(
    all.map(({ seq, body }) => [seq, body.name]),
    [
      [3, 'event'],
      [4, 'health'],
      [1, 'reading'],
      [2, 'reading'],
      [5, 'reading'],
    ],
  );
  assert.match(all[0].time, /Z$/);
  assert.equal(
    (await lines('--class', 'event')).map(({ seq }) => seq),
    [3],
  );
});

test('clear deletes nothing without --yes, then one class, then all', async ({ folder }) => {
  const waiting = async () => {
    const { classes } = JSON.parse((await vigieHere(['outbox', 'show', folder, '--json'])).stdout);
    return [classes.event.records, classes.health.records, classes.reading.records];
  };
  assert.is((await vigieHere(['outbox', 'clear', folder])).code, 2);
  assert.equal(await waiting(), [1, 1, 3]);
  const some = await vigieHere(['outbox', 'clear', folder, '--class', 'reading', '--yes']);
  assert.equal([some.code, some.stdout], [0, '3 records deleted\n']);
  assert.equal(await waiting(), [1, 1, 0]);
  await vigieHere(['outbox', 'clear', folder, '--yes']);
  assert.equal(await waiting(), [0, 0, 0]);
});

test('clear is refused while a node has the queue open', async ({ folder }) => {
  const { outbox } = await startOutbox(folder);
  await outbox.take(1);
  for (let i = 0; outbox.health().state === 'starting' && i < 1000; i++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.match((await vigieHere(['outbox', 'show', folder])).stdout, /in use by a running node/);
  const { code, stderr } = await vigieHere(['outbox', 'clear', folder, '--yes']);
  assert.is(code, 1);
  assert.match(stderr, /^vigie: .*/);
  assert.not.match(stderr, /\n {4}at /);
  await outbox.stop();
});

test('a file that is no outbox is refused in one sentence', async ({ folder }) => {
  const file = join(folder, 'other.db');
  writeFileSync(file, 'nothing of the kind '.repeat(300));
  const { code, stderr } = await vigieHere(['outbox', 'show', file]);
  assert.is(code, 1);
  assert.not.match(stderr, /\n {4}at /);
  assert.match(stderr, /other\.db/);
});

test('a reader that has seen enough is no failure', async ({ folder }) => {
  const { outbox, clock } = await startOutbox(folder);
  const text = 'x'.repeat(10_000);
  await Promise.all(Array.from({ length: 200 }, () => outbox.accept(record(clock, 'reading', { text }))));
  await outbox.stop();
  const script = '"$0" "$1" outbox export "$2" | head -n 1 > /dev/null; echo "status $PIPESTATUS"';
  const main = join(packageRoot, 'runtime/main.ts');
  const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, main, folder], {
    encoding: 'utf8',
  });
  assert.match(stdout, /^status 0$/m);
  assert.not.match(stderr, /EPIPE/);
});

test.run();

import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../runtime/core/paths.ts';
import { record, startOutbox, temporaryDirectory } from './support/harness.ts';

/** As the command line runs it, in a process of its own. */
const CALL = `
  const { runCommand } = await import(process.argv[1]);
  process.exitCode = await runCommand(['outbox', ...process.argv.slice(2)]);
`;

function outbox(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const module = join(packageRoot, 'runtime/cli/run-command.ts');
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', CALL];
  return spawnSync(process.execPath, [...flags, module, ...args], { encoding: 'utf8' });
}

test('show and export read a running node, clear waits for it to stop', async () => {
  const directory = temporaryDirectory();
  const node = await startOutbox(join(directory.path, 'outbox'));
  for (let i = 0; i < 5; i++)
    await node.outbox.accept(record(node.clock, i % 2 ? 'event' : 'reading', { i }));

  const shown = JSON.parse(outbox('show', directory.path, '--json').stdout);
  assert.is(shown.running, true);
  assert.equal([shown.classes.event.records, shown.classes.reading.records], [2, 3]);
  assert.equal(shown.bootIds, [node.outbox.bootId]);
  assert.equal(shown.classes.event.oldest, {
    wall: node.clock.wall(),
    timeQuality: 'synced',
    bootId: node.outbox.bootId,
    seq: 2,
  });
  assert.match(outbox('show', directory.path).stdout, /in use by a running node[\s\S]*reading +3 records/);

  const exported = outbox('export', join(directory.path, 'outbox'), '--class', 'event')
    .stdout.trim()
    .split('\n');
  assert.equal(
    exported.map((line) => JSON.parse(line).body.i),
    [1, 3],
  );

  const refused = outbox('clear', directory.path, '--yes');
  assert.is(refused.status, 1);
  assert.match(refused.stderr, /another process uses this outbox/);
  await node.outbox.accept(record(node.clock, 'event', { i: 'still well' }));
  await node.outbox.stop();

  assert.is(outbox('clear', directory.path).status, 2, 'not without --yes');
  assert.match(outbox('clear', directory.path, '--class', 'reading', '--yes').stdout, /3 records deleted/);
  const after = JSON.parse(outbox('show', directory.path, '--json').stdout);
  assert.equal([after.running, after.classes.event.records, after.classes.reading.records], [false, 3, 0]);
  directory.remove();
});

test('files moved aside are listed and can be exported; a wrong place is named', async () => {
  const directory = temporaryDirectory();
  const node = await startOutbox(directory.path);
  await node.outbox.accept(record(node.clock, 'health', { i: 1 }));
  await node.outbox.stop();
  const database = join(directory.path, 'outbox.db');
  copyFileSync(database, `${database}.corrupt-1`);
  assert.match(outbox('show', directory.path).stdout, /moved aside: .*outbox\.db\.corrupt-1/);
  assert.is(JSON.parse(outbox('export', `${database}.corrupt-1`).stdout).body.i, 1);
  assert.match(outbox('show', join(directory.path, 'nowhere')).stderr, /there is no outbox in/);
  assert.is(outbox('look').status, 2);
  assert.match(outbox('--help').stdout, /Usage: vigie outbox show/);
  directory.remove();
});

test.run();

import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VigieError } from '../../../runtime/core/errors.ts';
import { millis } from '../../../runtime/core/units.ts';
import type { Outbox } from '../../../runtime/sinks/outbox/outbox.ts';
import {
  makeOutbox,
  metric,
  record,
  startOutbox,
  TestClock,
  takeAll,
  temporaryDirectory,
  until,
} from './support/harness.ts';

const test = suite<{ directory: ReturnType<typeof temporaryDirectory> }>('outbox');
test.before.each((context) => {
  context.directory = temporaryDirectory();
});
test.after.each(({ directory }) => directory.remove());

const seqs = (records: readonly { seq: number }[]) => records.map(({ seq }) => seq);
const isOpen = (outbox: Outbox) => until('the outbox is open', () => outbox.health().state !== 'starting');

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof VigieError) return error.code;
    throw error;
  }
  return 'no error';
}

test('events leave before health before readings, each in the order of acceptance', async ({ directory }) => {
  const { outbox, clock } = await startOutbox(directory.path);
  const classes = ['reading', 'event', 'health', 'reading', 'event', 'health'] as const;
  await Promise.all(classes.map((name) => outbox.accept(record(clock, name))));
  const taken = await takeAll(outbox);
  assert.equal(seqs(taken), [2, 5, 3, 6, 1, 4]);
  assert.ok(taken.every(({ bootId }) => bootId === outbox.bootId));
  assert.equal(await outbox.take(10), [], 'nothing is handed out twice');
  outbox.remove([taken[0]!.id, taken[3]!.id]);
  outbox.giveBack();
  assert.equal(seqs(await takeAll(outbox)), [5, 3, 1, 4]);
  await outbox.stop();
  await outbox.stop();
});

test('no index of the log lies on the card, not after a restart either', async ({ directory }) => {
  for (const start of ['first', 'second']) {
    const { outbox, clock } = await startOutbox(directory.path);
    await outbox.accept(record(clock, 'event'));
    const files = readdirSync(directory.path);
    assert.ok(
      files.includes('outbox.db-wal') && !files.includes('outbox.db-shm'),
      `${start} start: ${files}`,
    );
    await outbox.stop();
  }
});

test('nobody else may read the queue', async ({ directory }) => {
  const before = process.umask(0o022);
  const { outbox, clock } = await startOutbox(directory.path);
  await outbox.accept(record(clock, 'event'));
  for (const name of readdirSync(directory.path)) {
    assert.is(statSync(join(directory.path, name)).mode & 0o007, 0, name);
  }
  await outbox.stop();
  process.umask(before);
});

test('what is accepted before the start is written after it', async ({ directory }) => {
  const { outbox, clock } = makeOutbox(directory.path);
  let available = 0;
  outbox.onAvailable(() => {
    available += 1;
  });
  const accepted = outbox.accept(record(clock, 'event', { a: 1 }));
  assert.equal(outbox.depth().byClass.event, 1);
  assert.equal(await outbox.take(5), []);
  await outbox.start();
  await accepted;
  assert.ok(available > 0);
  assert.equal((await outbox.take(5))[0]?.body, '{"a":1}');
  await outbox.stop();
  assert.is(outbox.health().state, 'stopped');
});

test('a restart keeps what was not removed, under its own key', async ({ directory }) => {
  const first = await startOutbox(directory.path);
  for (let i = 0; i < 5; i++) await first.outbox.accept(record(first.clock, 'event', { i }));
  first.outbox.remove((await first.outbox.take(2)).map(({ id }) => id));
  await first.outbox.stop();
  const second = await startOutbox(directory.path);
  await second.outbox.accept(record(second.clock, 'event', { i: 5 }));
  await until('all are counted', () => second.outbox.depth().records === 4);
  const taken = await takeAll(second.outbox);
  assert.equal(
    taken.map(({ bootId, seq, body }) => [bootId, seq, JSON.parse(body).i]),
    [
      [first.outbox.bootId, 3, 2],
      [first.outbox.bootId, 4, 3],
      [first.outbox.bootId, 5, 4],
      [second.outbox.bootId, 1, 5],
    ],
  );
  await second.outbox.stop();
});

test('the wall time of records from before the clock was set is corrected', async ({ directory }) => {
  const clock = new TestClock();
  clock.offset = 0;
  clock.quality = 'unsynced';
  const { outbox } = await startOutbox(directory.path, undefined, clock);
  await outbox.accept(record(clock, 'event'));
  const [before] = await outbox.take(1);
  assert.equal([before?.wall, before?.timeQuality], [1000, 'unsynced']);
  clock.now = 61_000 as typeof clock.now;
  clock.offset = 1_790_000_000_000;
  clock.quality = 'synced';
  await outbox.accept(record(clock, 'event'));
  // Set back by an hour: what was stamped while synced stays, what was not follows the clock.
  clock.offset -= 3_600_000;
  outbox.giveBack();
  const after = await outbox.take(2);
  assert.equal(
    after.map(({ wall }) => wall),
    [1_789_996_401_000, 1_790_000_061_000],
  );
  assert.ok(after.every(({ timeQuality }) => timeQuality === 'synced'));
  await outbox.stop();
});

test('it is corrected after a restart of the node, and of the machine if the clock was set before it', async ({
  directory,
}) => {
  const clock = new TestClock();
  clock.quality = 'unsynced';
  const first = await startOutbox(directory.path, undefined, clock);
  await first.outbox.accept(record(clock, 'event'));
  await first.outbox.stop();
  clock.quality = 'synced';
  const second = await startOutbox(directory.path, undefined, clock);
  await isOpen(second.outbox);
  const [corrected] = await second.outbox.take(1);
  assert.equal([corrected?.wall, corrected?.timeQuality], [1_790_000_001_000, 'synced']);
  await second.outbox.accept(record(clock, 'event'));
  await second.outbox.stop();
  // Another machine start: as if the records above came from an earlier one.
  const db = new DatabaseSync(join(directory.path, 'outbox.db'));
  db.exec("UPDATE boot SET kernel = 'earlier'; UPDATE clock SET kernel = 'earlier'");
  db.close();
  const third = await startOutbox(directory.path, undefined, clock);
  clock.offset = 5;
  await isOpen(third.outbox);
  assert.is((await third.outbox.take(1))[0]?.wall, 1_790_000_001_000);
  await third.outbox.stop();
  const db2 = new DatabaseSync(join(directory.path, 'outbox.db'));
  db2.exec('DELETE FROM clock');
  db2.close();
  const fourth = await startOutbox(directory.path, undefined, clock);
  await isOpen(fourth.outbox);
  assert.is((await fourth.outbox.take(1))[0]?.timeQuality, 'unsynced');
  await fourth.outbox.stop();
});

test('what cannot be taken is refused by name and counted, and takes no sequence number', async ({
  directory,
}) => {
  const { outbox, clock, registry } = await startOutbox(directory.path);
  const body = { text: 'x'.repeat(1024 * 1024) };
  assert.is(await codeOf(outbox.accept(record(clock, 'event', body))), 'record-too-large');
  assert.is(await codeOf(outbox.accept(record(clock, 'event', { big: 1n }))), 'record-invalid');
  const timeless = { ...record(clock, 'event'), mono: millis(Number.NaN) };
  assert.is(await codeOf(outbox.accept(timeless)), 'record-invalid');
  await outbox.accept(record(clock, 'event'));
  assert.equal(seqs(await takeAll(outbox)), [1]);
  await outbox.stop();
  assert.is(await codeOf(outbox.accept(record(clock, 'event'))), 'outbox-stopped');
  assert.is(await metric(registry, 'vigie_outbox_refused_records_total'), 4);
});

test('the memory in front of the disk is bounded: readings go first, then the caller hears it', async ({
  directory,
}) => {
  const { outbox, clock, registry } = makeOutbox(directory.path, 256 * 1024 * 1024);
  const noise = (size: number) => ({
    text: Array.from({ length: size }, (_, i) => (i * 2654435761) % 1e9).join(),
  });
  const big = noise(20_000);
  const outcomes = Array.from({ length: 60 }, () => codeOf(outbox.accept(record(clock, 'reading', big))));
  const events = Array.from({ length: 10 }, () => codeOf(outbox.accept(record(clock, 'event', big))));
  await outbox.start();
  const readings = await Promise.all(outcomes);
  assert.equal(await Promise.all(events), Array(10).fill('no error'));
  const lost = readings.filter((code) => code === 'outbox-full').length;
  assert.ok(lost > 10 && lost < 60);
  assert.equal(readings.slice(0, lost), Array(lost).fill('outbox-full'), 'the oldest went');
  assert.is(outbox.depth().evicted, lost);
  assert.is(await metric(registry, 'vigie_outbox_evicted_records_total', { class: 'reading' }), lost);
  assert.is(outbox.health().state, 'degraded');
  await outbox.stop();
});

test('the bound on disk evicts readings and says so', async ({ directory }) => {
  const { outbox, clock, registry } = await startOutbox(directory.path, 1024 * 1024);
  const noise = { text: Array.from({ length: 3000 }, (_, i) => (i * 2654435761) % 1e9).join() };
  await outbox.accept(record(clock, 'event', noise));
  for (let i = 0; i < 150; i++) await outbox.accept(record(clock, 'reading', noise));
  const { byClass, evicted, records } = outbox.depth();
  assert.is(byClass.event, 1);
  assert.ok(evicted > 50);
  assert.is(records + evicted, 151);
  assert.is(await metric(registry, 'vigie_outbox_evicted_records_total'), evicted);
  const kept = (await takeAll(outbox)).filter((r) => r.class === 'reading');
  assert.equal(
    seqs(kept),
    Array.from({ length: kept.length }, (_, i) => 152 - kept.length + i),
  );
  await outbox.stop();
});

test('two nodes on one directory: the second waits, delivers from memory and takes over', async ({
  directory,
}) => {
  const first = await startOutbox(directory.path);
  await first.outbox.accept(record(first.clock, 'event', { from: 1 }));
  const second = await startOutbox(directory.path);
  const accepted = second.outbox.accept(record(second.clock, 'event', { from: 2 }));
  await until('the second sees the lock', () => second.outbox.health().state === 'failed');
  assert.match(second.outbox.health().detail, /another process uses this outbox/);
  const [live] = await second.outbox.take(5);
  assert.is(live?.body, '{"from":2}');
  second.outbox.giveBack();
  await first.outbox.stop();
  await accepted;
  assert.equal(
    (await takeAll(second.outbox)).map(({ body }) => body),
    ['{"from":1}', '{"from":2}'],
  );
  await until('it is well', () => second.outbox.health().state === 'ok');
  await second.outbox.stop();
});

test('what the broker took from memory never needs the disk', async ({ directory }) => {
  const file = join(directory.path, 'in-the-way');
  writeFileSync(file, '');
  const { outbox, clock } = await startOutbox(file);
  const accepted = outbox.accept(record(clock, 'event', { live: true }));
  await until('the fault shows', () => outbox.health().state === 'failed');
  const taken = await outbox.take(5);
  outbox.remove(taken.map(({ id }) => id));
  await accepted;
  assert.is(outbox.depth().records, 0);
  const lost = codeOf(outbox.accept(record(clock, 'event')));
  await outbox.stop();
  assert.is(await lost, 'outbox-stopped');
});

test('a database of a later version is kept for it and the node runs on', async ({ directory }) => {
  const db = new DatabaseSync(join(directory.path, 'outbox.db'));
  db.exec('PRAGMA user_version = 99; CREATE TABLE future (a)');
  db.close();
  const { outbox, clock, lines } = await startOutbox(directory.path);
  await outbox.accept(record(clock, 'event'));
  assert.is(outbox.health().state, 'degraded');
  assert.ok(readdirSync(directory.path).includes('outbox.db.newer-1'));
  assert.ok(lines.some(({ event }) => event === 'outbox.file.aside'));
  await outbox.stop();
});

test('a directory that cannot be written fails in health and recovers by itself', async ({ directory }) => {
  if (process.getuid?.() === 0) {
    console.log('skip: root may write everywhere; an absent directory stands in');
    const path = join(directory.path, 'not-a-folder');
    writeFileSync(path, '');
    const { outbox, clock } = await startOutbox(path);
    const accepted = outbox.accept(record(clock, 'health'));
    await until('the fault shows', () => outbox.health().state === 'failed');
    const { rmSync } = await import('node:fs');
    rmSync(path);
    mkdirSync(path);
    await accepted;
    assert.is(outbox.health().state, 'ok');
    await outbox.stop();
    return;
  }
  chmodSync(directory.path, 0o500);
  const { outbox, clock } = await startOutbox(directory.path);
  const accepted = outbox.accept(record(clock, 'health'));
  await until('the fault shows', () => outbox.health().state === 'failed');
  chmodSync(directory.path, 0o700);
  await accepted;
  await outbox.stop();
});

test.run();

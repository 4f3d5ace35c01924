import { spawnSync } from 'node:child_process';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MIB, metric, record, startOutbox, takeAll, temporaryDirectory, until } from './support/harness.ts';

/** A file system of six megabytes, or undefined (and a notice) where none can be mounted. */
function smallDisk(): { path: string; remove(): void } | undefined {
  const directory = temporaryDirectory();
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'vigie-test', directory.path]);
  if (mount.status === 0) {
    const remove = () => {
      spawnSync('umount', [directory.path]);
      directory.remove();
    };
    return { path: directory.path, remove };
  }
  directory.remove();
  console.log('skip: no small file system can be mounted here (needs root): disk-full is not tested');
  return undefined;
}

/** An eighth of it is reserved for the log. */
const MAX_BYTES = 8 * MIB;

/** The disk has refused a write: what the outbox has reserved is used up. */
const REFUSED = /^cannot .*no space left/;

const noise = (seed: number, size: number) => ({
  seed,
  text: Array.from({ length: size }, (_, i) => (i * 7919 * (seed + 1)) % 1e6).join(),
});

test('a full disk: events still leave, readings are evicted from memory, and it recovers by itself', async () => {
  const disk = smallDisk();
  if (!disk) return;
  const { outbox, clock, registry, lines } = await startOutbox(join(disk.path, 'outbox'), MAX_BYTES);
  const filler = join(disk.path, 'filler');
  try {
    await outbox.accept(record(clock, 'event', { seed: -1 }));
    fill(filler);
    const outcomes: string[] = [];
    const accept = (name: 'event' | 'reading', seed: number, size: number) =>
      outbox.accept(record(clock, name, noise(seed, size))).then(
        () => outcomes.push(`${name} ${seed}`),
        (error) => outcomes.push(`${name} ${seed} ${error.code}`),
      );
    const pending = Array.from({ length: 120 }, (_, i) => accept('reading', i, 5000));
    await until('the fault shows', () => REFUSED.test(outbox.health().detail));
    assert.is(outbox.health().state, 'degraded');
    pending.push(accept('event', 100, 10));
    const live = await takeAll(outbox);
    assert.ok(
      live.some(({ body }) => JSON.parse(body).seed === 100),
      'a live event leaves from memory',
    );
    outbox.giveBack();
    for (let i = 120; i < 500; i++) pending.push(accept('reading', i, 5000));
    await until('memory is full and readings go', () => outbox.depth().evicted > 0);
    rmSync(filler);
    // The small disk cannot hold what memory holds: the broker takes it meanwhile.
    await until('all is settled', async () => {
      outbox.remove((await outbox.take(50)).map(({ id }) => id));
      return outcomes.length === pending.length;
    });
    assert.ok(outcomes.includes('event 100'), 'the event was accepted');
    const evicted = await metric(registry, 'vigie_outbox_evicted_records_total', { class: 'reading' });
    assert.is(evicted, outcomes.filter((text) => text.endsWith('outbox-full')).length);
    assert.ok(evicted > 0);
    assert.ok((await metric(registry, 'vigie_outbox_faults_total', { kind: 'full' })) > 0);
    await outbox.accept(record(clock, 'event', { seed: 999 }));
    assert.ok(lines.some(({ event }) => event === 'outbox.disk.recovered'));
    assert.not.match(outbox.health().detail, /no space/);
  } finally {
    await outbox.stop();
    disk.remove();
  }
});

test('a full disk over a backlog: live events go first, and no younger reading overtakes an older one', async () => {
  const disk = smallDisk();
  if (!disk) return;
  const { outbox, clock } = await startOutbox(join(disk.path, 'outbox'), MAX_BYTES);
  const filler = join(disk.path, 'filler');
  try {
    // Compresses well: more than one take hands out at once.
    const text = 'x'.repeat(400_000);
    for (let i = 0; i < 6; i++) await outbox.accept(record(clock, 'reading', { text }));
    fill(filler);
    const more = Array.from({ length: 120 }, (_, i) =>
      outbox.accept(record(clock, 'reading', noise(i, 5000))),
    );
    await until('the fault shows', () => REFUSED.test(outbox.health().detail));
    const accepted = Promise.allSettled([...more, outbox.accept(record(clock, 'event'))]);
    const taken = await takeAll(outbox);
    assert.equal(
      taken.map(({ seq }) => seq),
      [127, ...Array.from({ length: 126 }, (_, i) => i + 1)],
    );
    rmSync(filler);
    assert.ok((await accepted).every(({ status }) => status === 'fulfilled'));
  } finally {
    await outbox.stop();
    disk.remove();
  }
});

test('a disk that others filled: records still reach it in the room that is reserved, and health says so', async () => {
  const disk = smallDisk();
  if (!disk) return;
  const path = join(disk.path, 'outbox');
  const filler = join(disk.path, 'filler');
  try {
    const first = await startOutbox(path, MAX_BYTES);
    await first.outbox.accept(record(first.clock, 'event', { seed: 0 }));
    const logBytes = () => statSync(join(path, 'outbox.db-wal')).size;
    const reserved = logBytes();
    fill(filler);
    for (let i = 1; i <= 20; i++) await first.outbox.accept(record(first.clock, 'event', { seed: i }));
    assert.is(logBytes(), reserved, 'the log has its size from the start');
    await until('health says so', () => /^no space left on the disk/.test(first.outbox.health().detail));
    assert.is(first.outbox.health().state, 'degraded');
    rmSync(filler);
    await first.outbox.accept(record(first.clock, 'event', { seed: 21 }));
    await until('it is well again', () => first.outbox.health().state === 'ok');
    await first.outbox.stop();
    const second = await startOutbox(path, MAX_BYTES);
    await until('it is open', () => second.outbox.health().state === 'ok');
    assert.is((await takeAll(second.outbox)).length, 22);
    await second.outbox.stop();
  } finally {
    disk.remove();
  }
});

test('a disk that is full from the start is waited for', async () => {
  const disk = smallDisk();
  if (!disk) return;
  const filler = join(disk.path, 'filler');
  fill(filler);
  const { outbox, clock } = await startOutbox(join(disk.path, 'outbox'));
  try {
    const accepted = outbox.accept(record(clock, 'event', { a: 1 }));
    await until('the fault shows', () => ['failed', 'degraded'].includes(outbox.health().state));
    assert.equal(
      (await takeAll(outbox)).map(({ body }) => body),
      ['{"a":1}'],
    );
    rmSync(filler);
    await accepted;
    assert.is(outbox.health().state, 'ok');
  } finally {
    await outbox.stop();
    disk.remove();
  }
});

/** To the last byte. */
function fill(path: string): void {
  for (let size = MIB; size >= 1; ) {
    try {
      writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch {
      // Smaller pieces still fit.
      size = Math.floor(size / 2);
    }
  }
}

test.run();

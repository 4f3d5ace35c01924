import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { metric, record, startOutbox, takeAll, temporaryDirectory, until } from './support/harness.ts';

/** A file system of one megabyte, or undefined (and a notice) where none can be mounted. */
function smallDisk(): { path: string; remove(): void } | undefined {
  const directory = temporaryDirectory();
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'vigie-test', directory.path]);
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

const noise = (seed: number, size: number) => ({
  seed,
  text: Array.from({ length: size }, (_, i) => (i * 7919 * (seed + 1)) % 1e6).join(),
});

test('a full disk: events still leave, readings are evicted from memory, and it recovers by itself', async () => {
  const disk = smallDisk();
  if (!disk) return;
  const { outbox, clock, registry, lines } = await startOutbox(join(disk.path, 'outbox'));
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
    const pending = Array.from({ length: 20 }, (_, i) => accept('reading', i, 5000));
    await until('the fault shows', () => outbox.health().state === 'degraded');
    assert.match(outbox.health().detail, /no space left/);
    pending.push(accept('event', 100, 10));
    const live = await takeAll(outbox);
    assert.ok(
      live.some(({ body }) => JSON.parse(body).seed === 100),
      'a live event leaves from memory',
    );
    outbox.giveBack();
    for (let i = 20; i < 400; i++) pending.push(accept('reading', i, 5000));
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
  const { outbox, clock } = await startOutbox(join(disk.path, 'outbox'));
  const filler = join(disk.path, 'filler');
  try {
    // Compresses well: more than one take hands out at once.
    const text = 'x'.repeat(400_000);
    for (let i = 0; i < 6; i++) await outbox.accept(record(clock, 'reading', { text }));
    fill(filler);
    const accepted = Promise.allSettled([
      outbox.accept(record(clock, 'reading', noise(1, 5000))),
      outbox.accept(record(clock, 'event')),
    ]);
    await until('the fault shows', () => outbox.health().state === 'degraded');
    const taken = await takeAll(outbox);
    assert.equal(
      taken.map(({ seq }) => seq),
      [8, 1, 2, 3, 4, 5, 6, 7],
    );
    rmSync(filler);
    assert.equal(
      (await accepted).map(({ status }) => status),
      ['fulfilled', 'fulfilled'],
    );
  } finally {
    await outbox.stop();
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
  for (let size = 1024 * 1024; size >= 1; size = Math.floor(size / 2)) {
    try {
      writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch {
      // Smaller pieces still fit.
    }
  }
}

test.run();

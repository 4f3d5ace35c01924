/**
 * A power cut keeps what was synced; of what was written since, any disk block may be old or new. Each image is
 * put together so at random and opened: every record accepted before the last sync must be in it.
 */

import { spawnSync } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RECORD_CLASSES } from '../../../runtime/core/messages.ts';
import { boundsOf, Disk } from '../../../runtime/sinks/outbox/disk.ts';
import { type Entry, packBody } from '../../../runtime/sinks/outbox/record.ts';
import {
  outboxConfig,
  record,
  startOutbox,
  TestClock,
  takeAll,
  temporaryDirectory,
  until,
} from './support/harness.ts';

const FILES = ['outbox.db', 'outbox.db-wal'] as const;
type Image = Record<(typeof FILES)[number], Buffer>;

/** Blocks of this size reach the disk whole. */
const BLOCK = 512;

/** By another process: closing a database file here would drop SQLite's locks on it. */
const read = (directory: string): Image => {
  const of = (name: string) => spawnSync('cat', [join(directory, name)], { maxBuffer: 1e9 }).stdout;
  return { 'outbox.db': of('outbox.db'), 'outbox.db-wal': of('outbox.db-wal') };
};

function tear(durable: Buffer, written: Buffer, keepNew: () => boolean): Buffer {
  const length = keepNew() ? written.length : durable.length;
  const torn = Buffer.alloc(length);
  durable.copy(torn, 0, 0, length);
  for (let at = 0; at < Math.min(length, written.length); at += BLOCK) {
    if (keepNew()) written.copy(torn, at, at, Math.min(at + BLOCK, length));
  }
  return torn;
}

const boot = { bootId: 'boot-1', kernel: 'kernel-1' };
const bounds = { ...boundsOf(outboxConfig(1024 * 1024)), log: 24 * 1024 };
const open = (directory: string, onAside: (path: string) => void) =>
  Disk.open({ directory, boot, bounds, damaged: false, onAside });

function entry(seq: number, size: number): Entry {
  const text = Array.from({ length: size }, (_, i) => (i * 7919 * seq) % 251).join();
  const body = packBody(Buffer.from(JSON.stringify({ text })));
  return {
    class: RECORD_CLASSES[seq % RECORD_CLASSES.length]!,
    topic: 't',
    seq,
    ...body,
    ...new TestClock().stamp(),
  };
}

async function check(
  image: Image,
  mustHave: ReadonlySet<number>,
  mayHave: ReadonlySet<number>,
): Promise<void> {
  const directory = temporaryDirectory();
  for (const name of FILES) writeFileSync(join(directory.path, name), image[name]);
  const disk = await open(directory.path, () => assert.unreachable('a power cut is no damage'));
  const seqs = RECORD_CLASSES.flatMap((name) =>
    disk.store.read(name, 0, 1e6, 1e9, () => assert.unreachable('a damaged row')),
  ).map(({ seq }) => seq);
  for (const seq of mustHave) assert.ok(seqs.includes(seq), `record ${seq} was accepted and is gone`);
  for (const seq of seqs) assert.ok(mayHave.has(seq), `record ${seq} came back`);
  assert.is(new Set(seqs).size, seqs.length, 'no record twice');
  disk.close();
  directory.remove();
}

test('nothing accepted is lost wherever the power fails, though blocks reach the disk in any order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 - 1 }), async (seed) => {
      let state = seed;
      const random = () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
        return state / 0x7fffffff;
      };
      const directory = temporaryDirectory();
      const disk = await open(directory.path, () => assert.unreachable('a new file'));
      const safe = new Set<number>();
      const ids = new Map<number, number>();
      const ever = new Set<number>();
      let durable = read(directory.path);
      for (let seq = 1; seq <= 30; seq++) {
        const gone = [...safe].filter(() => random() < 0.3);
        const removals = gone.flatMap((old) => ids.get(old) ?? []);
        const outcome = disk.write([entry(seq, 1 + Math.floor(random() * 3000))], removals, undefined);
        for (const old of gone) safe.delete(old);
        ids.set(seq, outcome.ids[0]!);
        ever.add(seq);
        const bias = random();
        const written = read(directory.path);
        await check(
          {
            'outbox.db': tear(durable['outbox.db'], written['outbox.db'], () => random() < bias),
            'outbox.db-wal': tear(durable['outbox.db-wal'], written['outbox.db-wal'], () => random() < bias),
          },
          safe,
          ever,
        );
        await disk.sync();
        safe.add(seq);
        // The log is durable now; the database file may still be either.
        durable = { 'outbox.db': durable['outbox.db'], 'outbox.db-wal': written['outbox.db-wal'] };
        await disk.checkpointWhenDue();
        const after = read(directory.path);
        await check(
          {
            'outbox.db': tear(durable['outbox.db'], after['outbox.db'], () => random() < 0.5),
            'outbox.db-wal': durable['outbox.db-wal'],
          },
          safe,
          ever,
        );
        // A checkpoint that ended has synced both.
        durable = after;
      }
      disk.close();
      directory.remove();
    }),
    { numRuns: 8, endOnFailure: true },
  );
});

test('a copy of the files at any moment has all that was accepted before it', async () => {
  const directory = temporaryDirectory();
  const { outbox, clock } = await startOutbox(directory.path, 1024 * 1024);
  const accepted = new Set<number>();
  for (let round = 0; round < 8; round++) {
    const load = Array.from({ length: 20 }, async (_, i) => {
      const seq = round * 20 + i + 1;
      await outbox.accept(
        record(clock, RECORD_CLASSES[i % RECORD_CLASSES.length]!, { seq, pad: 'x'.repeat(seq * 20) }),
      );
      accepted.add(seq);
    });
    await load[7];
    const before = new Set(accepted);
    const image = read(directory.path);
    const copy = temporaryDirectory();
    for (const name of FILES) writeFileSync(join(copy.path, name), image[name]);
    const second = await startOutbox(copy.path, 1024 * 1024);
    await until('the copy is open', () => second.outbox.health().state === 'ok');
    const there = new Set((await takeAll(second.outbox)).map(({ body }) => JSON.parse(body).seq));
    for (const seq of before) assert.ok(there.has(seq), `record ${seq}`);
    await second.outbox.stop();
    copy.remove();
    await Promise.all(load);
  }
  await outbox.stop();
  directory.remove();
});

test('after a stop one synced file is left, without a log', async () => {
  const directory = temporaryDirectory();
  const { outbox, clock } = await startOutbox(directory.path);
  await outbox.accept(record(clock, 'event'));
  await outbox.stop();
  const fd = openSync(join(directory.path, 'outbox.db'), 'r');
  fdatasyncSync(fd);
  closeSync(fd);
  assert.throws(() => readFileSync(join(directory.path, 'outbox.db-wal')), /ENOENT/);
  directory.remove();
});

test.run();

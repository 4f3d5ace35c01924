import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { metric, record, startOutbox, takeAll, temporaryDirectory, until } from './support/harness.ts';

const RECORDS = 120;

/** A database as a killed node leaves it: some pages written back, some in the log. */
async function crashImage(): Promise<string> {
  const directory = temporaryDirectory();
  const { outbox, clock } = await startOutbox(directory.path, 1024 * 1024);
  for (let i = 0; i < RECORDS; i++) {
    const pad = Array.from({ length: 300 }, (_, k) => (k * i * 7919) % 1e6).join();
    await outbox.accept(record(clock, i % 2 ? 'event' : 'reading', { i, pad }));
  }
  const image = mkdtempSync(join(tmpdir(), 'vigie-image-'));
  // By another process: closing a database file here would drop the locks the outbox holds on it.
  spawnSync('cp', [join(directory.path, 'outbox.db'), join(directory.path, 'outbox.db-wal'), image]);
  await outbox.stop();
  directory.remove();
  return image;
}

const image = await crashImage();
const copy = () => {
  const directory = temporaryDirectory();
  for (const name of readdirSync(image)) copyFileSync(join(image, name), join(directory.path, name));
  return directory;
};

async function runOn(path: string) {
  const bench = await startOutbox(path, 1024 * 1024);
  await bench.outbox.accept(record(bench.clock, 'event', { i: 'new' }));
  const numbers: unknown[] = [];
  for (let quiet = 0; quiet < 2; ) {
    const some = await takeAll(bench.outbox);
    numbers.push(...some.map(({ body }) => JSON.parse(body).i));
    // Damage found while reading moves the file aside: what was saved comes then.
    await new Promise((resolve) => setTimeout(resolve, 30));
    quiet = some.length === 0 && bench.outbox.health().state !== 'failed' ? quiet + 1 : 0;
  }
  await bench.outbox.accept(record(bench.clock, 'event', { i: 'later' }));
  const last = await takeAll(bench.outbox);
  assert.ok(
    last.some(({ body }) => JSON.parse(body).i === 'later'),
    'the node runs on',
  );
  await bench.outbox.stop();
  return { ...bench, numbers };
}

test('an intact image loses nothing', async () => {
  const directory = copy();
  const { numbers, lines } = await runOn(directory.path);
  assert.is(numbers.length, RECORDS + 1);
  assert.not(lines.some(({ event }) => event === 'outbox.file.aside'));
  directory.remove();
});

test('whatever is cut off or overwritten, the node runs on and invents nothing', async () => {
  const sizes = {
    'outbox.db': statSync(join(image, 'outbox.db')).size,
    'outbox.db-wal': statSync(join(image, 'outbox.db-wal')).size,
  };
  const damage = fc.record({
    file: fc.constantFrom('outbox.db' as const, 'outbox.db-wal' as const),
    how: fc.constantFrom('cut' as const, 'flip' as const, 'zero' as const),
    where: fc.double({ min: 0, max: 0.999, noNaN: true }),
    length: fc.integer({ min: 1, max: 3000 }),
  });
  let aside = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (damages) => {
      const directory = copy();
      for (const { file, how, where, length } of damages) {
        const path = join(directory.path, file);
        const at = Math.floor(where * sizes[file]);
        if (how === 'cut') {
          truncateSync(path, Math.min(at, statSync(path).size));
          continue;
        }
        const content = readFileSync(path);
        if (at >= content.length) continue;
        if (how === 'zero') content.fill(0, at, Math.min(content.length, at + length));
        else content[at] = content[at]! ^ (1 << (length % 8));
        writeFileSync(path, content);
      }
      const { numbers, lines } = await runOn(directory.path);
      const known = new Set([...Array(RECORDS).keys(), 'new']);
      assert.ok(
        numbers.every((n) => known.has(n as number)),
        'nothing is invented',
      );
      if (lines.some(({ event }) => event === 'outbox.file.aside')) {
        aside += 1;
        assert.ok(readdirSync(directory.path).includes('outbox.db.corrupt-1'));
      }
      directory.remove();
    }),
    { numRuns: 60 },
  );
  assert.ok(aside > 0, 'some of it was noticed');
});

test('most of a damaged file is saved, in order, and reported', async () => {
  const directory = copy();
  const path = join(directory.path, 'outbox.db');
  const content = readFileSync(path);
  // One page in the middle of the file.
  const page = Math.floor(content.length / 2 / 1024) * 1024;
  content.fill(0xa5, page, page + 1024);
  writeFileSync(path, content);
  const { numbers, lines, registry } = await runOn(directory.path);
  assert.ok(numbers.length > RECORDS / 2, `${numbers.length} of ${RECORDS} were saved`);
  if (lines.some(({ event }) => event === 'outbox.file.aside')) {
    assert.is(await metric(registry, 'vigie_outbox_damaged_files_total'), 1);
    assert.ok((await metric(registry, 'vigie_outbox_salvaged_records_total')) > RECORDS / 2);
  }
  directory.remove();
});

test('a file that turns bad while the node runs is moved aside and the records of both lives arrive', async () => {
  const directory = temporaryDirectory();
  const first = await startOutbox(directory.path, 64 * 1024 * 1024);
  for (let i = 0; i < 40; i++) {
    const pad = Array.from({ length: 20_000 }, (_, k) => (k * i * 7919) % 1e6).join();
    await first.outbox.accept(record(first.clock, 'event', { i, pad }));
  }
  await first.outbox.stop();
  const path = join(directory.path, 'outbox.db');
  const content = readFileSync(path);
  assert.ok(content.length > 1024 * 1024);
  const { outbox, clock, lines } = await startOutbox(directory.path, 64 * 1024 * 1024);
  await until('it is open', () => outbox.health().state === 'ok');
  // Beneath SQLite's feet, in place, past what its cache holds.
  content.fill(0x5a, Math.floor(content.length / 2));
  spawnSync('sh', ['-c', 'cat > "$0"', path], { input: content });
  const numbers = (await takeAll(outbox)).map(({ body }) => JSON.parse(body).i);
  await outbox.accept(record(clock, 'event', { i: 'new' }));
  await until('records go through again', async () => {
    numbers.push(...(await takeAll(outbox)).map(({ body }) => JSON.parse(body).i));
    return numbers.includes('new');
  });
  assert.ok(new Set(numbers).size > 10, 'what could be read was saved');
  assert.ok(lines.some(({ event }) => event === 'outbox.file.aside' || event === 'outbox.record.damaged'));
  await outbox.stop();
  directory.remove();
});

test('at most three damaged files are kept', async () => {
  const directory = temporaryDirectory();
  for (let i = 0; i < 5; i++) {
    writeFileSync(
      join(directory.path, 'outbox.db'),
      'this is no database at all, but long enough to look at',
    );
    const { outbox, clock } = await startOutbox(directory.path);
    await outbox.accept(record(clock, 'event'));
    assert.match(outbox.health().detail, new RegExp(`corrupt-${i + 1}`));
    await outbox.stop();
  }
  const kept = readdirSync(directory.path).filter((name) => /corrupt-\d+$/.test(name));
  assert.equal(kept.sort(), ['outbox.db.corrupt-3', 'outbox.db.corrupt-4', 'outbox.db.corrupt-5']);
  directory.remove();
});

test.after(() => rmSync(image, { recursive: true, force: true }));
test('a first start that was cut short before its tables is no damage', async () => {
  const directory = temporaryDirectory();
  const db = new DatabaseSync(join(directory.path, 'outbox.db'));
  db.exec('PRAGMA page_size = 1024; PRAGMA journal_mode = WAL');
  db.close();
  const { outbox, clock, lines } = await startOutbox(directory.path);
  await outbox.accept(record(clock, 'event'));
  assert.not.ok(lines.some(({ event }) => event === 'outbox.file.aside'));
  await outbox.stop();
  directory.remove();
});

test.run();

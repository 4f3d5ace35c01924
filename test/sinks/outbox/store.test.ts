import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RECORD_CLASSES, type RecordClass } from '../../../runtime/core/messages.ts';
import { boundsOf, Disk } from '../../../runtime/sinks/outbox/disk.ts';
import { summarise } from '../../../runtime/sinks/outbox/inspect.ts';
import { databasePath } from '../../../runtime/sinks/outbox/open-database.ts';
import { salvage } from '../../../runtime/sinks/outbox/quarantine.ts';
import { costOf, type Entry, packBody } from '../../../runtime/sinks/outbox/record.ts';
import { outboxConfig, TestClock, temporaryDirectory } from './support/harness.ts';

/** What the store must do, as plain arrays. */
interface Model {
  rows: { seq: number; class: RecordClass; size: number }[];
  accepted: number;
  removed: number;
  evicted: number;
}

const MAX_BYTES = 1024 * 1024;
const bounds = boundsOf(outboxConfig(MAX_BYTES));

const open = (directory: string, boot = 'boot-1') =>
  Disk.open({
    directory,
    boot: { bootId: boot, kernel: 'kernel-1' },
    bounds,
    damaged: false,
    onAside: (path) => assert.unreachable(`${path} was moved aside`),
  });

function entry(seq: number, recordClass: RecordClass, size: number): Entry {
  // Noise does not compress, so that the bound is reached with few records.
  const text = Buffer.alloc(size);
  for (let i = 0, state = seq; i < size; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    text[i] = state >> 16;
  }
  const body = packBody(Buffer.from(JSON.stringify({ seq, text: text.toString('base64') })));
  return { class: recordClass, topic: 't', seq, ...body, ...new TestClock().stamp() };
}

const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      class: fc.constantFrom(...RECORD_CLASSES),
      count: fc.integer({ min: 1, max: 8 }),
      size: fc.constantFrom(10, 700, 9000, 60_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('remove' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      offset: fc.nat(20),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('checkpoint' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

/** All rows in sending order. */
function rowsOf(disk: Disk) {
  return RECORD_CLASSES.flatMap((name) =>
    disk.store.read(name, 0, 1e6, 1e9, (id) => assert.unreachable(`row ${id} is damaged`)),
  );
}

async function countAll(disk: Disk): Promise<void> {
  while (disk.totals.step(disk.store));
}

/** The oldest of the least important class go, and only for a class that is at least as important. */
function checkEviction(before: Model['rows'], after: Model['rows'], added: RecordClass): void {
  const kept = new Set(after.map(({ seq }) => seq));
  for (const name of RECORD_CLASSES) {
    const mine = before.filter((row) => row.class === name);
    const gone = mine.filter(({ seq }) => !kept.has(seq));
    assert.equal(gone, mine.slice(0, gone.length), `the oldest of ${name} went`);
    if (gone.length === 0) continue;
    assert.ok(RECORD_CLASSES.indexOf(name) >= RECORD_CLASSES.indexOf(added), `${name} yields to ${added}`);
    const lesser = RECORD_CLASSES.slice(RECORD_CLASSES.indexOf(name) + 1);
    const left = after.filter((row) => lesser.includes(row.class) && before.includes(row));
    assert.equal(left, [], `${name} went only after ${lesser.join()}`);
  }
}

test('the store behaves like a list with a bound, whatever is done to it', async () => {
  let everEvicted = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 25 }), async (operations) => {
      const directory = temporaryDirectory();
      const model: Model = { rows: [], accepted: 0, removed: 0, evicted: 0 };
      let seq = 0;
      let boots = 1;
      let disk = await open(directory.path);
      try {
        for (const op of operations) {
          if (op.do === 'write') {
            const entries = Array.from({ length: op.count }, () => entry(++seq, op.class, op.size));
            const outcome = disk.write(entries, [], undefined);
            for (const [i, e] of entries.entries()) {
              if (outcome.ids[i]) disk.totals.add(outcome.ids[i], costOf(e.bytes.length, e.topic.length));
            }
            await disk.sync();
            await disk.checkpointWhenDue();
            model.accepted += entries.length;
            const before = [
              ...model.rows,
              ...entries.map((e) => ({ seq: e.seq, class: op.class, size: op.size })),
            ];
            const present = new Set(rowsOf(disk).map((row) => row.seq));
            const after = before.filter((row) => present.has(row.seq));
            checkEviction(before, after, op.class);
            const evicted = RECORD_CLASSES.reduce((sum, name) => sum + outcome.evicted[name], 0);
            assert.equal(before.length - after.length, evicted, 'every eviction is counted');
            model.evicted += evicted;
            everEvicted += evicted;
            model.rows = after;
          } else if (op.do === 'remove') {
            const all = rowsOf(disk);
            const chosen = all.slice(op.offset, op.offset + Math.ceil(op.share * all.length));
            const outcome = disk.write([], [...chosen.map(({ id }) => id), 4_000_000_001], undefined);
            assert.equal(outcome.removed, chosen.length);
            const gone = new Set(chosen.map((row) => row.seq));
            model.rows = model.rows.filter((row) => !gone.has(row.seq));
            model.removed += gone.size;
          } else if (op.do === 'restart') {
            disk.close();
            boots += 1;
            disk = await open(directory.path, `boot-${boots}`);
            await countAll(disk);
          } else {
            await disk.sync();
          }
          const expected = RECORD_CLASSES.flatMap((name) => model.rows.filter((row) => row.class === name));
          const rows = rowsOf(disk);
          assert.equal(
            rows.map((row) => row.seq),
            expected.map((row) => row.seq),
            'order within the class',
          );
          assert.ok(rows.every((row) => JSON.parse(row.body).seq === row.seq));
          assert.ok(disk.store.usedBytes() <= bounds.database, 'the bound holds');
          assert.equal(model.accepted, model.rows.length + model.removed + model.evicted);
        }
        await countAll(disk);
        for (const name of RECORD_CLASSES) {
          assert.equal(disk.totals.records[name], model.rows.filter((row) => row.class === name).length);
        }
        assert.equal(
          disk.totals.bytes,
          rowsOf(disk).reduce((sum, row) => sum + row.cost, 0),
        );
      } finally {
        disk.close();
        directory.remove();
      }
    }),
    { numRuns: 60 },
  );
  assert.ok(everEvicted > 0, 'the bound was reached');
});

test('a transaction that fails leaves nothing behind and the next one works', async () => {
  const directory = temporaryDirectory();
  const disk = await open(directory.path);
  const bad = { ...entry(2, 'event', 10), topic: undefined as unknown as string };
  assert.throws(() => disk.write([entry(1, 'event', 10), bad], [], undefined));
  assert.equal(rowsOf(disk), []);
  assert.equal(disk.write([entry(1, 'event', 10)], [], undefined).ids, [4]);
  assert.equal(
    rowsOf(disk).map(({ seq, bootId }) => [seq, bootId]),
    [[1, 'boot-1']],
  );
  disk.close();
  directory.remove();
});

test('a file of before there were pictures is read as it is, and gets their table when a node opens it', async () => {
  const directory = temporaryDirectory();
  const before = await open(directory.path);
  before.write([entry(1, 'event', 10)], [], undefined);
  before.close();
  const file = databasePath(directory.path);
  const old = new DatabaseSync(file);
  old.exec('DROP TABLE record_picture');
  old.close();
  const { event, picture } = summarise(file).classes;
  assert.equal([event.records, picture.records], [1, 0]);
  assert.equal([...salvage(file)].flat().length, 1);
  const disk = await open(directory.path);
  disk.write([entry(2, 'picture', 10)], [], undefined);
  disk.close();
  const again = await open(directory.path);
  assert.equal(
    rowsOf(again).map((row) => [row.class, row.seq]),
    [
      ['event', 1],
      ['picture', 2],
    ],
  );
  again.close();
  directory.remove();
});

test('starts of the node are remembered as long as a record of theirs is there', async () => {
  const directory = temporaryDirectory();
  let ids: (number | undefined)[] = [];
  for (const boot of ['boot-1', 'boot-2', 'boot-3']) {
    const disk = await open(directory.path, boot);
    if (boot === 'boot-2') assert.equal(disk.store.bootIds(), ['boot-1']);
    if (boot === 'boot-3') assert.equal(disk.store.bootIds(), []);
    disk.write([], ids as number[], undefined);
    ids = boot === 'boot-1' ? [...disk.write([entry(1, 'event', 10)], [], 5).ids] : [];
    disk.close();
  }
  directory.remove();
});

test.run();

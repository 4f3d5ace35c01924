import fc from 'fast-check';
import { Registry } from 'prom-client';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { StorageError } from '../../../runtime/core/errors.ts';
import { createLog } from '../../../runtime/core/log.ts';
import type {
  OutboundRecord,
  Quality,
  QualityReason,
  Sample,
  Tag,
  Value,
} from '../../../runtime/core/messages.ts';
import { epochMillis, hours, millis, seconds } from '../../../runtime/core/units.ts';
import type { ReadingsBody } from '../../../runtime/sinks/readings/batch.ts';
import { ReadingsBatcher } from '../../../runtime/sinks/readings/readings.ts';
import { metric, TestClock, until } from '../outbox/support/harness.ts';

const tagOf = (index: number, extra: Partial<Tag> = {}): Tag => ({
  name: `t${index}`,
  index,
  source: 's',
  group: 'g',
  kind: 'value',
  unit: index % 2 ? 'mg/L' : '',
  period: seconds(5),
  deadband: 0,
  ...extra,
});

function sample(
  tag: Tag,
  at: number,
  value: Value | null,
  quality: Quality = 'good',
  reason?: QualityReason,
): Sample {
  const stamp = {
    mono: millis(1000 + at),
    wall: epochMillis(1_790_000_000_000 + at),
    timeQuality: 'synced',
  } as const;
  return { tag, value, quality, ...stamp, ...(reason ? { reason } : {}) };
}

function makeBatcher({ batch = hours(1), enabled = true, fail = false } = {}) {
  const registry = new Registry();
  const records: OutboundRecord[] = [];
  const accept = async (record: OutboundRecord) => {
    if (fail) throw new StorageError('outbox-full', 'the outbox is full');
    records.push(record);
  };
  const clock = new TestClock();
  const batcher = new ReadingsBatcher({
    accept,
    config: { enabled, batch },
    clock,
    registry,
    log: createLog('silent'),
  });
  const seriesOf = (i = 0) => (records[i]?.body as ReadingsBody | undefined)?.series ?? [];
  return { batcher, records, registry, seriesOf };
}

test('samples become one record with a column per tag', async () => {
  const { batcher, records, seriesOf, registry } = makeBatcher();
  await batcher.start();
  const [a, b] = [tagOf(0), tagOf(1)];
  batcher.accept([sample(a, 0, 2.1), sample(b, 3, 7)]);
  batcher.accept([sample(a, 5000, 2.123456789), sample(b, 5003, Number.NaN, 'bad', 'not-finite')]);
  batcher.accept([sample(a, 10_000, 123_456_789_012), sample(b, 10_003, null, 'bad', 'unit-offline')]);
  await batcher.stop();
  assert.is(records.length, 1);
  const { class: recordClass, topic, mono, wall, timeQuality, body } = records[0]!;
  assert.equal(
    [recordClass, topic, mono, wall, timeQuality],
    ['reading', 'readings', 1000, 1_790_000_000_000, 'synced'],
  );
  assert.is(body.schema, 'vigie.readings/1');
  assert.equal(seriesOf(), [
    { tag: 't0', t: [0, 5000, 10_000], v: [2.1, 2.123457, 123_456_789_012] },
    {
      tag: 't1',
      unit: 'mg/L',
      t: [3, 5003, 10_003],
      v: [7, null, null],
      q: [
        [1, 'bad', 'not-finite'],
        [2, 'bad', 'unit-offline'],
      ],
    },
  ]);
  assert.is(await metric(registry, 'vigie_readings_samples_total', { outcome: 'published' }), 6);
});

test('every kind of value has its JSON', async () => {
  const { batcher, records, seriesOf } = makeBatcher();
  const values: (Value | null)[] = [1n << 60n, true, 'running', null, Number.POSITIVE_INFINITY, -0.1, 1e300];
  const tag = tagOf(0);
  batcher.accept(values.map((value, i) => sample(tag, i, value, 'uncertain')));
  await batcher.stop();
  assert.equal(seriesOf()[0]?.v, ['1152921504606846976', true, 'running', null, null, -0.1, 1e300]);
  assert.equal(seriesOf()[0]?.q?.[0], [0, 'uncertain']);
  JSON.stringify(records);
});

test('the deadband lets changes, changes of quality and a heartbeat through', async () => {
  const { batcher, seriesOf, registry } = makeBatcher();
  const tag = tagOf(3, { deadband: 0.5 });
  const good = (at: number, value: Value) => batcher.accept([sample(tag, at, value)]);
  good(0, 10);
  good(5000, 10.4);
  good(10_000, 10.5);
  good(15_000, 10.1);
  batcher.accept([sample(tag, 20_000, 10.1, 'uncertain', 'stale')]);
  batcher.accept([sample(tag, 25_000, 10.1, 'uncertain', 'out-of-range')]);
  batcher.accept([sample(tag, 30_000, null, 'bad', 'timeout')]);
  batcher.accept([sample(tag, 35_000, null, 'bad', 'timeout')]);
  for (let i = 0; i < 25; i++) good(40_000 + i * 5000, 10);
  await batcher.stop();
  assert.equal(seriesOf()[0]?.t, [0, 10_000, 20_000, 25_000, 30_000, 40_000, 100_000, 160_000]);
  assert.is(await metric(registry, 'vigie_readings_samples_total', { outcome: 'suppressed' }), 25);
});

test('texts, flags and 64-bit integers are published when they change', async () => {
  const { batcher, seriesOf } = makeBatcher();
  const tag = tagOf(0, { deadband: 1 });
  const values: Value[] = ['on', 'on', 'off', true, true, 5n, 5n, 6n, 3, 3.5];
  batcher.accept(values.map((value, i) => sample(tag, i, value)));
  await batcher.stop();
  assert.equal(seriesOf()[0]?.v, ['on', 'off', true, '5', '6', 3]);
});

test('a batch ends where the clock was set, and its stamp is that of its earliest sample', async () => {
  const { batcher, records, seriesOf } = makeBatcher();
  const tag = tagOf(0);
  const unsynced = (at: number, wall: number): Sample => ({
    ...sample(tag, at, 1),
    wall: epochMillis(wall),
    timeQuality: 'unsynced',
  });
  batcher.accept([unsynced(0, 60_000), unsynced(100, 59_900)]);
  batcher.accept([unsynced(200, 1_790_000_000_000)]);
  batcher.accept([sample(tag, 300, 1)]);
  await batcher.stop();
  assert.equal(
    records.map(({ wall, mono, timeQuality }) => [wall, mono, timeQuality]),
    [
      [59_900, 1100, 'unsynced'],
      [1_790_000_000_000, 1200, 'unsynced'],
      [1_790_000_000_300, 1300, 'synced'],
    ],
  );
  assert.equal(seriesOf(0)[0]?.t, [100, 0]);
});

test('nothing is lost or moved whatever is read, and no record exceeds its size', async () => {
  const value = fc.oneof(
    { weight: 5, arbitrary: fc.double() },
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.boolean(),
    fc.string({ maxLength: 2000 }),
    fc.constant(null),
  );
  const item = fc.record({
    tag: fc.nat(40),
    at: fc.nat(60_000),
    value,
    quality: fc.constantFrom<Quality>('good', 'uncertain', 'bad'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(item, { minLength: 1, maxLength: 300 }),
      fc.integer({ min: 1, max: 100 }),
      async (items, repeat) => {
        const { batcher, records } = makeBatcher();
        const tags = Array.from({ length: 41 }, (_, i) => tagOf(i));
        for (let i = 0; i < repeat; i++) {
          batcher.accept(items.map((one) => sample(tags[one.tag]!, one.at, one.value, one.quality)));
        }
        await batcher.stop();
        let total = 0;
        const times = new Map<string, number[]>();
        for (const record of records) {
          assert.ok(Buffer.byteLength(JSON.stringify(record.body)) <= 256 * 1024);
          for (const { tag, t, v, q } of (record.body as ReadingsBody).series) {
            assert.is(t.length, v.length);
            for (const [at] of q ?? []) assert.ok(at < t.length);
            total += t.length;
            times.set(tag, [...(times.get(tag) ?? []), ...t.map((ms) => ms + record.wall)]);
          }
        }
        assert.is(total, items.length * repeat);
        for (const [name, found] of times) {
          const mine = items.filter(({ tag }) => `t${tag}` === name).map(({ at }) => at + 1_790_000_000_000);
          assert.equal(found, Array.from({ length: repeat }, () => mine).flat());
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('ten thousand samples a second fill records of a bounded size', async () => {
  const { batcher, records } = makeBatcher();
  const tags = Array.from({ length: 1000 }, (_, i) => tagOf(i));
  for (let tick = 0; tick < 100; tick++) {
    batcher.accept(tags.map((tag) => sample(tag, tick * 100, Math.fround(Math.sin(tick + tag.index)))));
  }
  await batcher.stop();
  const sizes = records.map(({ body }) => JSON.stringify(body).length);
  assert.ok(records.length < 30 && Math.max(...sizes) <= 256 * 1024, sizes.join());
});

test('the timer makes the record; refused readings are counted and shown', async () => {
  const timed = makeBatcher({ batch: millis(20) });
  await timed.batcher.start();
  timed.batcher.accept([sample(tagOf(0), 0, 1)]);
  await until('the record is there', () => timed.records.length === 1);
  await timed.batcher.stop();
  const refused = makeBatcher({ fail: true });
  refused.batcher.accept([sample(tagOf(0), 0, 1)]);
  await refused.batcher.stop();
  assert.is(await metric(refused.registry, 'vigie_readings_samples_total', { outcome: 'lost' }), 1);
  const off = makeBatcher({ enabled: false });
  await off.batcher.start();
  off.batcher.accept([sample(tagOf(0), 0, 1)]);
  await off.batcher.stop();
  assert.is(off.records.length, 0);
});

test.run();

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Sample, Tag } from '../../../runtime/core/messages.ts';
import { epochMillis, millis } from '../../../runtime/core/units.ts';
import { LatestTable } from '../../../runtime/pipeline/window/latest-table.ts';
import { makeTag } from '../analysis/harness.ts';

const at = (tag: Tag, mono: number, value: Sample['value'], part: Partial<Sample> = {}): Sample => ({
  tag,
  mono: millis(mono),
  wall: epochMillis(0),
  timeQuality: 'unsynced',
  value,
  quality: value === null ? 'bad' : 'good',
  ...part,
});

const three = () => [makeTag(0), makeTag(1), makeTag(2, { period: millis(10_000) })];

test('the cadence is the shortest period; booleans and 64-bit integers become numbers', () => {
  const tags = three();
  const table = new LatestTable(tags);
  assert.is(table.cadence, 1000);
  table.update(0, at(tags[0]!, 0, true));
  table.update(1, at(tags[1]!, 0, 12n));
  table.update(2, at(tags[2]!, 0, 3.5));
  assert.equal([...table.step(millis(0))], [1, 12, 3.5]);
});

test('bad, stale-marked, text and non-finite values are missing; out-of-range ones are there to be judged', () => {
  const tags = three();
  const table = new LatestTable(tags);
  const one = (value: Sample['value'], part: Partial<Sample> = {}) => {
    const taken = table.update(0, at(tags[0]!, 0, value, part));
    return [taken, table.step(millis(0))[0]];
  };
  assert.equal(one(5), ['value', 5]);
  assert.equal(one(null), ['missing', Number.NaN]);
  assert.equal(one(5, { quality: 'uncertain', reason: 'stale' }), ['missing', Number.NaN]);
  assert.equal(one(99, { quality: 'uncertain', reason: 'out-of-range' }), ['value', 99]);
  assert.equal(one('on'), ['text', Number.NaN]);
  assert.equal(one(Number.NaN), ['not-finite', Number.NaN]);
  assert.equal(one(Number.POSITIVE_INFINITY), ['not-finite', Number.NaN]);
  assert.equal(one(1e308), ['value', 1e15]);
});

test('each tag is held for three of its own periods, so that slow ones are there in every row', () => {
  const tags = three();
  const table = new LatestTable(tags);
  for (const [i, tag] of tags.entries()) table.update(i, at(tag, 0, i + 1));
  assert.equal([...table.step(millis(3000))], [1, 2, 3]);
  assert.equal([...table.step(millis(3001))], [Number.NaN, Number.NaN, 3]);
  assert.equal([...table.step(millis(30_001))], [Number.NaN, Number.NaN, Number.NaN]);
});

test('a round is complete when every fast tag that is alive was heard of', () => {
  const tags = three();
  const table = new LatestTable(tags);
  table.update(0, at(tags[0]!, 0, 1));
  assert.not(table.complete);
  table.update(1, at(tags[1]!, 0, 1));
  assert.ok(table.complete, 'the slow tag is not waited for');
  assert.not(table.primed);
  table.step(millis(0));
  assert.not(table.complete);
  // Tag 1 dies: after three periods rounds no longer wait for it.
  for (const now of [1000, 2000, 3000]) {
    table.update(0, at(tags[0]!, now, 1));
    assert.not(table.complete);
    table.step(millis(now));
  }
  table.update(0, at(tags[0]!, 4000, 1));
  table.step(millis(4000));
  table.update(0, at(tags[0]!, 5000, 1));
  assert.ok(table.complete);
});

test('a sample older than what is there changes nothing', () => {
  const tags = three();
  const table = new LatestTable(tags);
  table.update(0, at(tags[0]!, 1000, 2));
  assert.is(table.update(0, at(tags[0]!, 999, 1)), 'late');
  assert.is(table.step(millis(1000))[0], 2);
});

test('property: a row holds exactly the last usable value of each tag within its staleness', () => {
  const feed = fc.array(
    fc.record({
      column: fc.integer({ min: 0, max: 2 }),
      wait: fc.integer({ min: 0, max: 20_000 }),
      value: fc.oneof(fc.double(), fc.constant(null), fc.boolean(), fc.string(), fc.bigInt()),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(feed, fc.integer({ min: 0, max: 40_000 }), (steps, after) => {
      const tags = three();
      const table = new LatestTable(tags);
      const last = new Map<number, { mono: number; value: number }>();
      let now = 0;
      for (const { column, wait, value } of steps) {
        now += wait;
        table.update(column, at(tags[column]!, now, value));
        const number = typeof value === 'string' || value === null ? Number.NaN : Number(value);
        const usable = Number.isFinite(number) ? Math.max(-1e15, Math.min(1e15, number)) : Number.NaN;
        last.set(column, { mono: now, value: usable });
      }
      now += after;
      const expected = tags.map((tag, i) => {
        const latest = last.get(i);
        return latest && now - latest.mono <= 3 * tag.period ? latest.value : Number.NaN;
      });
      assert.equal([...table.step(millis(now))], expected);
    }),
    { numRuns: 200 },
  );
});

test.run();

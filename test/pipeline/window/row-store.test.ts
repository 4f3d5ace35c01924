import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RowStore, type SavedRows } from '../../../runtime/pipeline/window/row-store.ts';

function fill(maxRows: number, rows: number): RowStore {
  const store = new RowStore(2, maxRows);
  for (let i = 0; i < rows; i++) store.push([i, -i], i * 10);
  return store;
}

test('everything is kept, in order, until the bound is reached', () => {
  const rows = fill(100, 80).rows([0, 1]);
  assert.is(rows.count, 80);
  assert.is(rows.width, 2);
  assert.equal([...rows.data.subarray(156)], [78, -78, 79, -79]);
  assert.is(rows.mono[79], 790);
});

test('columns are picked', () => {
  assert.equal([...fill(100, 3).rows([1]).data], [-0, -1, -2]);
});

test('property: never more than the bound, spread over all that was seen, each row as it was', () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 600 }), fc.integer({ min: 1, max: 9000 }), (maxRows, count) => {
      const rows = fill(maxRows, count).rows([0, 1]);
      assert.ok(rows.count <= maxRows);
      assert.ok(rows.count >= Math.min(count, maxRows / 2 - maxRows / 50), `${rows.count} of ${count} kept`);
      const firsts: number[] = [];
      for (let r = 0; r < rows.count; r++) {
        const [a, b] = [rows.data[2 * r]!, rows.data[2 * r + 1]!];
        assert.is(b, -a);
        assert.is(rows.mono[r], a * 10);
        firsts.push(a);
      }
      // Even: no hole larger than a few of the average distance between runs of rows.
      const run = Math.max(1, Math.floor(maxRows / 50));
      const most = (count / rows.count) * run * 4;
      for (let r = 1; r < firsts.length; r++) assert.ok(firsts[r]! - firsts[r - 1]! <= most);
      assert.is(firsts[0], 0);
    }),
    { numRuns: 60 },
  );
});

test('runs of neighbouring rows stay whole', () => {
  const rows = fill(500, 20_000).rows([0]);
  let neighbours = 0;
  for (let r = 1; r < rows.count; r++) if (rows.data[r]! - rows.data[r - 1]! === 1) neighbours += 1;
  assert.ok(neighbours > rows.count * 0.85, `${neighbours} of ${rows.count}`);
});

test('a saved store goes on as if nothing had happened', () => {
  const through = fill(200, 3000);
  const first = fill(200, 1234);
  const second = new RowStore(2, 200);
  second.load(JSON.parse(JSON.stringify(first.save())) as SavedRows);
  for (let i = 1234; i < 3000; i++) second.push([i, -i], i * 10);
  assert.equal(second.rows([0, 1]), through.rows([0, 1]));
  assert.is(second.seen, 3000);
});

test('a smaller bound thins what is loaded', () => {
  const store = new RowStore(2, 100);
  store.load(fill(5000, 4000).save());
  assert.ok(store.count <= 100 && store.count > 20);
  for (let i = 4000; i < 9000; i++) store.push([i, -i], i * 10);
  assert.ok(store.count <= 100);
});

test('property: what is no saved store is refused and changes nothing', () => {
  const sound = fill(100, 50).save();
  const broken = fc.record(
    {
      width: fc.anything(),
      count: fc.anything(),
      seen: fc.anything(),
      stride: fc.anything(),
      run: fc.anything(),
      mono: fc.anything(),
      data: fc.anything(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(broken, (part) => {
      const store = new RowStore(2, 100);
      try {
        store.load({ ...sound, ...part } as SavedRows);
      } catch (error) {
        assert.is((error as { code?: string }).code, 'bad-state');
        assert.is(store.count, 0);
      }
      store.push([1, 2], 1e9);
      assert.ok(store.count <= 100);
    }),
    { numRuns: 300 },
  );
});

test.run();

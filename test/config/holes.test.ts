import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HOLE, withoutHoles } from '../../runtime/config/holes.ts';

test('lists close up, and every place in what is left leads back to the same value', () => {
  const list = fc.array(
    fc.oneof(
      fc.nat(),
      fc.constant(HOLE),
      fc.record({ units: fc.array(fc.oneof(fc.nat(), fc.constant(HOLE))) }),
    ),
  );
  fc.assert(
    fc.property(fc.record({ sources: list }), (data) => {
      const { kept, restore } = withoutHoles(data);
      const sources = (kept as { sources: unknown[] }).sources;
      assert.is(sources.length, data.sources.filter((item) => item !== HOLE).length);
      sources.forEach((item, i) => {
        const [, old] = restore(['sources', i]) as [string, number];
        const original = data.sources[old] as { units: unknown[] } | number;
        if (typeof original === 'number') {
          assert.is(item, original);
          return;
        }
        (item as { units: unknown[] }).units.forEach((unit, j) => {
          const path = restore(['sources', i, 'units', j, 'id']);
          assert.is(path[1], old);
          assert.is(original.units[path[3] as number], unit);
          assert.is(path[4], 'id');
        });
      });
    }),
  );
});

test('a path that leads nowhere stays as it is', () => {
  assert.equal(withoutHoles({ a: [1] }).restore(['a', 7, 'b', 2]), ['a', 7, 'b', 2]);
});

test.run();

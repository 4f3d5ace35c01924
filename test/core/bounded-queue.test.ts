import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BoundedQueue } from '../../runtime/core/bounded-queue.ts';

test('it behaves as a list that loses its head when it is full, whatever is done to it', () => {
  const operation = fc.oneof(
    { weight: 3, arbitrary: fc.constant('push' as const) },
    { weight: 2, arbitrary: fc.constant('shift' as const) },
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.array(operation, { maxLength: 60 }),
      (capacity, operations) => {
        const [model, dropped, expectedDrops]: number[][] = [[], [], []];
        const queue = new BoundedQueue<number>(capacity, (item) => dropped!.push(item));
        operations.forEach((what, i) => {
          if (what === 'shift') assert.is(queue.shift(), model!.shift());
          else {
            if (model!.length === capacity) expectedDrops!.push(model!.shift()!);
            model!.push(i);
            queue.push(i);
          }
          assert.is(queue.length, model!.length);
          assert.equal([...queue], model);
        });
        assert.equal(dropped, expectedDrops, 'each lost item was told');
      },
    ),
    { numRuns: 300 },
  );
});

test('undefined and null are items like others', () => {
  const queue = new BoundedQueue<undefined | null>(2, () => assert.unreachable());
  queue.push(undefined);
  queue.push(null);
  assert.equal([...queue], [undefined, null]);
  assert.equal([queue.length, queue.shift(), queue.shift(), queue.length], [2, undefined, null, 0]);
});

test.run();

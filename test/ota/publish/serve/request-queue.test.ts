/** Turns and shares. */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { QUEUE_LIMITS, RequestQueue } from '../../../../ota/publish/serve/request-queue.ts';

const request = (id: number, offset = id * 65_536) => ({
  id,
  subject: { blob: 'a'.repeat(64) },
  offset,
  length: 65_536,
});

test('nodes take turns, however much one asks for', () => {
  const queue = new RequestQueue(QUEUE_LIMITS);
  for (let i = 0; i < 10; i++) queue.push('greedy', request(i), 0);
  queue.push('modest', request(1), 0);
  const served = Array.from({ length: 3 }, () => queue.next(0)?.node);
  assert.equal(served, ['greedy', 'modest', 'greedy']);
});

test('who asks for the same again is answered once, under the later id', () => {
  const queue = new RequestQueue(QUEUE_LIMITS);
  queue.push('n', request(1, 0), 0);
  queue.push('n', request(2, 0), 0);
  assert.is(queue.next(0)?.request.id, 2);
  assert.is(queue.next(0), undefined);
  assert.not.ok(queue.waiting);
});

test('a node has so many requests waiting, and there are so many nodes', () => {
  const queue = new RequestQueue(QUEUE_LIMITS);
  const taken = Array.from({ length: 100 }, (_, i) => queue.push('n', request(i), 0)).filter(Boolean);
  assert.is(taken.length, 32);
  for (let i = 1; i < 4096; i++) assert.ok(queue.push(`n${i}`, request(i), 0));
  assert.not.ok(queue.push('one-more', request(1), 0));
  while (queue.next(0));
  assert.ok(queue.push('one-more', request(1), 1e9), 'a node that asked long ago gives its place');
});

test('no node has more than its share, nor all together, over any stretch of time', () => {
  const limits = { nodeBytesPerSecond: 100_000, nodeBurst: 200_000, bytesPerSecond: 250_000 };
  const steps = fc.array(fc.record({ after: fc.nat(400), node: fc.nat(3), id: fc.nat(50) }), {
    maxLength: 150,
  });
  fc.assert(
    fc.property(steps, (some) => {
      const queue = new RequestQueue(limits);
      const bytes = new Map<string, number>();
      let time = 0;
      for (const { after, node, id } of some) {
        time += after;
        queue.push(`n${node}`, request(id), time);
        for (let next = queue.next(time); next; next = queue.next(time))
          bytes.set(next.node, (bytes.get(next.node) ?? 0) + next.request.length);
        const all = [...bytes.values()].reduce((sum, one) => sum + one, 0);
        assert.ok(all <= 250_000 + time * 250 + 65_536);
        for (const one of bytes.values()) assert.ok(one <= 200_000 + time * 100 + 65_536);
      }
    }),
  );
});

test.run();

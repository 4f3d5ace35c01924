/** The drain against a broker made of chance: it may acknowledge, refuse, break; nothing is lost or overtaken. */

import fc from 'fast-check';
import { Registry } from 'prom-client';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SystemClock } from '../../../runtime/core/clock.ts';
import { createLog } from '../../../runtime/core/log.ts';
import { type EpochMillis, millis } from '../../../runtime/core/units.ts';
import { Drain } from '../../../runtime/sinks/mqtt/drain.ts';
import { Envelope } from '../../../runtime/sinks/mqtt/envelope.ts';
import { createMqttMetrics } from '../../../runtime/sinks/mqtt/metrics.ts';
import { MemoryQueue } from '../../support/memory-queue.ts';

/** A clock that the test moves; pauses of minutes pass at once. */
class TestClock extends SystemClock {
  now = 0;
  override mono() {
    return millis(this.now);
  }
  override wall() {
    return 1_700_000_000_000 as EpochMillis;
  }
}

interface Sent {
  readonly topic: string;
  readonly seq: number;
  readonly done: (code: number) => void;
}

function rig(window = 4, perSecond = 100_000) {
  const queue = new MemoryQueue();
  const clock = new TestClock(() => true);
  const drain = new Drain({
    queue,
    envelope: new Envelope({ site: 's', node: 'n' }),
    loadSnapshot: async () => 'gone',
    topicPrefix: '',
    bootId: queue.bootId,
    window,
    perSecond,
    clock,
    log: createLog('silent'),
    metrics: createMqttMetrics(new Registry()),
  });
  const sent: Sent[] = [];
  const limits = { receiveMaximum: 65_535, maximumPacketSize: Number.POSITIVE_INFINITY, claimed: () => 0 };
  const up = () =>
    drain.up(
      (topic, payload, done) => sent.push({ topic, seq: JSON.parse(String(payload)).seq, done }),
      limits,
    );
  return { queue, clock, drain, sent, up };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
async function settle() {
  for (let i = 0; i < 10; i++) await turn();
}

test('whatever the broker does, each record is acknowledged once it relents, in order within its topic', async () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('ack' as const), count: fc.integer({ min: 1, max: 5 }) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('push' as const),
        topic: fc.constantFrom('readings', 'events/anomaly', 'events/other'),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('refuse' as const), code: fc.constantFrom(135, 149, 151) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('break' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 400_000 }) }),
    },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 8 }),
      async (steps, window) => {
        const { queue, clock, drain, sent, up } = rig(window);
        const acknowledged: { topic: string; seq: number }[] = [];
        let denied = false;
        const push = (topic: string) =>
          queue.push(topic === 'readings' ? 'reading' : 'event', topic, { schema: 'x' });
        const answer = (code: number) => {
          const next = sent.shift();
          if (!next) return;
          if (code === 0) acknowledged.push(next);
          else denied = true;
          next.done(code);
        };
        for (let i = 0; i < 10; i++) push(i % 3 ? 'readings' : 'events/anomaly');
        up();
        for (const action of steps) {
          await settle();
          assert.ok(sent.length <= window, `${sent.length} on their way, ${window} allowed`);
          if (action.do === 'push') push(action.topic);
          else if (action.do === 'ack') for (let i = 0; i < action.count; i++) answer(0);
          else if (action.do === 'refuse') answer(action.code);
          else if (action.do === 'wait') clock.now += action.ms;
          else {
            drain.down();
            sent.length = 0;
            up();
          }
        }
        for (let i = 0; i < 2000 && queue.records.length > 0; i++) {
          answer(0);
          await settle();
          // The end of a pause is noticed at the next occasion: here a new record.
          if (sent.length === 0 && queue.records.length > 0) {
            clock.now += 400_000;
            push('events/other');
          }
        }
        await settle();
        assert.is(queue.records.length, 0, 'everything left');
        assert.is(new Set(queue.removed).size, queue.removed.length);
        if (denied) return;
        for (const topic of ['readings', 'events/anomaly', 'events/other']) {
          const order = [
            ...new Set(acknowledged.filter((record) => record.topic === topic).map(({ seq }) => seq)),
          ];
          assert.equal(
            order,
            [...order].sort((a, b) => a - b),
            topic,
          );
        }
      },
    ),
    { numRuns: 60, includeErrorInReport: true },
  );
});

test('a connection starts with one record and opens up with its acknowledgements', async () => {
  const { queue, sent, up } = rig(8);
  for (let i = 0; i < 50; i++) queue.push('reading', 'readings', {});
  up();
  const widths: number[] = [];
  for (let i = 0; i < 5; i++) {
    await settle();
    widths.push(sent.length);
    for (const { done } of sent.splice(0)) done(0);
  }
  assert.equal(widths, [1, 2, 4, 8, 8]);
});

test('an unacknowledged record is sent again on the next connection, and only there', async () => {
  const { queue, drain, sent, up } = rig();
  queue.push('event', 'events/anomaly', {});
  up();
  await settle();
  const [first] = sent;
  drain.down();
  await settle();
  assert.is(sent.length, 1);
  first!.done(0);
  await settle();
  assert.is(queue.records.length, 1, 'an answer from the old connection counts for nothing');
  up();
  await settle();
  assert.is(sent.length, 2);
  sent[1]!.done(0);
  await settle();
  assert.is(queue.records.length, 0);
});

test('an event passes a backlog that waits for its rate, without the clock moving', async () => {
  const { queue, sent, up } = rig(2, 1);
  for (let i = 0; i < 100; i++) queue.push('reading', 'readings', {});
  up();
  await settle();
  sent.shift()!.done(0);
  await settle();
  assert.is(sent.length, 0, 'the rate is used up');
  for (let i = 0; i < 3; i++) {
    queue.push('event', 'events/anomaly', {});
    await settle();
    assert.equal(
      sent.map(({ topic }) => topic),
      ['events/anomaly'],
    );
    sent.shift()!.done(0);
    await settle();
  }
});

test('more held records than may be parked do not keep a new event waiting for the pause of their topic', async () => {
  const { queue, clock, sent, up } = rig(10);
  for (let i = 0; i < 500; i++) queue.push('reading', 'readings', {});
  up();
  await settle();
  sent.shift()!.done(135);
  await settle();
  assert.is(sent.length, 0);
  clock.now += 1500;
  queue.push('event', 'events/anomaly', {});
  await settle();
  assert.equal(
    sent.map(({ topic }) => topic),
    ['events/anomaly'],
  );
  sent.shift()!.done(0);
  await settle();
  assert.is(queue.records.length, 500);
});

test.run();

import { setImmediate as immediate } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createLog } from '../../../runtime/core/log.ts';
import type { OutboundRecord } from '../../../runtime/core/messages.ts';
import { hours, millis, minutes } from '../../../runtime/core/units.ts';
import { AlarmRate } from '../../../runtime/pipeline/analysis/alarm-rate.ts';
import { EventSender } from '../../../runtime/pipeline/analysis/event-sender.ts';
import { analysisMetrics } from '../../../runtime/pipeline/analysis/metrics.ts';
import { ManualClock } from './harness.ts';

const record = (n: number): OutboundRecord => ({
  ...new ManualClock().stamp(),
  class: 'event',
  topic: 'events/anomaly',
  body: { n },
});

function setup(capacity?: number) {
  const taken: unknown[] = [];
  const state = { refuse: false };
  const metrics = analysisMetrics(new Registry(), () => 0);
  const accept = async (one: OutboundRecord) => {
    await immediate();
    if (state.refuse) throw new TypeError('disk full');
    taken.push(one.body.n);
  };
  const sender = new EventSender(accept, createLog('silent'), metrics, capacity);
  return { sender, taken, state, metrics };
}

const total = async (counter: { get(): Promise<{ values: { value: number }[] }> }) =>
  (await counter.get()).values[0]?.value;

test('a disk that takes for ever does not hold up the end; what waits is handed over all the same', async () => {
  const handed: unknown[] = [];
  const never = (one: OutboundRecord) => {
    handed.push(one.body.n);
    return new Promise<void>(() => {});
  };
  const sender = new EventSender(
    never,
    createLog('silent'),
    analysisMetrics(new Registry(), () => 0),
  );
  for (const n of [1, 2, 3]) sender.send(record(n));
  assert.equal(handed, [1]);
  await sender.settle(millis(20));
  assert.equal(handed, [1, 2, 3]);
});

test('what the outbox refuses is kept, in order, until it takes it', async () => {
  const { sender, taken, state, metrics } = setup();
  state.refuse = true;
  for (const n of [1, 2, 3]) sender.send(record(n));
  await sender.flush();
  assert.is(sender.problem, 'disk full');
  assert.equal(taken, []);
  await sender.flush();
  assert.is(await total(metrics.eventErrors), 2);
  state.refuse = false;
  sender.send(record(4));
  await sender.flush();
  assert.equal(taken, [1, 2, 3, 4]);
  assert.is(sender.problem, '');
});

test('beyond its room the oldest go, and are counted', async () => {
  const { sender, taken, state, metrics } = setup(2);
  state.refuse = true;
  for (const n of [1, 2, 3, 4, 5]) sender.send(record(n));
  await sender.flush();
  state.refuse = false;
  await sender.flush();
  assert.equal(taken, [1, 4, 5]);
  assert.is(await total(metrics.eventsDropped), 2);
});

test('a record sent right after a flush that found nothing leaves at once', async () => {
  const { sender, taken } = setup();
  void sender.flush();
  sender.send(record(1));
  await sender.flush();
  assert.equal(taken, [1]);
});

test('the alarm rate counts the last hour', () => {
  const rate = new AlarmRate();
  assert.is(rate.lastHour(hours(0)), 0);
  rate.add(minutes(0));
  rate.add(minutes(30));
  assert.is(rate.lastHour(minutes(59)), 2);
  assert.is(rate.lastHour(minutes(61)), 1);
  assert.is(rate.lastHour(minutes(91)), 0);
});

test.run();

/** The broker goes and comes back: nothing is lost, order is kept, live events are not starved. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { endAll, PREFIX, startRig, subscribe, until, withoutDuplicates } from '../sinks/mqtt/harness.ts';
import { MemoryQueue } from '../support/memory-queue.ts';
import { startMosquitto } from '../support/mosquitto.ts';

const reading = (i: number) => ({ schema: 'vigie.readings/1', series: [], i });
const event = (i: number) => ({ schema: 'vigie.anomaly/1', id: `e${i}` });

test.after(endAll);

test('what was accepted while the broker was away arrives once it is back: events first, each class in order', async () => {
  const broker = await startMosquitto({ persistent: true });
  const ears = await subscribe(broker.url, `${PREFIX}#`, {
    clean: false,
    clientId: 'ears',
    properties: { sessionExpiryInterval: 600 },
  });
  await broker.halt(true);
  const queue = new MemoryQueue();
  const rig = await startRig({ url: broker.url }, { queue });
  for (let i = 0; i < 300; i++) {
    queue.push('reading', 'readings', reading(i));
    if (i % 30 === 0) queue.push('event', 'events/anomaly', event(i));
    if (i % 50 === 0) queue.push('health', 'events/health', { schema: 'vigie.health/1', i });
  }
  await until(() => rig.sink.health().state === 'degraded', 'a health that tells of the broker');
  assert.match(rig.sink.health().detail, /nothing listens at mqtt:/);
  await broker.resume();
  await until(
    () => queue.records.length === 0,
    () => `an empty outbox, still ${queue.records.length}`,
  );
  const records = () => withoutDuplicates(ears.messages.filter(({ body }) => body.seq));
  await until(
    () => records().length === 316,
    () => `all records, ${records().length} so far`,
  );
  const topics = records().map(({ topic }) => topic.slice(PREFIX.length));
  assert.equal(topics.slice(0, 10), new Array(10).fill('events/anomaly'));
  assert.equal(topics.slice(10, 16), new Array(6).fill('events/health'));
  for (const name of ['events/anomaly', 'events/health', 'readings']) {
    const order = records()
      .filter(({ topic }) => topic === PREFIX + name)
      .map(({ body }) => body.seq);
    assert.equal(
      order,
      [...order].sort((a, b) => a - b),
      name,
    );
  }
  assert.is(rig.sink.health().state, 'ok');
  assert.ok((await rig.metric('vigie_mqtt_disconnects_total', { reason: 'refused' })) >= 1);
  await rig.stop();
  await ears.close();
  await broker.stop();
});

test('a broker that restarts in the middle of a drain costs duplicates at most', async () => {
  const broker = await startMosquitto({ persistent: true });
  const ears = await subscribe(broker.url, `${PREFIX}#`, {
    clean: false,
    clientId: 'ears',
    properties: { sessionExpiryInterval: 600 },
  });
  const queue = new MemoryQueue();
  for (let i = 0; i < 1500; i++) queue.push('reading', 'readings', reading(i));
  const rig = await startRig({ url: broker.url, drainPerSecond: 2000 }, { queue });
  for (const left of [1200, 800, 400]) {
    await until(
      () => queue.records.length < left,
      () => `progress below ${left}, still ${queue.records.length}`,
    );
    await broker.halt(true);
    await broker.resume();
  }
  await until(
    () => queue.records.length === 0,
    () => `an empty outbox, still ${queue.records.length}`,
  );
  const distinct = () => withoutDuplicates(ears.on('readings'));
  await until(
    () => distinct().length === 1500,
    () => `1500 distinct readings, ${distinct().length} so far`,
  );
  assert.equal(
    distinct().map(({ body }) => body.i),
    Array.from({ length: 1500 }, (_, i) => i),
  );
  assert.is(await rig.metric('vigie_mqtt_connects_total'), 4);
  assert.is(new Set(queue.removed).size, 1500);
  await rig.stop();
  await ears.close();
  await broker.stop();
});

test('a live event overtakes a large backlog', async () => {
  const broker = await startMosquitto();
  const ears = await subscribe(broker.url);
  const queue = new MemoryQueue();
  for (let i = 0; i < 2000; i++) queue.push('reading', 'readings', reading(i));
  const rig = await startRig({ url: broker.url, drainPerSecond: 200, inflight: 10 }, { queue });
  const readings = () => ears.on('readings').length;
  for (let i = 0; i < 5; i++) {
    const before = readings() + 10;
    await until(() => readings() >= before, 'the backlog to move');
    queue.push('event', 'events/anomaly', event(i));
    const sent = readings();
    await until(() => ears.on('events/anomaly').length === i + 1, `event ${i}`);
    const at = ears.messages.findIndex(({ body }) => body.id === `e${i}`);
    const overtaken = ears.messages.slice(0, at).filter(({ topic }) => topic === `${PREFIX}readings`).length;
    // A window on its way, and what the subscriber's own socket held back, may lie between.
    assert.ok(overtaken - sent <= 30, `${overtaken - sent} readings went before event ${i}`);
  }
  assert.ok(queue.records.length > 1000, 'the backlog is still there: the events did not wait for it');
  await rig.stop();
  await ears.close();
  await broker.stop();
});

test('nothing leaves faster than the drain rate allows, but for events', async () => {
  const broker = await startMosquitto();
  const queue = new MemoryQueue();
  for (let i = 0; i < 50; i++) queue.push('reading', 'readings', reading(i));
  for (let i = 0; i < 50; i++) queue.push('event', 'events/anomaly', event(i));
  const rig = await startRig({ url: broker.url, drainPerSecond: 1 }, { queue });
  await until(() => queue.depth().byClass.event === 0, 'all events');
  assert.ok(queue.depth().byClass.reading > 0);
  await rig.stop();
  await broker.stop();
});

test('stopping leaves what was not acknowledged in the outbox, and says goodbye', async () => {
  const broker = await startMosquitto();
  const ears = await subscribe(broker.url, `${PREFIX}status`);
  const queue = new MemoryQueue();
  for (let i = 0; i < 5000; i++) queue.push('reading', 'readings', reading(i));
  const rig = await startRig({ url: broker.url }, { queue });
  await until(() => queue.removed.length > 50, 'some progress');
  await rig.stop();
  await rig.stop();
  assert.is(rig.sink.health().state, 'stopped');
  assert.is(queue.removed.length + queue.records.length, 5000);
  await until(() => ears.messages.some(({ body }) => body.reason === 'stopped'), 'the farewell');
  assert.equal(
    ears.messages.map(({ body }) => body.state),
    ['online', 'offline'],
  );
  await ears.close();
  await broker.stop();
});

test('two nodes with one client id are told apart in the health of both', async () => {
  const broker = await startMosquitto();
  const rigs = [
    await startRig({ url: broker.url, clientId: 'twin' }),
    await startRig({ url: broker.url, clientId: 'twin' }),
  ];
  await until(
    () =>
      rigs.every(
        ({ sink }) => sink.health().state === 'degraded' && /client id 'twin'/.test(sink.health().detail),
      ),
    'both to notice',
  );
  await Promise.all(rigs.map((rig) => rig.stop()));
  await broker.stop();
});

test('the status is told again when the health changes, and only then', async () => {
  const broker = await startMosquitto();
  const ears = await subscribe(broker.url, `${PREFIX}status`);
  const rig = await startRig({ url: broker.url });
  await until(() => ears.messages.length === 1, 'the birth message');
  rig.health('unit 3 is offline');
  await until(() => ears.messages.length === 2, 'the change');
  assert.is(ears.messages[1]!.body.health.detail, 'unit 3 is offline');
  assert.equal([ears.messages[0]!.body.state, ears.messages[0]!.body.version], ['online', '0.1.0']);
  const late = await subscribe(broker.url, `${PREFIX}status`);
  await until(() => late.messages.length === 1, 'the retained status');
  assert.ok(late.messages[0]!.packet.retain);
  await rig.stop();
  await Promise.all([ears.close(), late.close()]);
  await broker.stop();
});

test.run();

/** Pictures on their way to the broker: one at a time, behind everything else, and none of them for ever. */

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SystemClock } from '../../../runtime/core/clock.ts';
import { createLog } from '../../../runtime/core/log.ts';
import { Drain } from '../../../runtime/sinks/mqtt/drain.ts';
import { Envelope } from '../../../runtime/sinks/mqtt/envelope.ts';
import { createMqttMetrics } from '../../../runtime/sinks/mqtt/metrics.ts';
import { snapshotLoader } from '../../../runtime/sinks/mqtt/snapshot-message.ts';
import { MemoryQueue } from '../../support/memory-queue.ts';
import { startMosquitto } from '../../support/mosquitto.ts';
import { waitFor } from '../../support/wait.ts';
import { endAll, PREFIX, startRig, subscribe } from './harness.ts';

const directory = mkdtempSync(join(tmpdir(), 'vigie-pictures-'));
mkdirSync(join(directory, 'snapshots/gate'), { recursive: true });
test.after(async () => {
  await endAll();
  rmSync(directory, { recursive: true });
});

const ORIGIN = { site: 's', node: 'n' };

/** Of so many bytes on the disk, and the body of its record. */
function picture(event: string, size = 1000, fill = 7) {
  const jpeg = Buffer.alloc(size, fill);
  const ref = `snapshots/gate/${event}.jpg`;
  writeFileSync(join(directory, ref), jpeg);
  const sha256 = createHash('sha256').update(jpeg).digest('hex');
  return { schema: 'vigie.snapshot/1', camera: 'gate', event, ref, width: 4, height: 2, bytes: size, sha256 };
}

function rig(maximumPacketSize = Number.POSITIVE_INFINITY) {
  const queue = new MemoryQueue();
  const registry = new Registry();
  const drain = new Drain({
    queue,
    envelope: new Envelope(ORIGIN),
    loadSnapshot: snapshotLoader(directory, ORIGIN),
    topicPrefix: '',
    bootId: queue.bootId,
    window: 8,
    perSecond: 100_000,
    clock: new SystemClock(() => true),
    log: createLog('silent'),
    metrics: createMqttMetrics(registry),
  });
  const sent: { topic: string; size: number; done: (code: number) => void }[] = [];
  const limits = { receiveMaximum: 65_535, maximumPacketSize, claimed: () => 0 };
  const up = () =>
    drain.up((topic, payload, done) => void sent.push({ topic, size: payload.length, done }), limits);
  const passedOver = async (reason: string) => {
    const metric = await registry.getSingleMetric('vigie_mqtt_passed_over_snapshots_total')!.get();
    return metric.values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
  };
  const push = (body: ReturnType<typeof picture>) =>
    queue.push('picture', `snapshots/${body.camera}/${body.event}`, body);
  return { queue, drain, sent, up, push, passedOver };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 30));

test('one picture is on its way at a time, and an event passes those that wait', async () => {
  const { queue, sent, up, push } = rig();
  // The window is wide open after these.
  for (let i = 0; i < 8; i++) queue.push('reading', 'readings', {});
  up();
  await waitFor('readings', () => {
    for (const { done } of sent.splice(0)) done(0);
    return queue.records.length === 0;
  });
  for (const event of ['a', 'b', 'c']) push(picture(event));
  await waitFor('a picture', () => sent.length > 0);
  await settle();
  assert.equal(
    sent.map(({ topic }) => topic),
    ['snapshots/gate/a'],
  );
  queue.push('event', 'events/detection', {});
  queue.push('reading', 'readings', {});
  await waitFor('the others', () => sent.length === 3);
  assert.equal(
    sent.map(({ topic }) => topic),
    ['snapshots/gate/a', 'events/detection', 'readings'],
  );
  for (const { done } of sent.splice(0)) done(0);
  await waitFor('the next picture', () => sent.length > 0);
  assert.is(sent[0]!.topic, 'snapshots/gate/b');
});

test('a picture without its PUBACK is sent again on the next connection', async () => {
  const { queue, drain, sent, up, push } = rig();
  push(picture('a'));
  up();
  await waitFor('the picture', () => sent.length === 1);
  drain.down();
  up();
  await waitFor('it again', () => sent.length === 2);
  sent[0]!.done(0);
  await settle();
  assert.is(queue.records.length, 1);
  sent[1]!.done(0);
  await waitFor('an empty queue', () => queue.records.length === 0);
});

test('a picture that is gone, or followed by a better one, is passed over and counted', async () => {
  const { queue, sent, up, push, passedOver } = rig();
  push({ ...picture('a'), ref: 'snapshots/gate/none.jpg' });
  push(picture('b', 1000, 1));
  push(picture('b', 1500, 2));
  up();
  await waitFor('the better one', () => sent.length === 1);
  assert.equal([sent[0]!.topic, sent[0]!.size], ['snapshots/gate/b', 1500]);
  sent[0]!.done(0);
  await waitFor('an empty queue', () => queue.records.length === 0);
  assert.equal([await passedOver('gone'), await passedOver('replaced')], [1, 1]);
});

test('a picture larger than the broker takes goes nowhere, and nothing waits behind it', async () => {
  const { queue, sent, up, push, passedOver } = rig(2000);
  push(picture('large', 3000));
  push(picture('small', 500));
  up();
  await waitFor('the small one', () => sent.length === 1);
  assert.is(sent[0]!.topic, 'snapshots/gate/small');
  sent[0]!.done(149);
  await waitFor('an empty queue', () => queue.records.length === 0);
  assert.is(await passedOver('too-large'), 2);
});

test('a topic that the broker denies waits with its pictures; events go on', async () => {
  const { queue, sent, up, push } = rig();
  push(picture('a'));
  up();
  await waitFor('the picture', () => sent.length === 1);
  sent[0]!.done(135);
  queue.push('event', 'events/detection', {});
  await waitFor('the event', () => sent.length === 2);
  sent[1]!.done(0);
  await settle();
  assert.equal(
    queue.records.map(({ class: name }) => name),
    ['picture'],
  );
});

test('with MQTT 3.1.1 the picture goes without properties', async () => {
  const broker = await startMosquitto();
  const ears = await subscribe(broker.url);
  const { queue, stop } = await startRig({ url: broker.url, version: 4 }, { dataDir: directory });
  queue.push('picture', 'snapshots/gate/a', picture('a', 70_000));
  await waitFor('an empty queue', () => queue.records.length === 0);
  const [message] = ears.on('snapshots/gate/a');
  assert.is(message?.topic, `${PREFIX}snapshots/gate/a`);
  assert.is(message?.packet.payload.length, 70_000);
  await stop();
  await ears.close();
  await broker.stop();
});

test.run();

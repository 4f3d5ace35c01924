/** Updates over the node's own connection: subscriptions that hold over reconnections, errors that can be tried again. */

import { connectAsync } from 'mqtt';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startMosquitto } from '../../support/mosquitto.ts';
import { rejects } from '../../support/rejects.ts';
import { waitFor } from '../../support/wait.ts';
import { endAll, makeRig } from './harness.ts';

test.after(endAll);
const bytes = (text: string) => Buffer.from(text);

test('it needs a connection, and says so', async () => {
  const { sink } = makeRig({ url: 'mqtt://127.0.0.1:9' });
  const delivery = { qos: 0, retain: false } as const;
  assert.ok((await rejects(sink.updates.publish('a', bytes('x'), delivery), 'ota-transport')).retryable);
  await rejects(
    sink.updates.subscribe('a', () => {}),
    'ota-transport',
  );
});

test('messages come and go, wildcards too, over a broker that restarts, until they are not wanted', async () => {
  const broker = await startMosquitto();
  const rig = makeRig({ url: broker.url });
  const { updates } = rig.sink;
  await rig.sink.start();
  await waitFor('the connection', () => updates.connected);
  const seen: string[] = [];
  const leave = await updates.subscribe('vigie/plant/ota/v1/blob/+/1', (topic, payload) => {
    seen.push(`${topic} ${Buffer.from(payload)}`);
  });
  await updates.publish('vigie/plant/ota/v1/blob/a/1', bytes('one'), { qos: 0, retain: false });
  await updates.publish('vigie/plant/ota/v1/blob/a/2', bytes('other'), { qos: 1, retain: false });
  await waitFor('the first', () => seen.length === 1);

  await broker.halt();
  await waitFor('the end', () => !updates.connected);
  await broker.resume();
  await waitFor('the connection', () => updates.connected);
  const other = await connectAsync(broker.url);
  await waitFor('the subscription', async () => {
    await other.publishAsync('vigie/plant/ota/v1/blob/b/1', 'two');
    return seen.some((text) => text.endsWith('two'));
  });
  leave();
  const count = seen.length;
  await updates.publish('vigie/plant/ota/v1/blob/a/1', bytes('three'), { qos: 1, retain: true });
  const retained: string[] = [];
  const leaveToo = await updates.subscribe('vigie/plant/ota/v1/blob/a/1', (_topic, payload) => {
    retained.push(Buffer.from(payload).toString());
  });
  await waitFor('what is retained', () => retained.length === 1);
  assert.is(seen.length, count);
  leaveToo();
  await other.endAsync(true);
  await rig.stop();
  await broker.stop();
});

test.run();

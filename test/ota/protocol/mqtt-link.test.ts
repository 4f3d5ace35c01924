/** The link over a real mosquitto. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connectLink } from '../../../ota/protocol/mqtt-link.ts';
import { startMosquitto } from '../../support/mosquitto.ts';
import { rejects } from '../../support/rejects.ts';
import { waitFor } from '../../support/wait.ts';

const NOW = { qos: 0, retain: false } as const;

test('subscriptions hold over a loss of the broker, and nothing is queued meanwhile', async () => {
  const broker = await startMosquitto();
  const link = await connectLink(broker.url);
  try {
    const got: string[] = [];
    const leave = await link.subscribe('a/+/c', (topic, payload) =>
      got.push(`${topic} ${Buffer.from(payload)}`),
    );
    await link.publish('a/b/c', Buffer.from('1'), NOW);
    await link.publish('a/b/d', Buffer.from('2'), NOW);
    await waitFor('the message', () => got.length > 0);
    await broker.halt();
    await waitFor('the loss', () => !link.connected);
    await rejects(link.publish('a/b/c', Buffer.from('3'), NOW), 'ota-transport');
    await broker.resume();
    await waitFor('the connection', () => link.connected);
    await waitFor('a message', async () => {
      await link.publish('a/x/c', Buffer.from('4'), NOW).catch(() => undefined);
      return got.length > 1;
    });
    assert.equal([...new Set(got)], ['a/b/c 1', 'a/x/c 4']);
    leave();
  } finally {
    await link.close();
    await broker.stop();
  }
});

test('a retained message comes to each who subscribes, also where somebody else listens', async () => {
  const broker = await startMosquitto();
  const link = await connectLink(broker.url);
  try {
    await link.publish('open/x', Buffer.from('kept'), { qos: 1, retain: true });
    for (let i = 0; i < 2; i++) {
      const got: string[] = [];
      await link.subscribe('open/#', (_topic, payload) => got.push(String(Buffer.from(payload))));
      await waitFor('the retained message', () => got.includes('kept'));
    }
  } finally {
    await link.close();
    await broker.stop();
  }
});

test('a broker that is not there is said within the time to connect', async () => {
  const broker = await startMosquitto();
  await broker.stop();
  await rejects(connectLink(broker.url), 'ota-transport');
});

test.run();

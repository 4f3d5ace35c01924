/** The link over a real mosquitto. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connectLink } from '../../../ota/protocol/mqtt-link.ts';
import { OtaTopics } from '../../../ota/protocol/topics.ts';
import { packageRoot } from '../../../runtime/core/paths.ts';
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

test('the broker rules of docs/ota-protocol.md: a node hears all, and speaks for itself alone', async () => {
  const docs = readFileSync(join(packageRoot, 'docs/ota-protocol.md'), 'utf8');
  const rules = /```\n(pattern [^`]*)```/.exec(docs)![1]!.replaceAll('SITE', 'test').trim().split('\n');
  // mosquitto takes the rules of users first.
  const blank = rules.indexOf('');
  const acl = [...rules.slice(blank + 1), '', ...rules.slice(0, blank)];
  const broker = await startMosquitto({ acl, passwords: { hub: 'h', n1: 'n' } });
  const hub = await connectLink(broker.url, { username: 'hub', password: 'h' });
  const node = await connectLink(broker.url, { username: 'n1', password: 'n' });
  try {
    const topics = new OtaTopics('test');
    const byHub: string[] = [];
    const byNode: string[] = [];
    await hub.subscribe(`${topics.root}/#`, (topic) => byHub.push(topic));
    await node.subscribe(`${topics.root}/#`, (topic) => byNode.push(topic));
    await node.publish(topics.request('n1'), Buffer.from('x'), NOW);
    await hub.publish(topics.response('n1'), Buffer.from('x'), NOW);
    const allowed = [topics.request('n1'), topics.response('n1')];
    await waitFor('what is allowed', () => byHub.length === 2 && byNode.length === 2);
    assert.equal(byNode.sort(), allowed);
    for (const topic of [topics.response('n1'), topics.announce, topics.request('n2'), topics.state('n2')]) {
      // Some brokers end the connection of who does what it must not.
      await waitFor('the connection', () => node.connected);
      await node.publish(topic, Buffer.from('forged'), NOW).catch(() => undefined);
    }
    await waitFor('the connection', () => node.connected);
    await waitFor('a request', async () => {
      await node.publish(topics.request('n1'), Buffer.from('y'), NOW).catch(() => undefined);
      return byHub.length > 2;
    });
    assert.equal([...new Set(byHub)].sort(), allowed);
  } finally {
    await Promise.all([hub.close(), node.close()]);
    await broker.stop();
  }
});

test('a broker that is not there is said within the time to connect', async () => {
  const broker = await startMosquitto();
  await broker.stop();
  await rejects(connectLink(broker.url), 'ota-transport');
});

test.run();

/** Broadcasts that begin by themselves: when, how often, and what they save of a real wave. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MqttSource } from '../../../../ota/client/transport/mqtt-source.ts';
import { connectLink, type MqttLink } from '../../../../ota/protocol/mqtt-link.ts';
import { Hub } from '../../../../ota/publish/serve/hub.ts';
import { OnDemand } from '../../../../ota/publish/serve/on-demand.ts';
import { SystemClock } from '../../../../runtime/core/clock.ts';
import { millis } from '../../../../runtime/core/units.ts';
import { validateMessage } from '../../../contract/asyncapi.ts';
import { type Mosquitto, startMosquitto } from '../../../support/mosquitto.ts';
import { PublicFolder, randomBytes, sinkFor } from '../../../support/ota/public-folder.ts';
import { waitFor } from '../../../support/wait.ts';
import { NEVER, topics } from '../../client/transport/support.ts';

const BLOB = 'ab'.repeat(32);
const OTHER = 'cd'.repeat(32);
const clock = new SystemClock(() => true);
const settled = () => new Promise((resolve) => setImmediate(resolve));

function demand(length: number | undefined = 1e6) {
  const state = { now: 0, sent: [] as string[], end: () => {} };
  const onDemand = new OnDemand({
    from: 3,
    now: () => millis(state.now),
    lengthOf: async () => length,
    broadcast: (sha256) => {
      state.sent.push(sha256);
      return new Promise<void>((resolve) => {
        state.end = resolve;
      });
    },
    onFailed: () => {},
  });
  return { state, onDemand };
}

test('enough nodes at a time begin one; those who ask meanwhile wait, for that blob alone, and not for ever', async () => {
  const { state, onDemand } = demand();
  assert.equal(
    ['a', 'b', 'a', 'b'].map((node) => onDemand.asked(node, BLOB)),
    [false, false, false, false],
  );
  assert.is(onDemand.asked('c', BLOB), true);
  await settled();
  assert.equal(state.sent, [BLOB]);
  assert.equal([onDemand.asked('d', BLOB), onDemand.asked('d', OTHER)], [true, false]);
  state.now = 30_000;
  assert.is(onDemand.asked('d', BLOB), false, 'whoever does not hear it is answered in the end');
  state.end();
  await settled();
  for (const node of ['a', 'b', 'c', 'd']) assert.is(onDemand.asked(node, BLOB), false, 'not again at once');
  state.now = 100_000;
  assert.equal(
    ['a', 'b', 'c'].map((node) => onDemand.asked(node, BLOB)),
    [false, false, true],
  );
});

test('nodes that ask one after the other, and blobs that are small or not there, begin none', async () => {
  const { state, onDemand } = demand();
  for (const node of ['a', 'b', 'c', 'd']) {
    assert.is(onDemand.asked(node, BLOB), false);
    state.now += 6000;
  }
  for (const length of [100_000, undefined]) {
    const small = demand(length ?? Number.NaN);
    for (const node of ['a', 'b', 'c']) small.onDemand.asked(node, BLOB);
    await settled();
    assert.equal(small.state.sent, []);
    assert.is(small.onDemand.asked('d', BLOB), false);
  }
  assert.equal(state.sent, []);
});

test('whoever makes up names and blobs fills no memory and is not answered for each', () => {
  const { state, onDemand } = demand();
  for (let i = 0; i < 10_000; i++) onDemand.asked(`node-${i % 2}`, i.toString(16).padStart(64, '0'));
  const told = Array.from({ length: 1000 }, () => onDemand.mayTell('x')).filter(Boolean).length;
  assert.is(told, 32);
  state.now += 1000;
  assert.is(onDemand.mayTell('x'), true);
});

test('a wave of twelve nodes costs the hub little more than one of them, on a real broker', async () => {
  const broker: Mosquitto = await startMosquitto();
  const folder = new PublicFolder();
  const links: MqttLink[] = [];
  const connect = async () => {
    const link = await connectLink(broker.url);
    links.push(link);
    return link;
  };
  const content = randomBytes(6_000_000);
  folder.blob(content);
  folder.metadata('timestamp.json', '{}');
  const limits = { nodeBytesPerSecond: 1_200_000, nodeBurst: 200_000 };
  const parts = { link: await connect(), topics, directory: folder.directory, clock };
  const hub = new Hub({ ...parts, limits, broadcastFrom: 8, broadcastRate: 4_000_000 });
  try {
    await hub.start();
    const ears = await connect();
    const problems: string[] = [];
    let blocks = 0;
    await ears.subscribe(`${topics.root}/#`, (topic, payload) => {
      if (topic.includes('/blob/')) blocks += 1;
      problems.push(...validateMessage(topic, Buffer.from(payload)));
    });
    const sinks = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const link = await connect();
        const source = new MqttSource({ link, topics, node: `n${i}`, clock });
        const sink = sinkFor(content);
        await source.fetch(sink, NEVER);
        return sink;
      }),
    );
    for (const sink of sinks) assert.is(sink.missing, 0);
    // Nodes may have all of it before the last block is sent.
    await waitFor('the end of the broadcast', () => blocks === Math.ceil(content.length / 65_536));
    const { bytesBroadcast, bytesAnswered, broadcasts } = hub.counters;
    assert.equal([broadcasts, bytesBroadcast], [1, content.length]);
    const ratio = (bytesBroadcast + bytesAnswered) / content.length;
    console.log(`12 nodes: ${ratio.toFixed(2)} times the content`);
    assert.ok(ratio < 4, `${ratio} times the content`);
    assert.equal(problems, []);
  } finally {
    hub.stop();
    await Promise.all(links.map((link) => link.close()));
    await broker.stop();
    folder.remove();
  }
});

test.run();

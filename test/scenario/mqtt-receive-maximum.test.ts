/** A broker that takes few messages at once, as managed ones do, and breaks the connection over one more. */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { generate, type Packet, parser } from 'mqtt-packet';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { endAll, PREFIX, startRig, until } from '../sinks/mqtt/harness.ts';

test.after(endAll);

const V5 = { protocolVersion: 5 } as const;

/** @returns what it saw; acknowledges each message a little later. */
async function strictBroker(receiveMaximum: number) {
  const seen = { most: 0, topics: [] as string[], url: '', ask: (_: number) => {}, close: () => {} };
  const server = createServer((socket: Socket) => {
    const send = (packet: Packet) => socket.write(generate(packet, V5));
    let outstanding = 0;
    const onPacket = (packet: Packet) => {
      if (packet.cmd === 'connect') {
        send({ cmd: 'connack', reasonCode: 0, sessionPresent: false, properties: { receiveMaximum } });
      } else if (packet.cmd === 'subscribe') {
        send({ cmd: 'suback', messageId: packet.messageId!, granted: [1], reasonCode: 0 } as Packet);
      } else if (packet.cmd === 'publish') {
        outstanding += 1;
        seen.most = Math.max(seen.most, outstanding);
        seen.topics.push(packet.topic);
        setTimeout(() => {
          outstanding -= 1;
          send({ cmd: 'puback', messageId: packet.messageId!, reasonCode: 0 } as Packet);
        }, 3);
      }
    };
    socket.on('error', () => {});
    socket.on('data', parse(onPacket));
    seen.ask = (id) =>
      send({
        cmd: 'publish',
        topic: `${PREFIX}cmd/nothing`,
        payload: `{"id":"${id}"}`,
        qos: 0,
        dup: false,
        retain: false,
      });
    seen.close = () => socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  seen.url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { seen, stop: () => [seen.close(), server.close()] };
}

function parse(onPacket: (packet: Packet) => void): (chunk: Buffer) => void {
  const reader = parser(V5).on('packet', onPacket);
  return (chunk) => void reader.parse(chunk);
}

for (const receiveMaximum of [1, 3]) {
  test(`status and replies respect a receive maximum of ${receiveMaximum} too`, async () => {
    const { seen, stop } = await strictBroker(receiveMaximum);
    const rig = await startRig({ url: seen.url });
    for (let i = 0; i < 150; i++) rig.queue.push('event', 'events/anomaly', { i });
    await until(() => seen.topics.length > 10, 'the records flow');
    for (let i = 0; i < 10; i++) seen.ask(i);
    rig.health('news');
    await until(() => rig.queue.records.length === 0, 'all records');
    await until(() => seen.topics.filter((topic) => topic.endsWith('/reply')).length === 10, 'all replies');
    await until(() => seen.topics.filter((topic) => topic.endsWith('/status')).length === 2, 'the news');
    assert.is(seen.most, receiveMaximum);
    await rig.stop();
    stop();
  });
}

test.run();

/** Commands from request to reply, in MQTT 5, in 3.1.1, and through the development broker. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { startDevelopmentBroker } from '../../simulator/broker.ts';
import { endAll, PREFIX, type Rig, startRig, subscribe, until } from '../sinks/mqtt/harness.ts';
import { startMosquitto } from '../support/mosquitto.ts';

test.after(endAll);

/** `echo` gives its arguments back and counts; `hang` waits until let go. */
function addCommands(rig: Rig): { runs: number; letGo: () => void } {
  const waiting: (() => void)[] = [];
  const letGo = () => {
    for (const go of waiting.splice(0)) go();
  };
  const state = { runs: 0, letGo };
  rig.commands.add({
    name: 'echo',
    description: 'Gives its arguments back.',
    run: async (args) => ({ ...args, run: ++state.runs }),
  });
  rig.commands.add({
    name: 'hang',
    description: 'Waits.',
    run: () => new Promise((resolve) => waiting.push(() => resolve({}))),
  });
  return state;
}

test('MQTT 5: the answer comes on the response topic with the correlation data, once for each request', async () => {
  const broker = await startMosquitto();
  const rig = await startRig({ url: broker.url });
  const state = addCommands(rig);
  const caller = await subscribe(broker.url, 'replies/#');
  await until(() => rig.sink.health().state === 'ok', 'the connection');
  const ask = (name: string, payload: string | Buffer, correlation: string) =>
    caller.client.publishAsync(`${PREFIX}cmd/${name}`, payload, {
      qos: 1,
      properties: { responseTopic: 'replies/1', correlationData: Buffer.from(correlation) },
    });
  const replies = caller.messages;
  await ask('echo', '{"args":{"x":1}}', 'a');
  await until(() => replies.length === 1, 'an answer');
  assert.equal(replies[0]!.body.result, { x: 1, run: 1 });
  assert.is(replies[0]!.packet.properties?.correlationData?.toString(), 'a');
  assert.is(replies[0]!.packet.properties?.contentType, 'application/json');
  await ask('echo', '{"args":{"x":1}}', 'a');
  await until(() => replies.length === 2, 'the same answer');
  assert.is(replies[1]!.text, replies[0]!.text);
  assert.is(state.runs, 1);

  const bad: [string, string | Buffer, string, RegExp][] = [
    ['echo', '{"args":', 'bad-request', /not JSON/],
    ['echo', Buffer.from([0xff, 0xfe]), 'bad-request', /not JSON/],
    ['echo', '[]', 'bad-request', /expected a JSON object/],
    ['echo', '{"x":1}', 'bad-request', /unknown key 'x'/],
    ['echo', '{"id":1}', 'bad-request', /'id' must be a string/],
    ['echo', '{"args":3}', 'bad-arguments', /JSON object of arguments/],
    ['nothing', '{}', 'unknown-command', /known: echo, hang/],
    ['echo', `{"args":{"x":"${'y'.repeat(70_000)}"}}`, 'bad-request', /at most 65536/],
  ];
  for (const [index, [name, payload, code, message]] of bad.entries()) {
    await ask(name, payload, `bad ${index}`);
    await until(() => replies.length === index + 3, `the answer to ${payload.slice(0, 20)}`);
    const { body } = replies.at(-1)!;
    assert.equal([body.ok, body.error.code], [false, code]);
    assert.match(body.error.message, message);
  }
  assert.is(state.runs, 1);
  await rig.stop();
  await caller.close();
  await broker.stop();
});

test('many commands at once are bounded: the rest hears that the node is busy', async () => {
  const broker = await startMosquitto();
  const rig = await startRig({ url: broker.url });
  const state = addCommands(rig);
  const caller = await subscribe(broker.url, `${PREFIX}cmd/hang/reply`);
  await until(() => rig.sink.health().state === 'ok', 'the connection');
  for (let i = 0; i < 25; i++) caller.client.publish(`${PREFIX}cmd/hang`, `{"id":"${i}"}`, { qos: 1 });
  await until(() => caller.messages.length === 5, 'five refusals');
  assert.equal(
    caller.messages.map(({ body }) => body.error.code),
    new Array(5).fill('busy'),
  );
  await until(() => {
    state.letGo();
    return caller.messages.length === 25;
  }, 'all answers');
  assert.is(await rig.metric('vigie_mqtt_commands_total', { result: 'ok' }), 20);
  await rig.stop();
  await caller.close();
  await broker.stop();
});

test('a command of many megabytes is refused, whatever the protocol, and the line stays up', async () => {
  const broker = await startMosquitto();
  const caller = await subscribe(broker.url, `${PREFIX}#`);
  const huge = Buffer.alloc(20_000_000, 'x');
  // Retained, so that it comes again at each connection.
  await caller.client.publishAsync(`${PREFIX}cmd/echo`, huge, { qos: 1, retain: true });
  const rig = await startRig({ url: broker.url, version: 4 });
  addCommands(rig);
  await until(() => rig.events.includes('mqtt.command.retained'), 'the retained one');
  await caller.client.publishAsync(`${PREFIX}cmd/echo`, huge, { qos: 1 });
  await until(() => caller.on('cmd/echo/reply').length === 1, 'the refusal');
  const { error } = caller.on('cmd/echo/reply')[0]!.body;
  assert.is(error.code, 'bad-request');
  // Cut on its way in: not all of it was ever in memory.
  assert.match(error.message, /has 10\d{5} bytes; at most 65536/);
  assert.is(await rig.metric('vigie_mqtt_connects_total'), 1);
  await rig.stop();
  await caller.close();
  await broker.stop();
});

test('a retained command is not run', async () => {
  const broker = await startMosquitto();
  const caller = await subscribe(broker.url, `${PREFIX}#`);
  await caller.client.publishAsync(`${PREFIX}cmd/echo`, '{}', { qos: 1, retain: true });
  for (const version of [4, 5]) {
    const rig = await startRig({ url: broker.url, version });
    const state = addCommands(rig);
    await until(() => rig.sink.health().state === 'ok', 'the connection');
    await caller.client.publishAsync(`${PREFIX}cmd/echo`, `{"id":"live ${version}"}`, { qos: 1 });
    const answered = () => caller.on('cmd/echo/reply').some(({ body }) => body.id === `live ${version}`);
    await until(answered, 'the answer to the live one');
    assert.is(state.runs, 1);
    await rig.stop();
  }
  await caller.close();
  await broker.stop();
});

test('a command sent while the node is away waits for it in the session of the broker', async () => {
  const broker = await startMosquitto();
  const caller = await subscribe(broker.url, `${PREFIX}cmd/echo/reply`);
  const first = await startRig({ url: broker.url });
  await until(() => first.sink.health().state === 'ok', 'the connection');
  await caller.client.publishAsync(`${PREFIX}cmd/echo`, '{"id":"warm-up"}', { qos: 1 });
  await until(() => caller.messages.length === 1, 'the subscription');
  await first.stop();
  await caller.client.publishAsync(`${PREFIX}cmd/echo`, '{"id":"later"}', { qos: 1 });
  const second = await startRig({ url: broker.url });
  addCommands(second);
  await until(() => caller.messages.some(({ body }) => body.id === 'later' && body.ok), 'the answer');
  await second.stop();
  await caller.close();
  await broker.stop();
});

for (const kind of ['mosquitto', 'the development broker']) {
  test(`MQTT 3.1.1 with ${kind}: records, status and commands with an id`, async () => {
    const broker = await (kind === 'mosquitto' ? startMosquitto() : startDevelopmentBroker());
    const caller = await subscribe(broker.url, `${PREFIX}#`, { protocolVersion: 4 });
    const rig = await startRig({ url: broker.url, version: 4 });
    const state = addCommands(rig);
    for (let i = 0; i < 100; i++)
      rig.queue.push('reading', 'readings', { schema: 'vigie.readings/1', series: [], i });
    rig.queue.push('event', 'events/anomaly', { schema: 'vigie.anomaly/1' });
    await until(() => rig.queue.records.length === 0, 'delivery');
    await until(() => caller.on('readings').length === 100, 'the readings at the subscriber');
    assert.equal(
      caller.on('readings').map(({ body }) => body.i),
      Array.from({ length: 100 }, (_, i) => i),
    );
    await until(() => caller.on('status').length === 1, 'the birth message');
    for (const id of ['1', '1', '2'])
      await caller.client.publishAsync(`${PREFIX}cmd/echo`, `{"id":"${id}"}`, { qos: 1 });
    await until(() => caller.on('cmd/echo/reply').some(({ body }) => body.id === '2'), 'the answers');
    assert.is(state.runs, 2);
    await rig.stop();
    await until(() => caller.on('status').length === 2, 'the farewell');
    await caller.close();
    await broker.stop();
    await broker.stop();
  });
}

test('MQTT over WebSocket', async () => {
  const broker = await startDevelopmentBroker();
  // A bridge, since not every mosquitto is built with WebSocket.
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/mqtt' });
  await once(server, 'listening');
  server.on('connection', (socket) => {
    const stream = createWebSocketStream(socket);
    stream.on('error', () => {});
    stream.pipe(connect(broker.port, '127.0.0.1').on('error', () => {})).pipe(stream);
  });
  const { port } = server.address() as { port: number };
  const rig = await startRig({ url: `ws://127.0.0.1:${port}/mqtt`, version: 4 });
  for (let i = 0; i < 50; i++)
    rig.queue.push('reading', 'readings', { schema: 'vigie.readings/1', series: [], i });
  await until(
    () => rig.queue.records.length === 0,
    () => `delivery; ${rig.sink.health().detail}`,
  );
  await rig.stop();
  await new Promise((resolve) => server.close(resolve));
  await broker.stop();
});

test('the development broker says when its port is taken', async () => {
  const broker = await startDevelopmentBroker();
  try {
    await startDevelopmentBroker(broker.port);
    assert.unreachable();
  } catch (error) {
    assert.is((error as { code: string }).code, 'broker-port');
  }
  await broker.stop();
});

test.run();

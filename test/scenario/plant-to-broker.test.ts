/** The main job, end to end: real Modbus frames in, an explained anomaly out on a real broker and in the dashboard. */

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type RunningDemo, startDemo } from '../../simulator/demo/demo.ts';
import { validateMessage } from '../contract/asyncapi.ts';
import { freePort, type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { type Subscriber, subscribe } from '../support/subscriber.ts';
import { waitFor } from '../support/wait.ts';

interface Context {
  broker: Mosquitto;
  subscriber: Subscriber;
  demo: RunningDemo;
  port: number;
}

const test = suite<Context>('plant to broker');
test.before(async (context) => {
  context.broker = await startMosquitto();
  context.subscriber = await subscribe(context.broker.url);
  context.port = await freePort();
  context.demo = await startDemo({ port: context.port, broker: context.broker.url, seed: 1, say: () => {} });
});
test.after(async ({ broker, subscriber, demo }) => {
  await demo.stop();
  await subscriber.stop();
  await broker.stop();
});

interface AnomalyLists {
  readonly active: readonly { readonly id: string }[];
}

const anomalies = async (port: number) =>
  (await (await fetch(`http://127.0.0.1:${port}/api/anomalies`)).json()) as AnomalyLists;

test('readings of all 127 tags arrive', async ({ subscriber }) => {
  const tags = () =>
    new Set(
      subscriber.of('readings').flatMap(({ body }) => body.series.map(({ tag }: { tag: string }) => tag)),
    );
  await waitFor('all tags', () => tags().size === 127, 60_000);
});

test('a failing blower becomes one explained event, on the broker and in the dashboard', async ({
  subscriber,
  demo,
  port,
}) => {
  const start = await waitFor(
    'the event',
    () =>
      subscriber
        .of('events/anomaly')
        .find(({ body }) => body.phase === 'start' && body.group === 'biological-treatment'),
    150_000,
  );
  const { contributions, summary, id } = start.body;
  assert.match(contributions[0].tag, /^bio-(blower|air|do)/);
  assert.ok(contributions.reduce((sum: number, { share }: { share: number }) => sum + share, 0) <= 1 + 1e-9);
  assert.ok(summary.includes(contributions[0].tag), summary);
  assert.equal(
    demo.plant.truth.map(({ mode }) => mode),
    ['blower-failure'],
  );
  const { active } = await anomalies(port);
  assert.ok(
    active.some((view) => view.id === id),
    'the dashboard shows it too',
  );
  const starts = subscriber
    .of('events/anomaly')
    .filter(({ body }) => body.phase === 'start' && body.group === 'biological-treatment');
  assert.is(starts.length, 1);
});

test('what is published is what the contract says, numbered without gaps or doubles', async ({
  subscriber,
}) => {
  assert.equal(
    subscriber.messages.flatMap(({ topic, payload }) => validateMessage(topic, payload)),
    [],
  );
  const sequence = subscriber.messages.flatMap(({ body }) =>
    body?.seq === undefined ? [] : [body.seq as number],
  );
  const sorted = [...sequence].sort((a, b) => a - b);
  assert.equal(
    sorted,
    sorted.map((_, index) => index + 1),
  );
});

test('metrics tell of every part of the way', async ({ port }) => {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  for (const name of [
    'vigie_modbus_requests_total',
    'vigie_tag_value',
    'vigie_analysis_tick_seconds',
    'vigie_outbox_records',
    'vigie_mqtt_connected 1',
  ]) {
    assert.ok(text.includes(name), `${name} is missing`);
  }
});

test('stopped in order, it says goodbye', async ({ subscriber, demo }) => {
  await demo.stop();
  assert.is(await demo.nodeExit, 0);
  const last = await waitFor('the farewell', () =>
    subscriber.of('status').findLast(({ body }) => body.state === 'offline'),
  );
  assert.is(last.body.node, 'plant');
});

test.run();

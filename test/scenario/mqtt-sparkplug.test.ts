/** Sparkplug B as a host sees it: births, data, deaths, rebirths, and what was measured while it was away. */

import { connectAsync } from 'mqtt';
import { Registry } from 'prom-client';
import { get } from 'sparkplug-payload';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mqttConfig } from '../../runtime/config/schema/mqtt.ts';
import { SystemClock } from '../../runtime/core/clock.ts';
import { createLog } from '../../runtime/core/log.ts';
import type { Sample, Tag, Value } from '../../runtime/core/messages.ts';
import { epochMillis, millis } from '../../runtime/core/units.ts';
import { createMqttMetrics } from '../../runtime/sinks/mqtt/metrics.ts';
import { SparkplugPublisher } from '../../runtime/sinks/mqtt/sparkplug.ts';
import { until } from '../sinks/mqtt/harness.ts';
import { startMosquitto } from '../support/mosquitto.ts';

const { encodePayload, decodePayload } = get('spBv1.0')!;
const clock = new SystemClock(() => true);

const TAGS: Tag[] = ['flow', 'energy', 'pump', 'mode'].map((name, index) => ({
  name,
  index,
  source: 'plc',
  group: 'inlet',
  kind: name,
  unit: '',
  period: millis(1000),
  deadband: name === 'flow' ? 0.5 : 0,
}));

const sample = (name: string, value: Value | null, rest: Partial<Sample> = {}): Sample => ({
  tag: TAGS.find((tag) => tag.name === name)!,
  value,
  quality: 'good',
  mono: clock.mono(),
  wall: epochMillis(1_700_000_000_000),
  timeQuality: 'synced',
  ...rest,
});

function publisher(url: string): SparkplugPublisher {
  const sparkplug = { groupId: 'works' };
  const config = mqttConfig.parse({ url, sparkplug, reconnect: { min: '100ms', max: '200ms' } });
  const metrics = createMqttMetrics(new Registry());
  const identity = { site: 'plant', node: 'node-1', tags: TAGS };
  return new SparkplugPublisher({
    config,
    ...identity,
    clock,
    log: createLog('silent'),
    metrics,
    readSecret: (r) => r,
  });
}

interface Seen {
  type: string;
  seq: number | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into messages freely
  metrics: any[];
}

async function host(url: string) {
  const client = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 50 });
  const seen: Seen[] = [];
  client.on('message', (topic, payload) => {
    if (topic.includes('/NCMD/')) return;
    const { seq, metrics } = decodePayload(payload);
    seen.push({
      type: topic.split('/')[2]!,
      seq: seq === undefined || seq === null ? undefined : Number(seq),
      metrics: metrics ?? [],
    });
  });
  await client.subscribeAsync('spBv1.0/#', { qos: 1 });
  return { client, seen, types: () => seen.map(({ type }) => type), close: () => client.endAsync(true) };
}

const named = (seen: Seen, name: string) => seen.metrics.find((metric) => metric.name === name);
const aliased = (seen: Seen, alias: number) => seen.metrics.find((metric) => Number(metric.alias) === alias);

test('birth, data by alias, rebirth on command and on a new type, death', async () => {
  const broker = await startMosquitto();
  const scada = await host(broker.url);
  const node = publisher(broker.url);
  node.accept([sample('energy', 12345678901234567n), sample('pump', true)]);
  await node.start();
  await until(() => scada.seen.length >= 2, 'birth and history');
  const [birth, history] = scada.seen as [Seen, Seen];
  assert.equal([birth.type, birth.seq, history.type, history.seq], ['NBIRTH', 0, 'NDATA', 1]);
  assert.is(Number(named(birth, 'bdSeq').value), 0);
  assert.is(named(birth, 'Node Control/Rebirth').value, false);
  assert.is(named(birth, 'inlet/energy').value.toString(), '12345678901234567');
  assert.is(named(birth, 'inlet/flow').value, null);
  assert.equal([named(birth, 'inlet/pump').type, named(birth, 'inlet/pump').value], ['Boolean', true]);
  assert.ok(history.metrics.every(({ isHistorical }) => isHistorical));
  assert.is(Number(aliased(history, 2).timestamp), 1_700_000_000_000);

  node.accept([sample('flow', 4)]);
  node.accept([sample('flow', 4.2)]);
  node.accept([sample('flow', null, { quality: 'bad', reason: 'timeout' })]);
  await until(() => scada.seen.length === 4, 'two data messages: the deadband swallowed one');
  assert.equal(
    scada.seen.slice(2).map(({ seq }) => seq),
    [2, 3],
  );
  assert.is(aliased(scada.seen[2]!, 1).value, 4);
  assert.is(aliased(scada.seen[2]!, 1).name, undefined);
  assert.is(aliased(scada.seen[3]!, 1).value, null);
  assert.is(aliased(scada.seen[3]!, 1).properties.Quality.value, 0);

  const command = encodePayload({
    timestamp: 1,
    metrics: [{ name: 'Node Control/Rebirth', type: 'Boolean', value: true }],
  });
  scada.client.publish('spBv1.0/works/NCMD/node-1', Buffer.from([0xff, 0xff]), { qos: 1 });
  scada.client.publish('spBv1.0/works/NCMD/node-1', Buffer.from(command), { qos: 1 });
  await until(() => scada.seen.filter(({ type }) => type === 'NBIRTH').length === 2, 'the rebirth');
  assert.equal([scada.seen.at(-1)!.seq, Number(named(scada.seen.at(-1)!, 'bdSeq').value)], [0, 0]);

  node.accept([sample('mode', 'auto')]);
  await until(
    () => scada.seen.filter(({ type }) => type === 'NBIRTH').length === 3,
    'a birth with the new type',
  );
  assert.equal(
    [named(scada.seen.at(-1)!, 'inlet/mode').type, named(scada.seen.at(-1)!, 'inlet/mode').value],
    ['String', 'auto'],
  );

  await node.stop();
  await until(() => scada.types().at(-1) === 'NDEATH', 'the death');
  const death = scada.seen.at(-1)!;
  assert.equal([Number(named(death, 'bdSeq').value), death.seq], [0, undefined]);
  await scada.close();
  await broker.stop();
});

test('the sequence number wraps, and after an outage the next birth counts on and history is marked', async () => {
  const broker = await startMosquitto();
  const scada = await host(broker.url);
  const node = publisher(broker.url);
  await node.start();
  await until(() => scada.seen.length === 1, 'the birth');
  for (let i = 0; i < 300; i++) node.accept([sample('flow', i)]);
  await until(() => scada.seen.length === 301, 'all data');
  assert.equal(
    scada.seen.map(({ seq }) => seq),
    Array.from({ length: 301 }, (_, i) => i % 256),
  );
  await broker.halt();
  await until(() => node.health().state === 'degraded', 'the loss');
  node.accept([sample('flow', 1000), sample('pump', false)]);
  node.accept([sample('flow', 2000)]);
  scada.seen.length = 0;
  await broker.resume();
  // The births may come before the host is back: it asks, as hosts do.
  const ask = encodePayload({
    timestamp: 1,
    metrics: [{ name: 'Node Control/Rebirth', type: 'Boolean', value: true }],
  });
  await until(() => scada.client.connected && node.health().state === 'ok', 'both to be back');
  scada.client.publish('spBv1.0/works/NCMD/node-1', Buffer.from(ask), { qos: 1 });
  const birth = () => scada.seen.find(({ type }) => type === 'NBIRTH');
  await until(() => birth() !== undefined, 'a birth');
  assert.ok(Number(named(birth()!, 'bdSeq').value) >= 1);
  assert.is(named(birth()!, 'inlet/flow').value, 2000);
  await node.stop();
  await scada.close();
  await broker.stop();
});

test.run();

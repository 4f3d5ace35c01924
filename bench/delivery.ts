/** From an event's stamp to its PUBACK, and how fast a backlog drains: real outbox, real mosquitto, loopback. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import type { RecordClass } from '../runtime/core/messages.ts';
import { startMosquitto } from '../test/support/mosquitto.ts';
import { atMost, type BenchOptions, type BenchResult, info, percentile } from './bench.ts';
import { startDelivery, WINDOW } from './lib/delivery.ts';

export const summary = 'event to PUBACK through outbox, MQTT and mosquitto; records drained per second';

/** Ten events a second is a thousand times the alarm budget of a plant. */
const BUSY = { events: 200, everyMs: 100 };
/** Closer together than 40 ms mosquitto holds a PUBACK back (Nagle) until the one before is acknowledged. */
const DENSE = { events: 150, everyMs: 30 };
const BACKLOG = 20_000;
const BODY = { schema: 'vigie.readings/1', series: [{ tag: 'settling-turbidity', t: [0], v: [3.1] }] };

export async function run({ progress }: BenchOptions): Promise<readonly BenchResult[]> {
  const broker = await startMosquitto();
  const prompt = await startMosquitto({ extra: ['set_tcp_nodelay true'] });
  const directory = mkdtempSync(join(tmpdir(), 'vigie-delivery-'));
  try {
    progress(`${BUSY.events} events, one every ${BUSY.everyMs} ms`);
    const busy = await eventLatencies(broker.url, join(directory, 'busy'), BUSY);
    progress(`one every ${DENSE.everyMs} ms, mosquitto as it comes and with set_tcp_nodelay`);
    const dense = await eventLatencies(broker.url, join(directory, 'dense'), DENSE);
    const nodelay = await eventLatencies(prompt.url, join(directory, 'nodelay'), DENSE);
    progress(`${BACKLOG} records wait in the outbox, then the broker is there`);
    const drained = await drainRate(broker.url, join(directory, 'backlog'));
    progress(`the same messages from the MQTT client alone, ${WINDOW} on their way`);
    const peer = await bareRate(broker.url);
    return [
      atMost('event_to_puback_p95_ms', percentile(busy, 0.95), 'ms', 20),
      info('event_to_puback_p50_ms', percentile(busy, 0.5), 'ms'),
      info('event_to_puback_dense_p95_ms', percentile(dense, 0.95), 'ms'),
      info('event_to_puback_dense_nodelay_p95_ms', percentile(nodelay, 0.95), 'ms'),
      info('drained_records_per_s', drained, '1/s'),
      info('mqttjs_alone_messages_per_s', peer, '1/s'),
    ];
  } finally {
    await Promise.all([broker.stop(), prompt.stop()]);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Milliseconds from the stamp of each event to the moment its PUBACK is handled. */
async function eventLatencies(
  url: string,
  directory: string,
  { events, everyMs }: typeof BUSY,
): Promise<number[]> {
  const node = await startNode(url, directory);
  node.sink.start();
  await waitFor(() => node.sink.health().state === 'ok');
  for (let i = 0; i < events; i++) {
    await node.accept('event', 'events/anomaly');
    if (i % 50 === 0) await node.accept('reading', 'readings');
    await sleep(everyMs);
  }
  await waitFor(() => node.latencies.length === events);
  await node.stop();
  return node.latencies;
}

async function drainRate(url: string, directory: string): Promise<number> {
  const node = await startNode(url, directory);
  const accepted: Promise<void>[] = [];
  for (let i = 0; i < BACKLOG; i++) {
    accepted.push(node.accept('reading', 'readings'));
    if (accepted.length === 500) await Promise.all(accepted.splice(0));
  }
  await Promise.all(accepted);
  node.sink.start();
  await waitFor(() => node.removed() > 0);
  const from = { at: performance.now(), removed: node.removed() };
  await waitFor(() => node.removed() === BACKLOG);
  const rate = (BACKLOG - from.removed) / ((performance.now() - from.at) / 1000);
  await node.stop();
  return rate;
}

/** Peer: what the MQTT client reaches with nothing but a window around it. */
async function bareRate(url: string): Promise<number> {
  const client = await connectAsync(url, { protocolVersion: 5, writeCache: false });
  const payload = JSON.stringify({
    site: 'bench',
    node: 'n',
    bootId: 'b',
    seq: 1,
    time: new Date(),
    ...BODY,
  });
  const began = performance.now();
  await new Promise<void>((resolve) => {
    let sent = 0;
    let acknowledged = 0;
    const next = () => {
      if (sent++ >= BACKLOG) return;
      client.publish('vigie/bench/n/readings', payload, { qos: 1 }, () => {
        acknowledged += 1;
        if (acknowledged === BACKLOG) resolve();
        else next();
      });
    };
    for (let i = 0; i < WINDOW; i++) next();
  });
  const rate = BACKLOG / ((performance.now() - began) / 1000);
  await client.endAsync();
  return rate;
}

async function startNode(url: string, directory: string) {
  const node = await startDelivery(url, directory);
  const accept = (name: RecordClass, topic: string) =>
    node.outbox.accept({ ...node.clock.stamp(), class: name, topic, body: BODY });
  return { ...node, accept };
}

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(1);
}

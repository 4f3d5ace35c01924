/**
 * The whole way from `accept` to the broker, under load, until it is killed. Arguments: data directory, the section
 * `mqtt` as JSON (parsed by the test, since loading the schema takes most of a start), and `produce` or `drain`. Reports on stdout, synchronously: `BOOT SEQ` once a record is accepted.
 */

import { writeSync } from 'node:fs';
import { Registry } from 'prom-client';
import type { MqttConfig } from '../../runtime/config/schema/mqtt.ts';
import { SystemClock } from '../../runtime/core/clock.ts';
import { CommandTable } from '../../runtime/core/commands.ts';
import { HEALTHY } from '../../runtime/core/component.ts';
import { createLog } from '../../runtime/core/log.ts';
import { bytes, millis, seconds } from '../../runtime/core/units.ts';
import { MqttSink } from '../../runtime/sinks/mqtt/mqtt-sink.ts';
import { Outbox } from '../../runtime/sinks/outbox/outbox.ts';

const [directory, mqtt, task] = process.argv.slice(2) as [string, string, 'produce' | 'drain'];
const CLASSES = ['event', 'health', 'reading'] as const;
const TOPICS = { event: 'events/anomaly', health: 'events/health', reading: 'readings' } as const;

const clock = new SystemClock(() => true);
const registry = new Registry();
const log = createLog('silent');
const outbox = new Outbox({
  directory,
  config: { maxBytes: bytes(64 * 1024 * 1024), readings: { enabled: true, batch: seconds(30) } },
  clock,
  log,
  registry,
});
const sink = new MqttSink({
  config: JSON.parse(mqtt) as MqttConfig,
  site: 'test',
  node: 'kill',
  bootId: outbox.bootId,
  queue: outbox,
  dataDir: directory,
  commands: new CommandTable(),
  status: () => ({
    site: 'test',
    node: 'kill',
    version: '0.1.0',
    bootId: outbox.bootId,
    uptime: millis(0),
    timeQuality: 'synced',
    health: HEALTHY,
    components: {},
    outbox: outbox.depth(),
    baselines: {},
    models: {},
    config: { state: 'ok', problems: [] },
  }),
  clock,
  log,
  registry,
  readSecret: (reference) => reference,
});
await outbox.start();
await sink.start();

let seq = 0;
/** A few at once, with breaks in which the sink gets on: the backlog stays bounded. */
async function produce(): Promise<void> {
  for (;;) {
    seq += 1;
    const mine = seq;
    const recordClass = CLASSES[mine % CLASSES.length]!;
    const body = { schema: 'test/1', n: mine, pad: 'x'.repeat((mine * 37) % 1000) };
    await outbox.accept({ class: recordClass, topic: TOPICS[recordClass], body, ...clock.stamp() });
    writeSync(1, `${outbox.bootId} ${mine}\n`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

if (task === 'produce') for (let i = 0; i < 6; i++) void produce();
// Between two attempts to connect nothing else keeps the process alive.
setInterval(() => {}, 1000);

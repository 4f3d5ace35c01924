/** A sink with everything around it, and a subscriber that writes down what it sees. */

import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { Registry } from 'prom-client';
import { type MqttConfig, mqttConfig } from '../../../runtime/config/schema/mqtt.ts';
import { SystemClock } from '../../../runtime/core/clock.ts';
import { CommandTable } from '../../../runtime/core/commands.ts';
import { createLog } from '../../../runtime/core/log.ts';
import type { OutboundQueue } from '../../../runtime/core/messages.ts';
import type { NodeStatus } from '../../../runtime/core/status.ts';
import { millis } from '../../../runtime/core/units.ts';
import { MqttSink } from '../../../runtime/sinks/mqtt/mqtt-sink.ts';
import { MemoryQueue } from '../../support/memory-queue.ts';

export const SITE = 'plant';
export const NODE = 'node-1';
export const PREFIX = `vigie/${SITE}/${NODE}/`;

const running: (() => Promise<unknown>)[] = [];

/** Ends what a failed test left behind, so that its file ends too: `test.after(endAll)`. */
export async function endAll(): Promise<void> {
  await Promise.all(running.map((end) => end()));
}

export interface Rig<Q extends OutboundQueue = MemoryQueue> {
  readonly sink: MqttSink;
  readonly queue: Q;
  readonly commands: CommandTable;
  readonly config: MqttConfig;
  /** Event ids of the log, in order. */
  readonly events: string[];
  /** Changes what the node says of itself. */
  health(detail: string): void;
  /** Sum of a metric over the labels given. */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
  stop(): Promise<void>;
}

/** Settings as written in the file; short pauses, so that a test does not wait. */
export function makeRig<Q extends OutboundQueue = MemoryQueue>(
  settings: { url: string } & Record<string, unknown>,
  options: { queue?: Q; readSecret?: (reference: string) => string; bootId?: string; dataDir?: string } = {},
): Rig<Q> {
  const config = mqttConfig.parse({ reconnect: { min: '100ms', max: '300ms' }, ...settings });
  const queue = options.queue ?? (new MemoryQueue() as unknown as Q);
  const bootId = options.bootId ?? 'boot-1';
  const commands = new CommandTable();
  const registry = new Registry();
  const events: string[] = [];
  const log = createLog('debug', (line) => events.push(JSON.parse(line).event));
  let detail = '';
  const sink = new MqttSink({
    config,
    site: SITE,
    node: NODE,
    bootId,
    queue,
    dataDir: options.dataDir ?? '/nowhere',
    commands,
    status: () => nodeStatus(bootId, queue, detail),
    clock: new SystemClock(() => true),
    log,
    registry,
    readSecret: options.readSecret ?? ((reference) => reference),
  });
  return {
    sink,
    queue,
    commands,
    config,
    events,
    health: (text) => {
      detail = text;
    },
    metric: async (name, labels = {}) => {
      const values = (await registry.getSingleMetric(name)?.get())?.values ?? [];
      const wanted = Object.entries(labels);
      const matching = values.filter((value) =>
        wanted.every(([key, text]) => (value.labels as Record<string, unknown>)[key] === text),
      );
      return matching.reduce((sum, { value }) => sum + value, 0);
    },
    stop: () => sink.stop(),
  };
}

export async function startRig<Q extends OutboundQueue = MemoryQueue>(
  ...args: Parameters<typeof makeRig<Q>>
): Promise<Rig<Q>> {
  const rig = makeRig<Q>(...args);
  running.push(rig.stop);
  await rig.sink.start();
  return rig;
}

function nodeStatus(bootId: string, queue: OutboundQueue, detail: string): NodeStatus {
  const health = { state: detail ? 'degraded' : 'ok', detail } as const;
  return {
    site: SITE,
    node: NODE,
    version: '0.1.0',
    bootId,
    uptime: millis(performance.now()),
    timeQuality: 'synced',
    health,
    components: { 'plc-1': health },
    outbox: queue.depth(),
    baselines: { settling: { state: 'learning', progress: performance.now() % 1, detail: 'half way' } },
    models: {},
    config: { state: 'ok', problems: [] },
  };
}

export interface Received {
  readonly topic: string;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into messages freely
  readonly body: any;
  readonly packet: IPublishPacket;
}

export interface Subscriber {
  readonly client: MqttClient;
  readonly messages: Received[];
  on(topic: string): Received[];
  close(): Promise<void>;
}

export async function subscribe(
  url: string,
  topics: string | string[] = `${PREFIX}#`,
  options: IClientOptions = {},
): Promise<Subscriber> {
  const client = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 100, ...options });
  const messages: Received[] = [];
  running.push(() => client.endAsync(true));
  client.on('message', (topic, payload, packet) => {
    const text = payload.toString();
    messages.push({ topic, text, body: parse(text), packet });
  });
  await client.subscribeAsync(topics, { qos: 1 });
  return {
    client,
    messages,
    on: (topic) => messages.filter((message) => message.topic === PREFIX + topic),
    close: () => client.endAsync(true),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Polls until true; a test fails with what was waited for. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string),
): Promise<void> {
  for (const end = performance.now() + 30_000; performance.now() < end; ) {
    if (await condition()) return;
    await sleep(10);
  }
  throw new Error(`waited 30 s in vain for ${typeof what === 'string' ? what : what()}`);
}

/** First occurrences by (bootId, seq), as a subscriber keeps them. */
export function withoutDuplicates(messages: readonly Received[]): Received[] {
  const seen = new Set<string>();
  return messages.filter(({ body }) => {
    const key = `${body.bootId} ${body.seq}`;
    return seen.has(key) ? false : seen.add(key);
  });
}

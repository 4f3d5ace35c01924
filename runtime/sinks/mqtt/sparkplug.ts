/**
 * Readings as Sparkplug B 3.0, beside the JSON ones: live values for SCADA hosts, metrics at the level of the node.
 * It has a connection of its own, since a connection has one last will and Sparkplug's must be the NDEATH.
 */

import type { MqttClient } from 'mqtt';
import type { UMetric, UPayload } from 'sparkplug-payload/lib/sparkplugbpayload.js';
import type { MqttConfig } from '../../config/schema/mqtt.ts';
import { BoundedQueue } from '../../core/bounded-queue.ts';
import type { Clock } from '../../core/clock.ts';
import { type Component, HEALTHY, type Health } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Sample, Tag } from '../../core/messages.ts';
import type { ReadSecret, SessionOptions } from './connection.ts';
import { BrokerLink } from './link.ts';
import type { MqttMetrics } from './metrics.ts';
import { clientIdOf } from './mqtt-sink.ts';
import {
  bdSeqMetric,
  birthMetric,
  dataMetric,
  isNews,
  type MetricType,
  REBIRTH,
  rebirthMetric,
  typeOf,
} from './sparkplug-metrics.ts';

export interface SparkplugOptions {
  /** `config.sparkplug` must be there. */
  readonly config: MqttConfig;
  readonly site: string;
  readonly node: string;
  /** All tags of the node, by index. */
  readonly tags: readonly Tag[];
  readonly clock: Clock;
  readonly log: Log;
  /** Those of the MqttSink. */
  readonly metrics: MqttMetrics;
  readonly readSecret: ReadSecret;
}

interface Codec {
  encodePayload(payload: UPayload): Uint8Array;
  decodePayload(bytes: Uint8Array): UPayload;
}

/** Samples kept while there is no connection; about two minutes of a plant. What must survive is in the outbox. */
const HISTORY = 5000;
const METRICS_PER_MESSAGE = 500;
const GOODBYE_MS = 1000;

export class SparkplugPublisher implements Component {
  readonly name = 'sparkplug';
  readonly #options: SparkplugOptions;
  readonly #topic: (type: string) => string;
  readonly #link: BrokerLink;
  readonly #history: BoundedQueue<Sample>;
  readonly #last: (Sample | undefined)[];
  readonly #types: MetricType[];
  #codec: Codec | undefined;
  #client: MqttClient | undefined;
  #born = false;
  #bdSeq = -1;
  #seq = 0;
  #state: Health = { state: 'starting', detail: '' };

  constructor(options: SparkplugOptions) {
    const { config, node, site, tags, clock, log, metrics, readSecret } = options;
    this.#options = options;
    this.#topic = (type) => `spBv1.0/${config.sparkplug!.groupId}/${type}/${node}`;
    this.#last = new Array(tags.length);
    this.#types = new Array(tags.length).fill('Double');
    this.#history = new BoundedQueue(HISTORY, () => metrics.sparkplugDropped.inc());
    this.#link = new BrokerLink({
      config,
      session: () => this.#session(`${clientIdOf(config, { site, node })}-spb`),
      listener: {
        up: (client) => this.#up(client),
        down: () => this.#down(),
        message: (topic, payload) => this.#onCommand(topic, payload),
      },
      clock,
      log,
      metrics: { disconnects: metrics.sparkplugDisconnects },
      readSecret,
    });
  }

  /** Does not wait for the broker. */
  async start(signal?: AbortSignal): Promise<void> {
    this.#state = HEALTHY;
    const { get } = await import('sparkplug-payload');
    this.#codec = get('spBv1.0') ?? undefined;
    if (!signal?.aborted) this.#link.start();
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    if (this.#state.state === 'stopped') return;
    this.#state = { state: 'stopped', detail: '' };
    await this.#sayGoodbye();
    await this.#link.stop();
  }

  health(): Health {
    if (this.#state.state === 'stopped') return this.#state;
    const detail = this.#link.trouble;
    if (detail) return { state: 'degraded', detail };
    return this.#link.connected ? HEALTHY : { state: 'starting', detail: 'connecting' };
  }

  /** Must be called with every sample, in order. Never throws, never waits. */
  accept(samples: readonly Sample[]): void {
    const news: UMetric[] = [];
    let rebirth = false;
    for (const sample of samples) {
      const { index } = sample.tag;
      const last = this.#last[index];
      if (!isNews(sample, last)) continue;
      this.#last[index] = sample;
      if (sample.value !== null && typeOf(sample.value) !== this.#types[index]) {
        this.#types[index] = typeOf(sample.value);
        rebirth = true;
      }
      if (!this.#born) this.#history.push(sample);
      else {
        const tellQuality = sample.quality !== 'good' || last?.quality !== 'good';
        news.push(dataMetric(sample, this.#types[index]!, { historical: false, tellQuality }));
      }
    }
    // A metric has the type of its birth: another one needs a new birth, which carries the values too.
    if (this.#born && rebirth) this.#birth();
    else if (news.length > 0) this.#data(news);
  }

  #session(clientId: string): SessionOptions {
    this.#bdSeq = (this.#bdSeq + 1) % 256;
    const payload = Buffer.from(this.#encodeDeath());
    return { clientId, clean: true, will: { topic: this.#topic('NDEATH'), payload, retain: false } };
  }

  #encodeDeath(): Uint8Array {
    const now = this.#options.clock.wall();
    return this.#codec!.encodePayload({ timestamp: now, metrics: [bdSeqMetric(this.#bdSeq, now)] });
  }

  #up(client: MqttClient): void {
    this.#client = client;
    client.subscribe(this.#topic('NCMD'), { qos: 1 }, (error) => {
      if (client !== this.#client) return;
      if (error) {
        const { log } = this.#options;
        log.warn(
          { event: 'sparkplug.commands.refused', err: error },
          'the broker refuses the NCMD subscription',
        );
      }
      this.#birth();
      this.#tellHistory();
    });
  }

  #down(): void {
    this.#client = undefined;
    this.#born = false;
  }

  /** Sequence number 0, every metric with name, alias and last value. */
  #birth(): void {
    const { tags, clock } = this.#options;
    const now = clock.wall();
    const metrics = tags.map((tag) => birthMetric(tag, this.#types[tag.index]!, this.#last[tag.index], now));
    this.#seq = 0;
    this.#born = true;
    this.#publish('NBIRTH', [bdSeqMetric(this.#bdSeq, now), rebirthMetric(now), ...metrics]);
  }

  #tellHistory(): void {
    for (;;) {
      const metrics: UMetric[] = [];
      while (metrics.length < METRICS_PER_MESSAGE) {
        const sample = this.#history.shift();
        if (!sample) break;
        // Of another type than the birth just sent: its host could not read it.
        if (sample.value !== null && typeOf(sample.value) !== this.#types[sample.tag.index]) {
          this.#options.metrics.sparkplugDropped.inc();
          continue;
        }
        const type = this.#types[sample.tag.index]!;
        metrics.push(dataMetric(sample, type, { historical: true, tellQuality: true }));
      }
      if (metrics.length === 0) return;
      this.#data(metrics);
    }
  }

  #data(metrics: UMetric[]): void {
    this.#seq = (this.#seq + 1) % 256;
    this.#publish('NDATA', metrics);
  }

  #publish(type: 'NBIRTH' | 'NDATA', metrics: UMetric[]): void {
    const payload = this.#codec!.encodePayload({
      timestamp: this.#options.clock.wall(),
      seq: this.#seq,
      metrics,
    });
    this.#options.metrics.sparkplugMessages.labels(type).inc();
    this.#client?.publish(this.#topic(type), Buffer.from(payload), { qos: 0 });
  }

  #onCommand(topic: string, payload: Buffer): void {
    const { log } = this.#options;
    if (topic !== this.#topic('NCMD')) return;
    try {
      const { metrics } = this.#codec!.decodePayload(payload);
      if (!metrics?.some(({ name, value }) => name === REBIRTH && value === true)) return;
    } catch (error) {
      log.warn({ event: 'sparkplug.command.unreadable' }, `ignored an NCMD: ${describeError(error)}`);
      return;
    }
    log.info({ event: 'sparkplug.rebirth' }, 'a host asked for a new birth certificate');
    if (this.#born) this.#birth();
  }

  /** A DISCONNECT keeps the last will to itself, so the death is told by hand. */
  async #sayGoodbye(): Promise<void> {
    const client = this.#client;
    if (!client || !this.#born) return;
    this.#born = false;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, GOODBYE_MS);
      client.publish(this.#topic('NDEATH'), Buffer.from(this.#encodeDeath()), { qos: 1 }, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

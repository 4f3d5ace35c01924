/** One connection to the broker, made again for as long as it is wanted. Knows nothing of what is sent over it. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { IConnackPacket, IPublishPacket, MqttClient } from 'mqtt';
import type { MqttConfig } from '../../config/schema/mqtt.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { type Millis, millis, seconds } from '../../core/units.ts';
import { Backoff } from './backoff.ts';
import { connectOptions, openerFor, type ReadSecret, type SessionOptions } from './connection.ts';
import { type Endpoint, type Failure, failureOf, failureOfCode, failureOfReason } from './failure.ts';
import type { MqttMetrics } from './metrics.ts';

export interface LinkListener {
  /** The broker accepted the connection. */
  up(client: MqttClient, connack: IConnackPacket): void;
  /** The connection is gone; nothing more comes from that client. Only after `up`. */
  down(failure: Failure | undefined): void;
  message?(topic: string, payload: Buffer, packet: IPublishPacket): void;
}

export interface LinkOptions {
  readonly config: MqttConfig;
  /** Called before each attempt. */
  readonly session: () => SessionOptions;
  readonly listener: LinkListener;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<MqttMetrics, 'disconnects'>;
  readonly readSecret: ReadSecret;
}

/** A connection that lasted this long counts as good: the pauses start from the shortest again. */
const STABLE = seconds(10);
/** How long a rival with the same client id is told of in the health, also while connected. */
const RIVAL_MEMORY = seconds(120);
/** How long a polite end may take before the socket is closed. */
const END = millis(1000);
/** So many short connections in a row look like a second client of the same id. */
const FLAPPING = 3;

export class BrokerLink {
  readonly #options: LinkOptions;
  readonly #backoff: Backoff;
  readonly #aborter = new AbortController();
  #client: MqttClient | undefined;
  #connectedAt: Millis | undefined;
  #failure: Failure | undefined;
  #rival: { detail: string; until: Millis } | undefined;
  #shortLives = 0;
  #forced: Failure | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.config.reconnect);
  }

  get connected(): boolean {
    return this.#connectedAt !== undefined;
  }

  /** What is wrong, for a person; empty when nothing is. */
  get trouble(): string {
    const { clock } = this.#options;
    if (this.#rival && clock.mono() < this.#rival.until) return this.#rival.detail;
    return this.connected ? '' : (this.#failure?.detail ?? '');
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Breaks the connection and makes a new one, for a reason that the other side did not give. */
  renew(failure: Failure): void {
    this.#forced = failure;
    this.#client?.stream.destroy();
  }

  /** Ends with a DISCONNECT, so that the broker keeps the last will to itself. Idempotent. */
  async stop(): Promise<void> {
    this.#aborter.abort();
    const client = this.#client;
    if (!client) return this.#running;
    // Whatever is unanswered would make the library wait with its DISCONNECT.
    for (const id of Object.keys(client.outgoing)) client.removeOutgoingMessage(Number(id));
    const timer = setTimeout(() => client.stream.destroy(), END);
    client.end(!client.connected);
    await this.#running;
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    const { signal } = this.#aborter;
    while (!signal.aborted) {
      const failure = await this.#attempt();
      if (signal.aborted) break;
      this.#settle(failure);
      await sleep(this.#backoff.next(), undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** One client from CONNECT to the end of its socket. */
  async #attempt(): Promise<Failure> {
    const { config, session, readSecret, listener, clock } = this.#options;
    const to = session();
    const endpoint: Endpoint = {
      url: config.url,
      clientId: to.clientId,
      version: config.version,
      username: config.username,
      now: clock.stamp(),
    };
    let client: MqttClient;
    try {
      const open = await openerFor(config, readSecret);
      const options = connectOptions(config, to, readSecret);
      const { MqttClient } = await import('mqtt');
      if (this.#aborter.signal.aborted) return failureOfReason('closed', endpoint);
      client = new MqttClient(open as never, options);
    } catch (error) {
      return failureOf(error, endpoint);
    }
    this.#client = client;
    this.#forced = undefined;
    let failure: Failure | undefined;
    client.on('error', (error) => {
      failure ??= failureOf(error, endpoint);
    });
    client.on('disconnect', ({ reasonCode }) => {
      failure ??= failureOfCode(reasonCode ?? 0, endpoint);
    });
    client.on('message', (topic, payload, packet) => listener.message?.(topic, payload, packet));
    client.on('connect', (connack) => {
      this.#connectedAt = clock.mono();
      listener.up(client, connack);
    });
    await new Promise<void>((resolve) => client.once('close', () => resolve()));
    this.#client = undefined;
    failure = this.#recognise(this.#forced ?? failure ?? failureOfReason('closed', endpoint), endpoint);
    if (this.connected) {
      if (clock.mono() - this.#connectedAt! >= STABLE && failure.reason !== 'taken-over')
        this.#backoff.reset();
      this.#connectedAt = undefined;
      listener.down(failure);
    }
    return failure;
  }

  /** MQTT 3.1.1, and many a broker of MQTT 5, closes the socket without a word when another client takes over. */
  #recognise(failure: Failure, endpoint: Endpoint): Failure {
    if (!this.connected) {
      if (failure.reason !== 'closed') return failure;
      const guess = `before MQTT began: is it the right port, with TLS or without, and does the broker know MQTT ${endpoint.version === 5 ? '5' : '3.1.1'}?`;
      return failureOfReason('closed', endpoint, guess);
    }
    const short = failure.reason === 'closed' && this.#options.clock.mono() - this.#connectedAt! < STABLE;
    this.#shortLives = short ? this.#shortLives + 1 : 0;
    return this.#shortLives < FLAPPING ? failure : failureOfReason('flapping', endpoint);
  }

  #settle(failure: Failure): void {
    const { clock, log, metrics } = this.#options;
    metrics.disconnects.labels(failure.reason).inc();
    if (failure.reason === 'taken-over' || failure.reason === 'flapping') {
      this.#rival = { detail: failure.detail, until: millis(clock.mono() + RIVAL_MEMORY) };
    }
    // Repeats of the same trouble are told by the counter and the health alone.
    const level = failure.detail === this.#failure?.detail ? 'debug' : 'warn';
    this.#failure = failure;
    log[level]({ event: 'mqtt.connection.lost', reason: failure.reason }, failure.detail);
  }
}

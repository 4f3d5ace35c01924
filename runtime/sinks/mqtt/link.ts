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
/** How long a take-over by another client is told of in the health. */
const TAKEN_OVER_MEMORY = seconds(300);
/** How long a polite end may take before the socket is closed. */
const END = millis(1000);
/** So many connections in a row that the broker closed at once look like a second client of the same id. */
const FLAPPING = 3;

export class BrokerLink {
  readonly #options: LinkOptions;
  readonly #backoff: Backoff;
  readonly #aborter = new AbortController();
  #client: MqttClient | undefined;
  #connectedAt: Millis | undefined;
  #failure: Failure | undefined;
  #takenOver: { detail: string; until: Millis } | undefined;
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
    if (this.#takenOver && clock.mono() < this.#takenOver.until) return this.#takenOver.detail;
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
    failure = this.#forced ?? failure ?? this.#closedBy(endpoint);
    if (this.connected) {
      if (clock.mono() - this.#connectedAt! >= STABLE && failure.reason !== 'taken-over')
        this.#backoff.reset();
      this.#connectedAt = undefined;
      listener.down(failure);
    }
    return failure;
  }

  /** The socket closed without a word: MQTT 3.1.1 has none for a take-over. */
  #closedBy(endpoint: Endpoint): Failure {
    const lived = this.connected ? this.#options.clock.mono() - this.#connectedAt! : 0;
    this.#shortLives = this.connected && lived < STABLE ? this.#shortLives + 1 : 0;
    if (this.#shortLives < FLAPPING) return failureOfReason('closed', endpoint);
    const guess = `soon after accepting it, ${this.#shortLives} times in a row: perhaps another client uses the id '${endpoint.clientId}'`;
    return failureOfReason('closed', endpoint, guess);
  }

  #settle(failure: Failure): void {
    const { clock, log, metrics } = this.#options;
    metrics.disconnects.labels(failure.reason).inc();
    if (failure.reason === 'taken-over') {
      this.#takenOver = { detail: failure.detail, until: millis(clock.mono() + TAKEN_OVER_MEMORY) };
    }
    // Repeats of the same trouble are told by the counter and the health alone.
    const level = failure.detail === this.#failure?.detail ? 'debug' : 'warn';
    this.#failure = failure;
    log[level]({ event: 'mqtt.connection.lost', reason: failure.reason }, failure.detail);
  }
}

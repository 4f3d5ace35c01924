/** Delivers the outbox to an MQTT broker, tells the node's status there, and runs the commands sent to it. */

import type { IConnackPacket, MqttClient } from 'mqtt';
import type { Registry } from 'prom-client';
import type { MqttConfig } from '../../config/schema/mqtt.ts';
import type { Clock } from '../../core/clock.ts';
import type { CommandTable } from '../../core/commands.ts';
import { type Component, HEALTHY, type Health } from '../../core/component.ts';
import type { Log } from '../../core/log.ts';
import type { OutboundQueue } from '../../core/messages.ts';
import type { NodeStatus } from '../../core/status.ts';
import { millis, seconds } from '../../core/units.ts';
import type { ReplyAddress } from './command-request.ts';
import { CommandServer } from './command-server.ts';
import type { ReadSecret } from './connection.ts';
import { ControlLine } from './control-line.ts';
import { Drain } from './drain.ts';
import { Envelope, type Origin, topicPrefix } from './envelope.ts';
import { BrokerLink } from './link.ts';
import { createMqttMetrics, type MqttMetrics } from './metrics.ts';
import { NodeLink } from './node-link.ts';
import { snapshotLoader } from './snapshot-message.ts';
import { onlinePayload, statusKey, stoppedPayload, willPayload } from './status-topic.ts';

export interface MqttSinkOptions {
  readonly config: MqttConfig;
  readonly site: string;
  readonly node: string;
  readonly bootId: string;
  readonly queue: OutboundQueue;
  /** Data directory of the node, where pictures of events lie. */
  readonly dataDir: string;
  readonly commands: CommandTable;
  readonly status: () => NodeStatus;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
  /** The secret behind `/path` or `credential:NAME`, without a trailing line end. @throws InputError. */
  readonly readSecret: ReadSecret;
}

const WATCH = seconds(1);
/** A broker that answers pings but no PUBLISH is as good as gone. */
const ACK_LIMIT = seconds(60);
/** How long `stop` waits for what is on its way, and then for the farewell. */
const SETTLE = seconds(1);
const JSON_PROPERTIES = { contentType: 'application/json', payloadFormatIndicator: true };

export const clientIdOf = (config: MqttConfig, { site, node }: Origin): string =>
  config.clientId ?? `vigie-${site}-${node}`;

export class MqttSink implements Component {
  readonly name = 'mqtt';
  /** For the Sparkplug publisher, which shares it. */
  readonly metrics: MqttMetrics;
  /** For updates, which share the connection. */
  readonly updates = new NodeLink();
  readonly #options: MqttSinkOptions;
  readonly #prefix: string;
  readonly #commandPrefix: string;
  readonly #drain: Drain;
  readonly #link: BrokerLink;
  readonly #commandServer: CommandServer;
  #client: MqttClient | undefined;
  #control: ControlLine | undefined;
  #subscribeTrouble = '';
  #watch: NodeJS.Timeout | undefined;
  #told = '';
  #state: 'new' | 'running' | 'stopped' = 'new';

  constructor(options: MqttSinkOptions) {
    const { config, site, node, bootId, queue, dataDir, commands, clock, log, registry, readSecret } =
      options;
    const origin: Origin = { site, node };
    this.#options = options;
    this.#prefix = topicPrefix(origin);
    this.#commandPrefix = `${this.#prefix}cmd/`;
    this.metrics = createMqttMetrics(registry);
    const { metrics } = this;
    this.#drain = new Drain({
      queue,
      envelope: new Envelope(origin),
      loadSnapshot: snapshotLoader(dataDir, origin),
      topicPrefix: this.#prefix,
      bootId,
      window: config.inflight,
      perSecond: config.drainPerSecond,
      clock,
      log,
      metrics,
    });
    this.#commandServer = new CommandServer({
      origin,
      commands,
      clock,
      log,
      metrics,
      reply: (address, payload) => this.#reply(address, payload),
    });
    const will = { topic: `${this.#prefix}status`, payload: willPayload(origin, bootId), retain: true };
    const clientId = clientIdOf(config, origin);
    this.#link = new BrokerLink({
      config,
      session: () => ({ clientId, clean: config.sessionExpiry === 0, will }),
      listener: {
        up: (client, connack) => this.#up(client, connack),
        down: () => this.#down(),
        message: (topic, payload, packet) => {
          if (topic.startsWith(this.#commandPrefix)) this.#commandServer.handle(topic, payload, packet);
          else this.updates.message(topic, payload);
        },
      },
      clock,
      log,
      metrics,
      readSecret,
    });
  }

  /** Does not wait for the broker. */
  async start(): Promise<void> {
    if (this.#state !== 'new') return;
    this.#state = 'running';
    this.metrics.connected.set(0);
    this.#watch = setInterval(() => this.#look(), WATCH).unref();
    this.#link.start();
  }

  /** What was not acknowledged stays in the outbox. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    clearInterval(this.#watch);
    await this.#drain.settle(SETTLE);
    await this.#sayGoodbye();
    await this.#link.stop();
  }

  health(): Health {
    if (this.#state === 'stopped') return { state: 'stopped', detail: '' };
    const trouble = [this.#link.trouble, this.#drain.trouble, this.#subscribeTrouble].filter(Boolean);
    if (trouble.length > 0) return { state: 'degraded', detail: trouble.join('; ') };
    if (this.#link.connected) return HEALTHY;
    return { state: 'starting', detail: `connecting to ${this.#options.config.url}` };
  }

  #up(client: MqttClient, connack: IConnackPacket): void {
    const { config, log } = this.#options;
    const { receiveMaximum = 65_535, maximumPacketSize = Number.POSITIVE_INFINITY } =
      connack.properties ?? {};
    const control = new ControlLine({
      receiveMaximum,
      now: () => this.#options.clock.mono(),
      records: () => this.#drain.inflight,
      onFreed: () => client === this.#client && this.#drain.resume(),
    });
    this.#client = client;
    this.#control = control;
    this.metrics.connected.set(1);
    this.metrics.connects.inc();
    log.info(
      { event: 'mqtt.connection.up', sessionPresent: connack.sessionPresent },
      `connected to ${config.url}`,
    );
    this.#subscribe(client);
    this.#told = '';
    this.#look();
    // Reconnected while stopping: only the farewell is left to send.
    if (this.#state === 'stopped') return;
    this.updates.up(client, control);
    this.#drain.up(
      (topic, payload, done, properties = JSON_PROPERTIES) =>
        client.publish(topic, payload, { qos: 1, properties }, (error) => {
          const code = error ? (error as { code?: unknown }).code : 0;
          // An error without a code is the end of the connection, which takes everything back.
          if (typeof code === 'number') done(code);
          control.flush();
        }),
      { receiveMaximum, maximumPacketSize, claimed: () => control.claimed },
    );
  }

  #down(): void {
    this.#client = undefined;
    this.#control = undefined;
    this.metrics.connected.set(0);
    this.updates.down();
    this.#drain.down();
  }

  #subscribe(client: MqttClient): void {
    const { config, log } = this.#options;
    const topic = `${this.#commandPrefix}+`;
    // Retained commands are not wanted: MQTT 5 brokers need not send them at all.
    const options = config.version === 5 ? ({ qos: 1, rh: 2 } as const) : ({ qos: 1 } as const);
    client.subscribe(topic, options, (error, granted) => {
      const refused = error ?? granted?.find(({ qos }) => qos >= 128);
      this.#subscribeTrouble =
        refused && client === this.#client
          ? `the broker does not let the node subscribe to ${topic}: no command can reach it`
          : '';
      if (this.#subscribeTrouble) log.warn({ event: 'mqtt.commands.refused', topic }, this.#subscribeTrouble);
    });
  }

  #reply({ topic, correlationData }: ReplyAddress, payload: string): boolean {
    const client = this.#client;
    const properties = { ...JSON_PROPERTIES, ...(correlationData && { correlationData }) };
    const send = (done: () => void) => void client?.publish(topic, payload, { qos: 1, properties }, done);
    return this.#control?.send(send) ?? false;
  }

  /** Once a second: is there news to tell, and does the broker still answer? */
  #look(): void {
    if (!this.#client) return;
    const { status, clock, config } = this.#options;
    const now = status();
    const key = statusKey(now);
    if (key !== this.#told && this.#publishStatus(onlinePayload(now, clock.wall()))) this.#told = key;
    const flights = [this.#drain.oldestFlight(), this.#control?.oldestFlight()];
    const isLate = (sentAt: number | undefined) => sentAt !== undefined && clock.mono() - sentAt > ACK_LIMIT;
    if (flights.some(isLate)) {
      const detail = `no PUBACK for ${ACK_LIMIT / 1000} s from ${config.url}; connecting again`;
      this.#link.renew({ reason: 'ack-timeout', detail });
    }
  }

  #publishStatus(payload: string, done: () => void = () => {}): boolean {
    const client = this.#client;
    const options = { qos: 1, retain: true, properties: JSON_PROPERTIES } as const;
    const send = (acked: () => void) =>
      void client?.publish(`${this.#prefix}status`, payload, options, () => {
        acked();
        done();
      });
    return this.#control?.send(send) ?? false;
  }

  async #sayGoodbye(): Promise<void> {
    if (!this.#client) return;
    const { status, clock } = this.#options;
    const payload = stoppedPayload(status(), clock.wall());
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, millis(SETTLE));
      this.#publishStatus(payload, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

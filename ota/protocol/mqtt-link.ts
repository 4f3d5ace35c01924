/** An OtaLink with an MQTT connection of its own: for the hub, the command line and tests. */

import type { Duplex } from 'node:stream';
import type { IClientOptions, ISubscriptionMap, MqttClient } from 'mqtt';
import { DeliveryError } from '../../runtime/core/errors.ts';
import type { Delivery, OnMessage, OtaLink } from './link.ts';

export interface LinkCredentials {
  readonly clientId?: string;
  readonly username?: string;
  readonly password?: string;
  /** PEM. */
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

const CONNECT_MS = 15_000;
const RECONNECT_MS = 500;
const SUBSCRIBE_MS = 10_000;

export class MqttLink implements OtaLink {
  readonly #client: MqttClient;
  readonly #receivers = new Map<string, Set<OnMessage>>();
  /** Publications that the socket has not taken yet: mqtt.js forgets them when it breaks. */
  readonly #underway = new Set<(error: Error) => void>();

  constructor(client: MqttClient) {
    this.#client = client;
    client.on('message', (topic, payload) => {
      for (const [filter, receivers] of this.#receivers)
        if (covers(filter, topic)) for (const receive of receivers) receive(topic, payload);
    });
    client.on('close', () => {
      for (const fail of this.#underway) fail(unreachable('the connection to the broker broke'));
    });
  }

  get connected(): boolean {
    return this.#client.connected;
  }

  publish(topic: string, payload: Uint8Array, { qos, retain }: Delivery): Promise<void> {
    if (!this.#client.connected) return Promise.reject(unreachable('there is no connection to the broker'));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#underway.add(reject);
    this.#client.publish(topic, payload as Buffer, { qos, retain }, (cause) =>
      cause ? reject(unreachable(`cannot publish on ${topic}`, cause)) : resolve(),
    );
    return promise.finally(() => this.#underway.delete(reject));
  }

  async subscribe(topic: string, onMessage: OnMessage): Promise<() => void> {
    const receivers = this.#receivers.get(topic) ?? new Set();
    this.#receivers.set(topic, receivers);
    receivers.add(onMessage);
    try {
      // Asked again where it is subscribed already: the broker then sends what it retains to the new receiver too.
      await this.#ask(topic);
    } catch (error) {
      this.#forget(topic, onMessage);
      throw error;
    }
    return () => this.#forget(topic, onMessage);
  }

  onReconnected(work: () => void): () => void {
    this.#client.on('connect', work);
    return () => void this.#client.off('connect', work);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#receivers.clear();
    if (!this.#client.disconnecting) await this.#client.endAsync(true);
  }

  #ask(topic: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(unreachable(`no answer to the subscription to ${topic}`)),
        SUBSCRIBE_MS,
      );
      const asked = { [topic]: { qos: 1 }, resubscribe: true } as ISubscriptionMap;
      this.#client.subscribe(asked, (cause, granted) => {
        clearTimeout(late);
        // 128 and above: refused.
        if (!cause && granted?.every(({ qos }) => qos < 128)) resolve();
        else reject(unreachable(`the broker refuses the subscription to ${topic}`, cause ?? undefined));
      });
    });
  }

  #forget(topic: string, onMessage: OnMessage): void {
    const receivers = this.#receivers.get(topic);
    if (!receivers?.delete(onMessage) || receivers.size > 0) return;
    this.#receivers.delete(topic);
    // Without a connection there is nothing to undo: mqtt.js must not subscribe again at the next one.
    this.#client.unsubscribe(topic, () => undefined);
  }
}

/** @throws DeliveryError `ota-transport` when the broker cannot be reached, or refuses, within 15 s. */
export async function connectLink(url: string, credentials: LinkCredentials = {}): Promise<MqttLink> {
  const { connectAsync } = await import('mqtt');
  const options: IClientOptions = {
    ...credentials,
    protocolVersion: 5,
    clean: true,
    reconnectPeriod: RECONNECT_MS,
    connectTimeout: CONNECT_MS,
    // Nothing waits in memory for a connection: whoever asked asks again.
    queueQoSZero: false,
    // The library would keep 65,536 encoded numbers: 12 MB.
    writeCache: false,
  };
  try {
    const client = await connectAsync(url, options, false);
    // What a broken connection means for a call, the call says; the client reconnects by itself.
    client.on('error', () => undefined);
    const adapt = () => tune(client.stream);
    client.on('connect', adapt);
    adapt();
    return new MqttLink(client);
  } catch (cause) {
    throw unreachable(`cannot connect to ${new URL(url).host}`, cause);
  }
}

function tune(stream: Duplex & { setNoDelay?: (noDelay: boolean) => void }): void {
  // A small request would wait 40 ms for the acknowledgement of the one before.
  stream.setNoDelay?.(true);
  // One listener for each publication that waits for the socket.
  stream.setMaxListeners(0);
}

function covers(filter: string, topic: string): boolean {
  if (filter === topic) return true;
  const wanted = filter.split('/');
  const given = topic.split('/');
  for (const [i, level] of wanted.entries()) {
    if (level === '#') return true;
    if (i >= given.length || (level !== '+' && level !== given[i])) return false;
  }
  return wanted.length === given.length;
}

const unreachable = (text: string, cause?: unknown) =>
  new DeliveryError('ota-transport', text, { retryable: true, ...(cause !== undefined && { cause }) });

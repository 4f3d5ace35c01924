/** Collects everything a broker delivers, as an outside subscriber sees it. */

import { connectAsync, type IClientOptions } from 'mqtt';

export interface ReceivedMessage {
  readonly topic: string;
  readonly retain: boolean;
  readonly payload: string;
  /** As they came: payloads that are no JSON have no body. */
  readonly bytes: Buffer;
  /** MQTT 5 user properties. */
  readonly properties: Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into foreign JSON; its form is checked against the contract.
  readonly body: any;
}

export interface Subscriber {
  readonly messages: ReceivedMessage[];
  /** Those below `vigie/<site>/<node>/<end>`. */
  of(end: string): ReceivedMessage[];
  stop(): Promise<void>;
}

/** The broker keeps what comes while it or the subscriber is away. */
export const PERSISTENT: IClientOptions = {
  clean: false,
  clientId: 'ears',
  reconnectPeriod: 100,
  properties: { sessionExpiryInterval: 600 },
};

export async function subscribe(
  url: string,
  filter = 'vigie/#',
  options: IClientOptions = {},
): Promise<Subscriber> {
  const client = await connectAsync(url, { protocolVersion: 5, ...options });
  const messages: ReceivedMessage[] = [];
  client.on('message', (topic, bytes, { retain, properties = {} }) => {
    const payload = bytes.toString();
    const body = /^[[{]/.test(payload) ? JSON.parse(payload) : undefined;
    messages.push({ topic, retain, payload, bytes, body, properties: properties.userProperties ?? {} });
  });
  await client.subscribeAsync(filter, { qos: 1 });
  return {
    messages,
    of: (end) => messages.filter(({ topic }) => topic.split('/').slice(3).join('/') === end),
    stop: () => client.endAsync(true),
  };
}

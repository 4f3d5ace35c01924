/** Collects everything a broker delivers, as an outside subscriber sees it. */

import { connectAsync } from 'mqtt';

export interface ReceivedMessage {
  readonly topic: string;
  readonly retain: boolean;
  readonly payload: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into foreign JSON; its form is checked against the contract.
  readonly body: any;
}

export interface Subscriber {
  readonly messages: ReceivedMessage[];
  /** Those below `vigie/<site>/<node>/<end>`. */
  of(end: string): ReceivedMessage[];
  stop(): Promise<void>;
}

export async function subscribe(url: string, filter = 'vigie/#'): Promise<Subscriber> {
  const client = await connectAsync(url, { protocolVersion: 5 });
  const messages: ReceivedMessage[] = [];
  client.on('message', (topic, payload, { retain }) => {
    const text = payload.toString();
    messages.push({ topic, retain, payload: text, body: text === '' ? undefined : JSON.parse(text) });
  });
  await client.subscribeAsync(filter, { qos: 1 });
  return {
    messages,
    of: (end) => messages.filter(({ topic }) => topic.split('/').slice(3).join('/') === end),
    stop: () => client.endAsync(true),
  };
}

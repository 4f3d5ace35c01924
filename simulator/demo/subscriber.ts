/** Watches a broker for the demo node's events, as any subscriber would. */

import { DeliveryError } from '../../runtime/core/errors.ts';

export interface Subscription {
  stop(): Promise<void>;
}

/**
 * Connects again by itself for as long as it runs.
 * @param topic below `vigie/`: of its own node alone, since on a broker in use others publish too.
 * @throws DeliveryError `demo-broker` when the first connection fails.
 */
export async function watchEvents<T>(
  url: string,
  topic: string,
  onEvent: (event: T) => void,
): Promise<Subscription> {
  const { connectAsync } = await import('mqtt');
  const client = await connectAsync(url, { protocolVersion: 4 }).catch((cause) => {
    throw new DeliveryError('demo-broker', `cannot connect to the broker ${url}`, { cause });
  });
  client.on('message', (_topic, payload) => onEvent(JSON.parse(payload.toString()) as T));
  await client.subscribeAsync(`vigie/${topic}`, { qos: 1 });
  return { stop: () => client.endAsync(true) };
}

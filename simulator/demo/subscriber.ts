/** Watches a broker for the demo node's anomaly events, as any subscriber would. */

import { DeliveryError } from '../../runtime/core/errors.ts';
import type { AnomalyEvent } from '../../runtime/core/messages.ts';

export interface Subscription {
  stop(): Promise<void>;
}

/**
 * Connects again by itself for as long as it runs.
 * @throws DeliveryError `demo-broker` when the first connection fails.
 */
export async function watchAnomalies(
  url: string,
  onEvent: (event: AnomalyEvent) => void,
): Promise<Subscription> {
  const { connectAsync } = await import('mqtt');
  const client = await connectAsync(url, { protocolVersion: 4 }).catch((cause) => {
    throw new DeliveryError('demo-broker', `cannot connect to the broker ${url}`, { cause });
  });
  client.on('message', (_topic, payload) => onEvent(JSON.parse(payload.toString()) as AnomalyEvent));
  // Its own node's alone: on a broker in use others publish too.
  await client.subscribeAsync('vigie/demo/plant/events/anomaly', { qos: 1 });
  return { stop: () => client.endAsync(true) };
}

/** Listens to the nodes' reports, and keeps book of whom to believe. */

import type { FleetBook } from '../../../../ota/publish/fleet/fleet-book.ts';
import type { Broker } from '../broker.ts';

/** Takes what comes until the returned function is called. @throws DeliveryError `ota-transport` */
export function hearFleet({ link, topics }: Broker, book: FleetBook): Promise<() => void> {
  return link.subscribe(topics.allStates, (topic, payload) => {
    const node = topics.nodeOf(topic);
    if (node !== undefined) book.take(node, payload);
  });
}

/** A change of health as a record for the outbox: topic `events/health`. */

import type { OutboundRecord, Stamp } from '../core/messages.ts';
import type { HealthChange } from './health-watch.ts';

export function healthRecord(change: HealthChange, stamp: Stamp): OutboundRecord {
  return { ...stamp, class: 'health', topic: 'events/health', body: { schema: 'vigie.health/1', ...change } };
}

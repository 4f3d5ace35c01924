/** The durable queue between the node and the broker. */

import { z } from 'zod';
import { byteSize, described, duration } from './common.ts';

export const outboxConfig = z.strictObject({
  maxBytes: described(
    byteSize('1MiB', '1TiB').prefault('256MiB'),
    'Disk the queue may fill; the oldest readings go first and are counted, events go last.',
  ),
  readings: described(
    z
      .strictObject({
        enabled: described(
          z.boolean().default(true),
          'Publish readings at all; events and health always are.',
        ),
        batch: described(
          duration('1s', '1h').prefault('60s'),
          'Readings are gathered this long and written as one record: longer spares the flash card, and is what a power cut may take.',
        ),
      })
      .prefault({}),
    'How readings are gathered.',
  ),
});

export type OutboxConfig = z.output<typeof outboxConfig>;

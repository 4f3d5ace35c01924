/** Pictures of events: how each is made, and how many are kept. */

import { z } from 'zod';
import { byteSize, described, duration } from './common.ts';

/** Of one camera. */
export const cameraSnapshots = z.strictObject({
  size: described(
    z.number().int().min(160).max(7680).default(1280),
    'Longest side, pixels: larger pictures are scaled down.',
  ),
  quality: described(z.number().int().min(1).max(100).default(85), 'JPEG quality, where it fits.'),
  maxBytes: described(
    byteSize('8KiB', '4MiB').prefault('256KiB'),
    'Of one picture, which is made worse and then smaller until it fits. Brokers have a bound of their own.',
  ),
  mqtt: described(
    z.boolean().default(false),
    'Send the pictures to the broker too, on `snapshots/<camera>/<event>`; events name the file either way.',
  ),
});

/** Of the node. */
export const snapshotsConfig = z.strictObject({
  maxBytes: described(
    byteSize('1MiB', '1TiB').prefault('64MiB'),
    'Disk that the pictures of all cameras may fill; the oldest go first.',
  ),
  maxCount: described(
    z.number().int().min(1).max(1_000_000).default(10_000),
    'Pictures of all cameras together; the oldest go first.',
  ),
  maxAge: described(
    duration('1min', '3650d').prefault('30d'),
    'Older pictures are deleted, while the clock of the node is set.',
  ),
  keepFree: described(
    byteSize('0B', '1TiB').prefault('64MiB'),
    'What pictures leave free on that disk: events matter more than their pictures.',
  ),
});

export type CameraSnapshotsConfig = z.output<typeof cameraSnapshots>;
export type SnapshotsConfig = z.output<typeof snapshotsConfig>;

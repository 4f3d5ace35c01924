/** Dashboard, metrics and health over HTTP. */

import { z } from 'zod';
import { isLoopback } from '../../core/loopback.ts';
import { byteSize, described, port, secretFile } from './common.ts';

/** What looking at cameras may cost. */
const cameraPages = z.strictObject({
  viewers: described(
    z.number().int().min(0).max(64).default(4),
    'Live pictures that are sent at the same time, over all cameras; 0 for none.',
  ),
  fps: described(z.number().int().min(1).max(60).default(10), 'Pictures a second of a live view, at most.'),
  bandwidth: described(
    byteSize('16KiB', '64MiB').prefault('1MiB'),
    'Bytes a second to each viewer, at most; pictures are made smaller and fewer to fit.',
  ),
  size: described(z.number().int().min(160).max(7680).default(960), 'Longest side of live pictures, pixels.'),
  quality: described(z.number().int().min(1).max(100).default(75), 'JPEG quality, where it fits.'),
  editZones: described(
    z.boolean().default(true),
    'Zones and tripwires may be changed on the page, which writes the configuration file.',
  ),
});

export type CameraPagesConfig = z.output<typeof cameraPages>;

export const httpConfig = z
  .strictObject({
    enabled: described(z.boolean().default(true), 'Serve the dashboard, /metrics, /healthz and /readyz.'),
    host: described(
      z.string().default('127.0.0.1'),
      'Address to listen on; anything but loopback needs a password.',
    ),
    port: described(port.default(8470), 'TCP port.'),
    username: described(
      z.string().min(1).max(64).default('vigie'),
      'User name for HTTP Basic authentication.',
    ),
    passwordFile: described(
      secretFile.optional(),
      'File or credential with the password; needed unless on loopback.',
    ),
    cameras: described(cameraPages.prefault({}), 'Live pictures and the zone editor.'),
  })
  .superRefine((http, context) => {
    if (isLoopback(http.host) || http.passwordFile) return;
    context.addIssue({
      code: 'custom',
      path: ['host'],
      message: `listening on ${http.host} needs a password: add http.passwordFile, or listen on 127.0.0.1`,
    });
  });

export type HttpConfig = z.output<typeof httpConfig>;
